"""When partitions are saved: on an interval, before a handover, and once before a new partition's first commit."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from stream_rcf.core.model import model_of
from stream_rcf.core.parameters import DetectorParameters
from stream_rcf.errors import ReloadNeededError
from stream_rcf.observe.metrics import Metrics
from stream_rcf.service.partition import Partition, PartitionState, Standing
from stream_rcf.service.saved_state import DamagedCheckpointError, FirstCheckpointError, SavedState
from stream_rcf.state.checkpoint_store import CheckpointStore
from stream_rcf.state.checkpoint_writer import CheckpointOutcome, CheckpointWriter
from stream_rcf.state.cut import ConsistentCut
from stream_rcf.state.idle_keys import let_go_of_idle
from stream_rcf.state.manifest import PartitionId
from stream_rcf.state.objects import StoreUnreachableError
from stream_rcf.state.saved_keys import SavedKeys

logger = logging.getLogger(__name__)

HURRY_SECONDS = 0.1  # of copying keys between two looks at the deadline when nothing else is to be done
POLL_SECONDS = 0.002  # between looks at the writer while waiting for it
FIRST_CHECKPOINT_SECONDS = 60.0  # for the empty checkpoint that a new partition needs before its first commit


@dataclass(slots=True)
class _OpenCut:
    partition: Partition
    cut: ConsistentCut
    standing: Standing
    is_handed_over: bool = False  # everything is with the writer


class Checkpoints:
    """Cuts of partitions on their way to the store. For the thread that owns the consumer."""

    def __init__(
        self,
        store: CheckpointStore,
        writer: CheckpointWriter,
        name_of: Callable[[Partition], PartitionId],
        parameters: DetectorParameters,
        fingerprint: str,
        interval_seconds: float,
        metrics: Metrics,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._writer = writer
        self._name_of = name_of
        self._fingerprint = fingerprint
        self._interval = interval_seconds
        self._metrics, self._clock = metrics, clock
        self._last_begun = clock()
        self._open: dict[PartitionId, _OpenCut] = {}
        self._last_error: str | None = None
        self._damage: dict[PartitionId, DamagedCheckpointError] = {}  # the same
        self._overtaken: dict[PartitionId, str] = {}  # raised at the next turn, never inside a callback
        self._saved_state = SavedState(store, model_of(parameters), metrics, clock)
        self._saved: dict[PartitionId, Standing] = {}

    # -- taking a partition over ------------------------------------------------------------------------------------

    def load(self, partition: Partition) -> None:
        """Open the planned checkpoint, whose keys then come when they are needed or sooner, in the background.

        A new partition gets the empty checkpoint that it needs, and one that lets go of its backfill a new one. Raises
        ``DamagedCheckpointError`` when the checkpoint is not what was written, ``FirstCheckpointError`` when somebody
        else wrote the new one, and ``StoreUnreachableError``, after which it may be called again.
        """
        plan = partition.plan
        if plan is None:
            raise AssertionError(f"{partition!r} has no plan")
        name = self._name_of(partition)
        began = self._clock()
        manifest = plan.checkpoint
        if manifest is None:
            self._writer.adopt(name, None, partition.newest_checkpoint, SavedKeys())
        else:
            saved = self._saved_state.open(partition, name, manifest)
            self._writer.adopt(name, manifest, partition.newest_checkpoint, saved)
            self._metrics.checkpoint_loaded(partition.topic, partition.number, manifest.created_at)
        if manifest is None or manifest.backfill != partition.backfill_identity:
            self._save_first(partition)
        else:
            self._saved[name] = partition.standing
        seconds = round(self._clock() - began, 3)
        logger.info("partition loaded", extra={"context": {**partition.loaded_facts(), "seconds": seconds}})

    def _save_first(self, partition: Partition) -> None:
        """Write the checkpoint that must stand before the next commit: it says with what keys begin from here on."""
        name = self._name_of(partition)
        self._begin(partition)
        if self._drain([partition], self._clock() + FIRST_CHECKPOINT_SECONDS):
            return
        why = (
            f"{name}: the checkpoint to begin with could not be written, and nothing was published: "
            f"{self._last_error or 'the store did not answer in time'}"
        )
        if name in self._overtaken or self._writer.base(name) is not None:
            raise FirstCheckpointError(why)
        self._give_up(partition)
        raise StoreUnreachableError(why)

    # -- the interval -----------------------------------------------------------------------------------------------

    @property
    def are_due(self) -> bool:
        """Whether it is time for the next partition's cut: they take turns, each once in an interval."""
        return self._clock() >= self._last_begun + self._interval / max(1, len(self._saved))

    def begin_due(self, partitions: Iterable[Partition]) -> None:
        """Begin a cut of the live partition whose checkpoint is oldest. Only to be called with everything committed."""
        if not self.are_due:
            return
        self._last_begun = self._clock()
        live = [partition for partition in partitions if partition.state is PartitionState.LIVE]
        if changed := [partition for partition in live if self._has_news(partition)]:
            self._begin(min(changed, key=self._saved_at))

    def _saved_at(self, partition: Partition) -> int:
        base = self._writer.base(self._name_of(partition))
        return 0 if base is None else base.created_at

    def _has_news(self, partition: Partition) -> bool:
        name = self._name_of(partition)
        if self._writer.is_writing(name):
            return False
        base = self._writer.base(name)
        has_grown = base is not None and base.topic_partitions != partition.topic_partitions
        return has_grown or self._saved.get(name) != partition.standing

    def _begin(self, partition: Partition) -> None:
        name = self._name_of(partition)
        let_go_of_idle(partition.table, self._writer.saved(name), time.time())
        cut = partition.table.begin_cut()
        self._writer.begin(
            name,
            offset=partition.next_offset,
            fingerprint=self._fingerprint,
            changed=set(cut.keys),
            topic_partitions=partition.topic_partitions,
            backfill=partition.backfill_identity,
            feedback="" if partition.feedback is None else partition.feedback.document(),
            alert_digest="" if partition.alert_digest is None else partition.alert_digest.document(),
        )
        self._open[name] = _OpenCut(partition, cut, partition.standing)

    @property
    def has_work(self) -> bool:
        """Whether keys wait to be copied that the writer has room for, or to be let in."""
        if self._saved_state.has_arrivals:
            return True
        return self._writer.has_room() and any(not entry.is_handed_over for entry in self._open.values())

    def advance(self, seconds: float = HURRY_SECONDS, most: int | None = None) -> None:
        """Copy keys of the open cuts and let in what was loaded, for about ``seconds`` each; note what was written.

        ``most`` keys of each cut where that is given: a bound that does not depend on the clock. Raises
        ``ReloadNeededError`` where another process has written a checkpoint of ours, ``DamagedCheckpointError`` where a
        loaded one is not what was written.
        """
        self._hand_over(self._open, seconds, most)
        for outcome in self._writer.finished():
            self._note(outcome)
        self._saved_state.let_in(seconds)
        if self._overtaken:
            overtaken, self._overtaken = self._overtaken, {}
            raise ReloadNeededError("; ".join(overtaken.values()))
        if self._damage:
            raise self._damage.popitem()[1]

    def _hand_over(self, names: Iterable[PartitionId], seconds: float, most: int | None = None) -> None:
        """Copy keys, the cuts by turns: a partition with very many keys must not hold the others up."""
        until = self._clock() + seconds
        taken = 0
        waiting = [name for name in names if not self._open[name].is_handed_over]
        while waiting and taken != most:
            taken += 1
            for name in waiting:
                entry = self._open[name]
                if not entry.cut.is_complete and not self._writer.has_room():
                    continue  # a cut without keys needs no room
                for key, snapshot in entry.cut.take(1):
                    self._writer.append(name, key, snapshot)
                if entry.cut.is_complete:
                    self._writer.finish(name)
                    entry.is_handed_over = True
            if self._clock() >= until or not self._writer.has_room():
                return
            waiting = [name for name in waiting if not self._open[name].is_handed_over]

    def _note(self, outcome: CheckpointOutcome) -> None:
        saved = outcome.manifest is not None
        self._last_error = outcome.error
        if outcome.is_current and outcome.is_overtaken and outcome.error is not None:
            self._overtaken[outcome.partition] = outcome.error
        entry = self._open.pop(outcome.partition, None) if outcome.is_current else None
        if entry is not None:
            entry.partition.table.end_cut(saved)
            self._work_around(outcome, entry.partition)
        context: dict[str, object] = {
            "topic": outcome.partition.topic,
            "partition": outcome.partition.partition,
            "bytes": outcome.written_bytes,
            "seconds": round(outcome.seconds, 3),
        }
        if outcome.manifest is not None:
            if entry is not None:
                self._saved[outcome.partition] = entry.standing
                if entry.partition.feedback is not None:
                    entry.partition.feedback.saved(entry.standing.heard)
            context["offset"] = outcome.manifest.offset
            logger.info("checkpoint written", extra={"context": context})
        _, topic, number = outcome.partition
        self._metrics.checkpoint_ended(topic, number, outcome.written_bytes, outcome.seconds, saved)

    def _work_around(self, outcome: CheckpointOutcome, partition: Partition) -> None:
        """An old segment is damaged: save what is left of it from memory, or it would fail every checkpoint to come."""
        damage = outcome.damage
        if damage is not None and not partition.table.save_again(damage.keys):
            # What is damaged is nowhere but there.
            error = DamagedCheckpointError(partition, outcome.error or "", segment=damage.segment)
            self._damage[outcome.partition] = error

    # -- before a handover ------------------------------------------------------------------------------------------

    def save_now(self, partitions: Sequence[Partition], budget_seconds: float) -> bool:
        """Checkpoint live, committed partitions within a budget. What is not done by then is given up: replay does it.

        A cut that is already on its way is finished first, so that the next one holds only what changed since.
        """
        deadline = self._clock() + budget_seconds
        live = [partition for partition in partitions if partition.state is PartitionState.LIVE]
        done = self._drain(live, deadline)
        for partition in live:
            if self._has_news(partition):
                self._begin(partition)
        done = self._drain(live, deadline) and done
        if not done:
            logger.warning(
                "no time to checkpoint every partition before it goes; its next owner replays the rest"
            )
            for partition in live:
                self._give_up(partition)
        return done

    def _drain(self, partitions: Sequence[Partition], deadline: float) -> bool:
        """Work until no cut of ``partitions`` is open; False when the deadline passed or one could not be written.

        The keys of other partitions' cuts wait meanwhile: the writer packs one key after the other, and is slow at it.
        """
        self._writer.hurry()
        wanted = {self._name_of(partition) for partition in partitions} & self._open.keys()
        standings = {name: self._open[name].standing for name in wanted}
        while wanted & self._open.keys():
            if self._clock() > deadline:
                return False
            self._hand_over([name for name in self._open if name in wanted], HURRY_SECONDS)
            for outcome in self._writer.finished():
                self._note(outcome)
            left = wanted & self._open.keys()
            if all(self._open[name].is_handed_over for name in left) or not self._writer.has_room():
                time.sleep(POLL_SECONDS)
        return all(self._saved.get(name) == standing for name, standing in standings.items())

    # -- letting go -------------------------------------------------------------------------------------------------

    def _give_up(self, partition: Partition) -> None:
        name = self._name_of(partition)
        self._writer.abandon(name)
        if self._open.pop(name, None) is not None:
            partition.table.end_cut(saved=False)

    def forget(self, partition: Partition) -> None:
        """The partition is gone or starts over: nothing of its present state may be saved any more."""
        self._give_up(partition)
        name = self._name_of(partition)
        self._writer.release(name)
        self._saved_state.close_partition(partition)
        self._saved.pop(name, None)
        self._overtaken.pop(name, None)
        self._damage.pop(name, None)

    def close(self, budget_seconds: float) -> None:
        """Let the writer finish, and the loader stop."""
        deadline = self._clock() + budget_seconds
        self._saved_state.stop()
        if not self._writer.close(budget_seconds):
            logger.warning("the checkpoint writer did not finish in time; the last checkpoint may be missing")
        self._saved_state.close(max(0.0, deadline - self._clock()))
