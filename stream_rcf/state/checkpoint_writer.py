"""Packs and writes checkpoints in one background thread, so that the loop that owns the consumer waits for neither.

The loop hands over snapshots of keys and asks from time to time what has finished. What it hands over is bounded by
asking ``has_room`` first. A checkpoint that cannot be packed or written is given up and reported; the stream goes on,
and the next interval tries again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

from stream_rcf.state.checkpoint_build import Heading
from stream_rcf.state.checkpoint_store import CheckpointStore
from stream_rcf.state.checkpoint_thread import CheckpointJob, CheckpointOutcome, CheckpointThread, Step
from stream_rcf.state.manifest import Manifest, PartitionId
from stream_rcf.state.saved_keys import SavedKeys
from stream_rcf.state.snapshot import Snapshot

__all__ = ["CheckpointOutcome", "CheckpointWriter"]

# Of snapshots that may wait: about a second of packing, which is also what a new partition's first checkpoint waits
# for, and little beside the models.
QUEUE_BYTES = 64 * 2**20


@dataclass(slots=True)
class _Lineage:
    """What the next checkpoint of a partition builds on, and the one on its way."""

    base: Manifest | None
    next_number: int
    saved: SavedKeys
    job: CheckpointJob | None = None
    handed_over: bool = False  # of the job: ``finish`` was called


class CheckpointWriter:
    """One thread and one bounded queue for all partitions of a process.

    For each partition: ``adopt``; for each checkpoint ``begin``, ``append`` for every key of the cut,
    ``finish``, and ``finished`` until it gives the outcome; at the end ``release``. All methods are for the
    one thread that owns the consumer, and none but ``close`` waits. The thread
    takes its time over the first ``spread_seconds`` of a checkpoint. What needs a partition that was adopted
    raises ``KeyError``.
    """

    def __init__(
        self,
        store: CheckpointStore,
        queue_bytes: int = QUEUE_BYTES,
        clock: Callable[[], float] = time.monotonic,
        spread_seconds: float = 0.0,
    ) -> None:
        self._queue_bytes = queue_bytes
        self._clock = clock
        self._lineages: dict[PartitionId, _Lineage] = {}
        self._thread = CheckpointThread(store, clock, spread_seconds)

    def adopt(
        self, partition: PartitionId, base: Manifest | None, newest_number: int, saved: SavedKeys
    ) -> None:
        """Take up a partition whose models come from ``base`` (``None``: they began empty), which holds ``saved``.

        ``newest_number`` is that of the ``ManifestList`` in which ``base`` was found. Should another process
        write a checkpoint after that, our next one fails with ``is_overtaken``. ``saved`` is kept up to date.
        """
        self.abandon(partition)
        self._lineages[partition] = _Lineage(base, newest_number + 1, saved)

    def release(self, partition: PartitionId) -> None:
        """Let go of a partition: a finished checkpoint is still written, an unfinished one is given up."""
        if partition in self._lineages:
            self.abandon(partition)
            del self._lineages[partition]

    def base(self, partition: PartitionId) -> Manifest | None:
        """The partition's newest checkpoint, as far as we wrote or found it."""
        return self._lineages[partition].base

    def saved(self, partition: PartitionId) -> SavedKeys:
        """The keys of that checkpoint."""
        return self._lineages[partition].saved

    def is_writing(self, partition: PartitionId) -> bool:
        """Whether a checkpoint was begun whose outcome ``finished`` has not given yet."""
        lineage = self._lineages.get(partition)
        return lineage is not None and lineage.job is not None

    def has_room(self) -> bool:
        """Whether more keys may be appended now; the last one may exceed the bound by its own size."""
        return self._thread.waiting_bytes < self._queue_bytes

    def begin(
        self,
        partition: PartitionId,
        *,
        offset: int,
        fingerprint: str,
        changed: Collection[str],
        topic_partitions: int = 0,
        backfill: str = "",
        feedback: str = "",
        alert_digest: str = "",
    ) -> None:
        """Start a checkpoint at ``offset``, which must be committed; ``changed`` are the keys that will be appended.

        Raises ``ValueError`` if one is on its way.
        """
        lineage = self._lineages[partition]
        if lineage.job is not None:
            raise ValueError(f"a checkpoint of {partition} is on its way")
        continuation = lineage.saved.continuation(changed)
        heading = Heading(
            partition,
            fingerprint,
            lineage.next_number,
            offset,
            None if lineage.base is None else lineage.base.number,
            continuation.keys,
            topic_partitions,
            backfill,
            feedback,
            alert_digest,
        )
        job = CheckpointJob(heading, continuation, self._clock())
        self._thread.hurry.clear()
        lineage.job, lineage.handed_over = job, False
        self._thread.put(Step("begin", job))

    def append(self, partition: PartitionId, key: str, snapshot: Snapshot) -> None:
        """Hand over one key as it was at the checkpoint's offset; from now on the snapshot is the thread's."""
        self._thread.put(Step("append", self._open_job(partition), key, snapshot))

    def finish(self, partition: PartitionId) -> None:
        """Every key was handed over: make the checkpoint stand. ``finished`` tells when it does."""
        self._thread.put(Step("finish", self._open_job(partition)))
        self._lineages[partition].handed_over = True

    def hurry(self) -> None:
        """Somebody waits: what is on its way is written without rests between keys, until the next ``begin``."""
        self._thread.hurry.set()

    def abandon(self, partition: PartitionId) -> None:
        """Give up the checkpoint that is not finished yet, if there is one; it gets no outcome."""
        lineage = self._lineages.get(partition)
        if lineage is not None and lineage.job is not None and not lineage.handed_over:
            self._thread.put(Step("abandon", lineage.job))
            lineage.job = None

    def finished(self) -> list[CheckpointOutcome]:
        """Return the checkpoints that ended since the last call, well or not.

        A failed one changed nothing, takes nothing more, and the keys it held must be in the next one.
        """
        outcomes: list[CheckpointOutcome] = []
        while self._thread.endings:
            job, outcome = self._thread.endings.popleft()
            lineage = self._lineages.get(job.partition)
            is_ours = lineage is not None and lineage.job is job
            if (
                is_ours or outcome.manifest is not None
            ):  # the failure of one that was given up interests nobody
                outcomes.append(replace(outcome, is_current=is_ours))
            if lineage is None or not is_ours:
                continue
            lineage.job = None
            if outcome.manifest is not None:
                lineage.base = outcome.manifest
                lineage.next_number = outcome.manifest.number + 1
                lineage.saved.advance(job.continuation.kept, outcome.indexes)
        return outcomes

    def close(self, deadline_seconds: float) -> bool:
        """Write what was finished, give up the rest and end the thread; true if the deadline sufficed.

        ``finished`` may be asked once more afterwards.
        """
        return self._thread.stop(deadline_seconds)

    def _open_job(self, partition: PartitionId) -> CheckpointJob:
        lineage = self._lineages[partition]
        if lineage.job is None or lineage.handed_over:
            raise ValueError(f"no checkpoint of {partition} was begun")
        return lineage.job
