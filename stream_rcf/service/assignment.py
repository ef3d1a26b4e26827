"""Partitions that come and go: what the group's decisions mean for our state."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

from stream_rcf.core.parameters import DetectorParameters
from stream_rcf.kafka.messages import OFFSET_END, TopicPartition
from stream_rcf.kafka.source import Source
from stream_rcf.observe.metrics import Metrics
from stream_rcf.service.alert_digest_opening import alert_digest_of_plan
from stream_rcf.service.backfill import Backfill
from stream_rcf.service.feedback_opening import feedback_of_plan
from stream_rcf.service.partition import Partition, PartitionState
from stream_rcf.service.saved_state import DamagedCheckpointError
from stream_rcf.settings.derived import state_fingerprint
from stream_rcf.settings.model import Settings
from stream_rcf.state.backfill_choice import choose_backfill
from stream_rcf.state.checkpoint_store import CheckpointStore
from stream_rcf.state.growth import check_growth
from stream_rcf.state.key_memory import KeyMemory
from stream_rcf.state.manifest import Manifest, ManifestList, PartitionId
from stream_rcf.state.objects import StoreUnreachableError
from stream_rcf.state.recovery import plan_recovery

logger = logging.getLogger(__name__)


class Handover(Protocol):
    """What must happen before partitions may go: the worker's part of a rebalance."""

    def commit_before_handover(self) -> bool:
        """Commit what was published; False when that failed and the state is ahead of the group."""

    def save_before_handover(self, partitions: Sequence[Partition]) -> None:
        """Checkpoint live partitions within a budget, so that the next owner has nothing to replay."""

    def abandon_uncommitted(self) -> None:
        """Drop what was published and not committed; the state of every partition is loaded again."""

    def forget(self, partition: Partition) -> None:
        """The partition is gone: drop its checkpoint in progress and its metrics."""


def kafka_position(partition: Partition) -> TopicPartition:
    """The partition with the offset to read next; a harmless one while nobody knows, for a paused partition."""
    if partition.state is PartitionState.ASSIGNED:
        return TopicPartition(partition.topic, partition.number, OFFSET_END)
    return TopicPartition(partition.topic, partition.number, partition.next_offset)


class Assignment:
    """The partitions of this member, and the listener of its group."""

    def __init__(
        self,
        settings: Settings,
        parameters: DetectorParameters,
        store: CheckpointStore,
        handover: Handover,
        metrics: Metrics,
        backfill: Backfill | None = None,
    ) -> None:
        self._settings = settings
        self._parameters = parameters
        self._fingerprint = state_fingerprint(settings)
        self._store = store
        self._handover = handover
        self._metrics = metrics
        self._partitions: dict[tuple[str, int], Partition] = {}
        self._to_resume: list[Partition] = []
        self.source: Source | None = None  # set once, right after the consumer is made
        self._damage: dict[
            PartitionId, list[DamagedCheckpointError]
        ] = {}  # of checkpoints, found while reading them
        self.has_joined = False
        folder = settings.keys.spill_folder
        self.memory = KeyMemory(settings.memory_limit_bytes_per_worker, Path(folder) if folder else None)
        self._backfill = backfill
        self._backfill_identity = "" if backfill is None else backfill.identity
        self.memory.bytes += 0 if backfill is None else backfill.memory_bytes

    def __iter__(self) -> Iterator[Partition]:
        return iter(self._partitions.values())

    def get(self, topic: str, number: int) -> Partition | None:
        """The partition, if it is ours or parked."""
        return self._partitions.get((topic, number))

    @property
    def must_copy(self) -> bool:
        """Whether events that come now make keys be copied first, for a checkpoint."""
        return any(partition.table.must_copy for partition in self)

    def in_state(self, *states: PartitionState) -> list[Partition]:
        """Our partitions that stand in one of ``states``."""
        return [partition for partition in self if partition.state in states]

    def partition_id(self, partition: Partition) -> PartitionId:
        """Its name in the checkpoint store."""
        return PartitionId(self._settings.kafka.group_id, partition.topic, partition.number)

    def take_to_resume(self) -> list[Partition]:
        """Partitions that were kept over a rebalance and wait for their messages."""
        waiting, self._to_resume = self._to_resume, []
        return [partition for partition in waiting if partition.accepts_events]

    # -- the group's decisions; called inside the client's read or close -------------------------------------------

    def on_assigned(self, partitions: Sequence[TopicPartition]) -> list[TopicPartition]:
        """Decide for each partition where to read from. Raises ``CheckpointError`` where the settings say fail."""
        self._metrics.rebalanced("assigned")
        self.has_joined = True
        arrived = sorted((p.topic, p.partition) for p in partitions)
        for gone in self.in_state(PartitionState.PARKED):
            if gone.identity not in arrived:
                self._drop(gone)
        for topic, number in arrived:
            if (topic, number) not in self._partitions:
                self._partitions[topic, number] = Partition(topic, number, self._parameters, self.memory)
        try:
            committed = self._source().committed(partitions) if partitions else {}
            for identity in arrived:
                self._take_over(self._partitions[identity], committed[identity])
        except Exception:
            # They are ours all the same; the loop hears of the failure and begins them again from what is committed.
            for partition in self.in_state(PartitionState.PARKED):
                self._handover.forget(partition)
                partition.roll_back()
            raise
        logger.info(
            "partitions assigned",
            extra={"context": {"partitions": [f"{topic}[{number}]" for topic, number in arrived]}},
        )
        return [kafka_position(self._partitions[identity]) for identity in arrived]

    def _take_over(self, partition: Partition, committed: int | None) -> None:
        if partition.state is PartitionState.PARKED:
            note = self._source().committed_note(*partition.identity)
            if (partition.committed, partition.committed_note) == (committed, note):
                partition.unpark()
                self._to_resume.append(partition)
                return
            logger.warning(
                "another member moved on with this partition meanwhile; loading it again",
                extra={
                    "context": {
                        "topic": partition.topic,
                        "partition": partition.number,
                        "committed": committed,
                    }
                },
            )
            self._handover.forget(partition)
            partition.roll_back()
        if partition.state is PartitionState.ASSIGNED:
            self._plan_if_possible(partition, committed)

    def on_revoked(self, partitions: Sequence[TopicPartition]) -> None:
        """Commit, save, and keep the state until the group says who gets the partitions."""
        self._metrics.rebalanced("revoked")
        began = time.monotonic()
        going = [p for p in (self.get(t.topic, t.partition) for t in partitions) if p is not None]
        if self._handover.commit_before_handover():
            self._handover.save_before_handover([p for p in going if p.state is PartitionState.LIVE])
            for partition in going:
                if partition.accepts_events:
                    partition.park()
                else:
                    self._drop(partition)  # it was still loading: nothing to keep
        else:
            self._handover.abandon_uncommitted()
            for partition in going:
                self._drop(partition)
        seconds = round(time.monotonic() - began, 3)
        context = {"partitions": [repr(p) for p in going], "seconds": seconds}
        logger.info("partitions revoked", extra={"context": context})

    def on_lost(self, partitions: Sequence[TopicPartition]) -> None:
        """Somebody else may own them already: commit nothing, forget all."""
        self._metrics.rebalanced("lost")
        lost = [p for p in (self.get(t.topic, t.partition) for t in partitions) if p is not None]
        logger.warning("partitions lost", extra={"context": {"partitions": [repr(p) for p in lost]}})
        for partition in lost:
            self._drop(partition)
        self._handover.abandon_uncommitted()

    def _drop(self, partition: Partition) -> None:
        self._handover.forget(partition)
        partition.lose()
        del self._partitions[partition.identity]

    # -- recovery ---------------------------------------------------------------------------------------------------

    def _source(self) -> Source:
        if self.source is None:
            raise AssertionError("the assignment was used before its consumer was made")
        return self.source

    def _plan_if_possible(self, partition: Partition, committed: int | None) -> bool:
        """Plan, unless the store does not answer: then the partition waits, and the others go on without it."""
        try:
            self._plan(partition, committed)
        except StoreUnreachableError as error:
            logger.warning(
                "a partition waits for its checkpoints, which cannot be read: %s",
                error,
                extra={"context": {"topic": partition.topic, "partition": partition.number}},
            )
            return False
        return True

    def plan_waiting(self) -> None:
        """Try again to plan partitions that wait for the store. Only to be called with nothing in flight."""
        waiting = self.in_state(PartitionState.ASSIGNED)
        committed = self._source().committed([TopicPartition(p.topic, p.number) for p in waiting])
        planned = [self._plan_if_possible(partition, committed[partition.identity]) for partition in waiting]
        if not any(planned):
            return
        owned = [partition for partition in self if partition.state is not PartitionState.PARKED]
        self._source().reposition([kafka_position(partition) for partition in owned])
        self._to_resume += [partition for partition in owned if partition.accepts_events]

    def _plan(self, partition: Partition, committed: int | None) -> None:
        """Decide from which checkpoint and offset to go on, by the settings; says loudly what is missing."""
        name = self.partition_id(partition)
        low, high = self._source().watermarks(partition.topic, partition.number)
        found = self._store.manifests(name)
        usable, problems = self._undamaged(name, found)
        on_unusable = self._settings.checkpoint.on_unusable
        plan = plan_recovery(
            committed=committed,
            low=low,
            high=high,
            manifests=usable,
            fingerprint=self._fingerprint,
            start_from=self._settings.kafka.start_from,
            on_unusable=on_unusable,
            problems=problems,
            backfill=self._backfill_identity,
        )
        partition.topic_partitions = self._source().partition_count(partition.topic)
        growth = check_growth(self._store, name, found.manifests, partition.topic_partitions, on_unusable)
        # A partition that the topic gained is none without a past: its keys had events elsewhere since the backfill.
        offered = "" if plan.is_first and growth is not None else self._backfill_identity
        is_backfilled, forgone = choose_backfill(name, plan, offered, on_unusable)
        for warning in (plan.warning, growth, forgone):
            if warning is not None:
                logger.error(
                    warning, extra={"context": {"topic": partition.topic, "partition": partition.number}}
                )
        backfill = self._backfill if is_backfilled else None
        has_begun = found.newest_number > 0 or committed is not None
        partition.committed_note = self._source().committed_note(*partition.identity)
        feedback = feedback_of_plan(
            self._settings, name, plan, partition.committed_note, high if has_begun else 0
        )
        digest = alert_digest_of_plan(self._settings, name, plan)
        partition.load(plan, committed, found.newest_number, backfill, feedback, digest)

    def _undamaged(self, name: PartitionId, found: ManifestList) -> tuple[list[Manifest], list[str]]:
        """The checkpoints in which no damage was found so far, and sentences about the rest."""
        problems = list(found.problems)
        usable: list[Manifest] = []
        for manifest in found.manifests:
            names = {segment.name for segment in manifest.segments}
            damage = [
                str(known)
                for known in self._damage.get(name, ())
                if known.manifest == manifest.number or known.segment in names
            ]
            problems += damage
            if not damage:
                usable.append(manifest)
        return usable, list(dict.fromkeys(problems))

    def pass_over(self, damage: DamagedCheckpointError) -> None:
        """A checkpoint turned out to be damaged: plan without it from now on."""
        self._damage.setdefault(self.partition_id(damage.partition), []).append(damage)

    def roll_back_all(self) -> None:
        """After a failed commit: every partition goes back to what the group has, by checkpoint and replay."""
        owned = [partition for partition in self if partition.state is not PartitionState.PARKED]
        if not owned:
            return
        committed = self._source().committed([TopicPartition(p.topic, p.number) for p in owned])
        for partition in owned:
            self._handover.forget(partition)
            if partition.state is not PartitionState.ASSIGNED:
                partition.roll_back()
            self._plan_if_possible(partition, committed[partition.identity])
        self._source().reposition([kafka_position(partition) for partition in owned])
