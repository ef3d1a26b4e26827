r"""One input partition as a small state machine.

ASSIGNED -> LOADING -> REPLAYING -> LIVE
            LOADING ----------------> LIVE    nothing to replay
REPLAYING, LIVE -> PARKED                     given up, and kept until the group has decided
PARKED -> REPLAYING, LIVE                     given back: goes on where it was
PARKED -> ASSIGNED                            somebody else moved on with it meanwhile: load again
LOADING, REPLAYING, LIVE -> ASSIGNED          rolled back after a failure: load again
any -> LOST                                   somebody else's now
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

from stream_rcf.core.parameters import DetectorParameters
from stream_rcf.pipeline.alert_digest import AlertDigest
from stream_rcf.service.backfill import Backfill
from stream_rcf.service.feedback_note import Positions
from stream_rcf.service.partition_feedback import PartitionFeedback
from stream_rcf.state.key_memory import KeyMemory
from stream_rcf.state.key_table import KeyTable
from stream_rcf.state.recovery import RecoveryPlan


class PartitionState(Enum):
    """Where a partition stands."""

    ASSIGNED = "assigned"  # ours, not yet looked at
    LOADING = "loading"  # its checkpoint is being read
    REPLAYING = "replaying"  # learning silently what was already published
    LIVE = "live"  # scoring and publishing
    PARKED = "parked"  # revoked, and perhaps about to be given back
    LOST = "lost"  # not ours; nothing of it may be published or saved


_S = PartitionState
LEGAL_EDGES: dict[PartitionState, frozenset[PartitionState]] = {
    _S.ASSIGNED: frozenset({_S.LOADING, _S.LOST}),
    _S.LOADING: frozenset({_S.REPLAYING, _S.LIVE, _S.ASSIGNED, _S.LOST}),
    _S.REPLAYING: frozenset({_S.LIVE, _S.ASSIGNED, _S.PARKED, _S.LOST}),
    _S.LIVE: frozenset({_S.ASSIGNED, _S.PARKED, _S.LOST}),
    _S.PARKED: frozenset({_S.ASSIGNED, _S.REPLAYING, _S.LIVE, _S.LOST}),
    _S.LOST: frozenset(),
}


class Standing(NamedTuple):
    """How far a partition has come."""

    offset: int  # the first event not yet learned
    heard: Positions  # the first feedback and control messages that have not taken effect


class Partition:
    """What this process knows of one partition: its keys, and how far they have come."""

    def __init__(
        self, topic: str, number: int, parameters: DetectorParameters, memory: KeyMemory | None = None
    ) -> None:
        self.topic = topic
        self.number = number
        self.state = PartitionState.ASSIGNED
        self.topic_partitions = 0  # of its topic, when its plan was made
        self._parameters = parameters
        self._memory = memory
        self._begin()

    def _forget(self) -> None:
        self.table.release()
        self._begin()

    def _begin(self) -> None:
        self.table = KeyTable(self._parameters, self._memory)
        self.plan: RecoveryPlan | None = None
        self.newest_checkpoint = 0  # number of the last one in the store when the plan was made
        self.next_offset = 0  # the first event not yet learned
        self.publish_from = 0  # events before were published by an earlier owner
        self.committed: int | None = None  # the group's offset as far as we know
        self.backfill: Backfill | None = None  # what its keys begin with
        # What people told it; None where no topic is named for that.
        self.feedback: PartitionFeedback | None = None
        self.committed_note = ""  # what is committed beside the offset
        # What its alerts come to; None where each is published on its own.
        self.alert_digest: AlertDigest | None = None

    def __repr__(self) -> str:
        return f"<{self.topic}[{self.number}] {self.state.value} at {self.next_offset}>"

    @property
    def identity(self) -> tuple[str, int]:
        """(topic, partition number)."""
        return self.topic, self.number

    @property
    def backfill_identity(self) -> str:
        """Which backfill its keys begin with, as its checkpoints say; ``""`` for none."""
        return "" if self.backfill is None else self.backfill.identity

    @property
    def accepts_events(self) -> bool:
        """Whether its events may change its keys now."""
        return self.state in (PartitionState.REPLAYING, PartitionState.LIVE)

    def _move(self, state: PartitionState) -> None:
        if state not in LEGAL_EDGES[self.state]:
            raise AssertionError(f"{self!r} cannot become {state.value}")
        self.state = state

    @property
    def note(self) -> str:
        """What is to be committed beside the offset: see ``feedback_note``."""
        return "" if self.feedback is None else self.feedback.note

    @property
    def standing(self) -> Standing:
        """What a checkpoint made now would hold: up to which event, and how much feedback."""
        return Standing(self.next_offset, Positions() if self.feedback is None else self.feedback.heard)

    def reach(self, offset: int) -> None:
        """The event at ``offset`` is next: let the feedback that is known to come before it take effect."""
        if self.feedback is not None:
            self.feedback.reach(offset)

    def load(
        self,
        plan: RecoveryPlan,
        committed: int | None,
        newest_checkpoint: int,
        backfill: Backfill | None = None,
        feedback: PartitionFeedback | None = None,
        alert_digest: AlertDigest | None = None,
    ) -> None:
        """Begin to read the checkpoint that ``plan`` names, made when ``newest_checkpoint`` was the last number.

        Keys that are not in it begin as ``backfill`` has them; ``feedback`` and ``alert_digest`` are as of there.
        """
        self._move(PartitionState.LOADING)
        self.plan = plan
        self.next_offset = plan.start_offset
        self.publish_from = plan.publish_from
        self.committed = committed
        self.newest_checkpoint = newest_checkpoint
        self.backfill = self.table.origin = backfill
        self.feedback = feedback
        self.alert_digest = alert_digest

    def loaded(self) -> None:
        """The keys are those of the plan's start offset."""
        replay = self.next_offset < self.publish_from
        self._move(PartitionState.REPLAYING if replay else PartitionState.LIVE)
        if not replay:
            self.reach(self.publish_from)

    def caught_up(self) -> None:
        """Everything that was published before has been learned."""
        self._move(PartitionState.LIVE)
        self.reach(self.publish_from)

    def park(self) -> None:
        """Revoked: keep all until the group's next decision."""
        self._move(PartitionState.PARKED)

    def unpark(self) -> None:
        """Given back untouched: go on."""
        if self.next_offset < self.publish_from:
            self._move(PartitionState.REPLAYING)
        else:
            self.caught_up()

    def roll_back(self) -> None:
        """Its state is ahead of what was committed, or not to be trusted: forget it and load again."""
        self._move(PartitionState.ASSIGNED)
        self._forget()

    def lose(self) -> None:
        """Somebody else's now: forget all."""
        self._move(PartitionState.LOST)
        self._forget()
        self.table.release()

    def loaded_facts(self) -> dict[str, object]:
        """What the log says of it when it was loaded."""
        facts: dict[str, object] = {
            "topic": self.topic,
            "partition": self.number,
            "keys": len(self.table),
            "offset": self.next_offset,
            "replay": self.publish_from - self.next_offset,
        }
        return facts | ({"backfill": self.backfill_identity} if self.backfill is not None else {})

    @property
    def still_to_replay(self) -> int:
        """Offsets still to be learned silently."""
        return max(0, self.publish_from - self.next_offset) if self.state is not PartitionState.LIVE else 0
