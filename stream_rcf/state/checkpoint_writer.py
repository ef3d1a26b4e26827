"""Packs and writes checkpoints in one background thread, so that the loop that owns the consumer waits for neither.

The loop hands over snapshots of keys and asks from time to time what has finished. What it hands over is bounded by
asking ``has_room`` first. A checkpoint that cannot be packed or written is given up and reported; the stream goes on,
and the next interval tries again.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from stream_rcf.state.checkpoint_store import CheckpointStore, Manifest, PartitionId
from stream_rcf.state.checkpoint_thread import CheckpointJob, CheckpointOutcome, CheckpointThread, Step
from stream_rcf.state.snapshot import Snapshot

__all__ = ["CheckpointOutcome", "CheckpointWriter"]

# Of snapshots that may wait: about a second of packing, which is also what a new partition's first checkpoint waits
# for, and little beside the models.
QUEUE_BYTES = 64 * 2**20
COMPACTION_SEGMENTS = 8  # more files than this make loading slow
COMPACTION_FRAMES_PER_KEY = 2  # so a checkpoint is at most about twice what it must be


@dataclass(slots=True)
class _Continuation:
    """What the next checkpoint of a partition builds on, and the one on its way."""

    base: Manifest | None
    next_number: int | None
    full_wanted: bool = False
    job: CheckpointJob | None = None
    handed_over: bool = False  # of the job: ``finish`` was called


class CheckpointWriter:
    """One thread and one bounded queue for all partitions of a process.

    For each partition: ``adopt``; for each checkpoint ``begin``, ``append`` for every key of the cut,
    ``finish``, and ``finished`` until it gives the outcome; at the end ``release``. All methods are for the
    one thread that owns the consumer, and none but ``close`` waits. What needs a partition that was adopted
    raises ``KeyError``.
    """

    def __init__(
        self,
        store: CheckpointStore,
        queue_bytes: int = QUEUE_BYTES,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._queue_bytes = queue_bytes
        self._clock = clock
        self._continuations: dict[PartitionId, _Continuation] = {}
        self._thread = CheckpointThread(store, clock)

    def adopt(self, partition: PartitionId, base: Manifest | None, newest_number: int) -> None:
        """Take up a partition whose models come from ``base`` (``None``: they began empty).

        ``newest_number`` is that of the ``ManifestList`` in which ``base`` was found. Should another process
        write a checkpoint after that, our next one fails rather than continue segments that may be gone, and
        the one after it holds every key.
        """
        self.abandon(partition)
        self._continuations[partition] = _Continuation(base, newest_number + 1)

    def release(self, partition: PartitionId) -> None:
        """Let go of a partition: a finished checkpoint is still written, an unfinished one is given up."""
        if partition in self._continuations:
            self.abandon(partition)
            del self._continuations[partition]
            self._thread.put(Step("forget", partition))

    def needs_full(self, partition: PartitionId) -> bool:
        """Whether the next checkpoint must hold every key rather than the changed ones.

        True without a base, after another process interfered, and when superseded frames have piled up.
        """
        continuation = self._continuations[partition]
        base = continuation.base
        return (
            base is None
            or continuation.full_wanted
            or len(base.segments) > COMPACTION_SEGMENTS
            or base.frames > COMPACTION_FRAMES_PER_KEY * base.keys
        )

    def is_writing(self, partition: PartitionId) -> bool:
        """Whether a checkpoint was begun whose outcome ``finished`` has not given yet."""
        continuation = self._continuations.get(partition)
        return continuation is not None and continuation.job is not None

    def has_room(self) -> bool:
        """Whether more keys may be appended now; the last one may exceed the bound by its own size."""
        return self._thread.waiting_bytes < self._queue_bytes

    def begin(self, partition: PartitionId, *, offset: int, fingerprint: str, full: bool) -> None:
        """Start a checkpoint at ``offset``, which must be committed.

        Raises ``ValueError`` if one is on its way, or if this one is not ``full`` though ``needs_full`` says
        so.
        """
        continuation = self._continuations[partition]
        if continuation.job is not None:
            raise ValueError(f"a checkpoint of {partition} is on its way")
        if not full and self.needs_full(partition):
            raise ValueError(f"the next checkpoint of {partition} must hold every key")
        job = CheckpointJob(
            partition, fingerprint, offset, full, continuation.base, continuation.next_number, self._clock()
        )
        continuation.job, continuation.handed_over = job, False
        self._thread.put(Step("begin", partition, job))

    def append(self, partition: PartitionId, key: str, snapshot: Snapshot) -> None:
        """Hand over one key as it was at the checkpoint's offset; from now on the snapshot is the thread's."""
        self._thread.put(Step("append", partition, self._open_job(partition), key, snapshot))

    def finish(self, partition: PartitionId) -> None:
        """Every key was handed over: make the checkpoint stand. ``finished`` tells when it does."""
        self._thread.put(Step("finish", partition, self._open_job(partition)))
        self._continuations[partition].handed_over = True

    def abandon(self, partition: PartitionId) -> None:
        """Give up the checkpoint that is not finished yet, if there is one; it gets no outcome."""
        continuation = self._continuations.get(partition)
        if continuation is not None and continuation.job is not None and not continuation.handed_over:
            self._thread.put(Step("abandon", partition, continuation.job))
            continuation.job = None

    def finished(self) -> list[CheckpointOutcome]:
        """Return the checkpoints that ended since the last call, well or not.

        A failed one changed nothing, takes nothing more, and the keys it held must be in the next one.
        """
        outcomes: list[CheckpointOutcome] = []
        while self._thread.endings:
            job, outcome, undisturbed = self._thread.endings.popleft()
            continuation = self._continuations.get(job.partition)
            is_ours = continuation is not None and continuation.job is job
            if (
                is_ours or outcome.manifest is not None
            ):  # the failure of one that was given up interests nobody
                outcomes.append(replace(outcome, is_current=is_ours))
            if continuation is None or not is_ours:
                continue
            continuation.job = None
            if outcome.manifest is not None:
                continuation.base = outcome.manifest
                continuation.next_number = outcome.manifest.number + 1
                continuation.full_wanted = False
            elif not undisturbed:
                continuation.next_number = None
                continuation.full_wanted = True
        return outcomes

    def close(self, deadline_seconds: float) -> bool:
        """Write what was finished, give up the rest and end the thread; true if the deadline sufficed.

        ``finished`` may be asked once more afterwards.
        """
        return self._thread.stop(deadline_seconds)

    def _open_job(self, partition: PartitionId) -> CheckpointJob:
        continuation = self._continuations[partition]
        if continuation.job is None or continuation.handed_over:
            raise ValueError(f"no checkpoint of {partition} was begun")
        return continuation.job
