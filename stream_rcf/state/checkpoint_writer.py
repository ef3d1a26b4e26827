"""Writes checkpoints in one background thread, so that the loop that owns the consumer never waits for a disk.

The loop hands over packed keys and asks from time to time what has finished. What it hands over is bounded by asking
``has_room`` first. A checkpoint that cannot be written is given up and reported; the stream goes on, and the next
interval tries again.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from stream_rcf.errors import StreamRcfError
from stream_rcf.state.checkpoint_store import CheckpointStore, Manifest, PartitionId, SegmentWriter

logger = logging.getLogger(__name__)

QUEUE_BYTES = 64 * 2**20  # what may wait for the disk: a second of a slow one, and little beside the models
COMPACTION_SEGMENTS = 8  # more files than this make loading slow
COMPACTION_FRAMES_PER_KEY = 2  # so a checkpoint is at most about twice what it must be


@dataclass(frozen=True, slots=True)
class CheckpointOutcome:
    """How one checkpoint ended: ``manifest`` if it stands, else ``error``, a sentence.

    ``seconds`` count from ``begin``; ``written_bytes`` are the keys' states handed over for it.
    """

    partition: PartitionId
    manifest: Manifest | None
    error: str | None
    written_bytes: int
    seconds: float


@dataclass(slots=True)
class _Job:
    """One checkpoint on its way through the thread. ``writer`` and ``failed`` belong to the thread."""

    partition: PartitionId
    fingerprint: str
    offset: int
    full: bool
    base: Manifest | None
    number: int | None
    begun: float
    writer: SegmentWriter | None = None
    failed: bool = False
    written_bytes: int = 0


@dataclass(slots=True)
class _Continuation:
    """What the next checkpoint of a partition builds on. Belongs to the loop."""

    base: Manifest | None
    next_number: int | None
    full_wanted: bool = False
    job: _Job | None = None


class _Step(NamedTuple):
    action: Literal["begin", "append", "finish", "abandon", "forget", "stop"]
    job: _Job | None = None
    partition: PartitionId | None = None
    key: str = ""
    payload: bytes = b""


@dataclass(slots=True)
class _Ending:
    """An outcome on its way back, with what only the thread could find out."""

    job: _Job
    outcome: CheckpointOutcome
    undisturbed: bool = field(default=False)  # after a failure: the base still is the newest checkpoint


class CheckpointWriter:
    """One thread and one bounded queue for all partitions of a process.

    All methods are for the one thread that owns the consumer, and none of them waits, ``close`` apart.
    """

    def __init__(
        self, store: CheckpointStore, queue_bytes: int = QUEUE_BYTES, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._store = store
        self._queue_bytes = queue_bytes
        self._clock = clock
        self._continuations: dict[PartitionId, _Continuation] = {}
        self._steps: queue.SimpleQueue[_Step] = queue.SimpleQueue()
        self._waiting_bytes = 0
        self._lock = threading.Lock()  # of _waiting_bytes, which both threads change
        self._endings: deque[_Ending] = deque()
        self._cancelled = threading.Event()
        self._thread = threading.Thread(target=self._run, name="checkpoint-writer", daemon=True)
        self._thread.start()

    def adopt(self, partition: PartitionId, base: Manifest | None, newest_number: int) -> None:
        """Take up a partition whose models come from ``base`` (``None``: they began empty).

        ``newest_number`` is that of its ``ManifestList``: should another process write a checkpoint from here on, the
        next one of ours is refused instead of continuing segments that may be gone.
        """
        self._continuations[partition] = _Continuation(base, newest_number + 1)

    def release(self, partition: PartitionId) -> None:
        """Let go of a partition: what was finished is still written, what was not is given up."""
        if partition in self._continuations:
            self.abandon(partition)
            del self._continuations[partition]
            self._steps.put(_Step("forget", partition=partition))

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
        """Whether a checkpoint of the partition was begun whose outcome ``finished`` has not given yet."""
        continuation = self._continuations.get(partition)
        return continuation is not None and continuation.job is not None

    def has_room(self) -> bool:
        """Whether more keys may be appended now; one append may go over the bound by its own size."""
        return self._waiting_bytes < self._queue_bytes

    def begin(self, partition: PartitionId, *, offset: int, fingerprint: str, full: bool) -> None:
        """Start a checkpoint at ``offset``, a committed one. ``ValueError`` if one is on its way or must be full."""
        if self.is_writing(partition):
            raise ValueError(f"a checkpoint of {partition} is on its way")
        if not full and self.needs_full(partition):
            raise ValueError(f"the next checkpoint of {partition} must hold every key")
        continuation = self._continuations[partition]
        continuation.job = _Job(
            partition, fingerprint, offset, full, continuation.base, continuation.next_number, self._clock()
        )
        self._steps.put(_Step("begin", continuation.job))

    def append(self, partition: PartitionId, key: str, payload: bytes) -> None:
        """Hand over one key's state at the offset of the checkpoint begun."""
        job = self._job(partition)
        with self._lock:
            self._waiting_bytes += len(payload)
        self._steps.put(_Step("append", job, key=key, payload=payload))

    def finish(self, partition: PartitionId) -> None:
        """Every key has been handed over: make the checkpoint stand. ``finished`` tells when it does."""
        self._steps.put(_Step("finish", self._job(partition)))

    def abandon(self, partition: PartitionId) -> None:
        """Give up the checkpoint that is not finished yet, if there is one; it gets no outcome."""
        continuation = self._continuations.get(partition)
        if continuation is not None and continuation.job is not None:
            self._steps.put(_Step("abandon", continuation.job))
            continuation.job = None

    def finished(self) -> list[CheckpointOutcome]:
        """Checkpoints that ended since the last call, well or not. A failed one takes no more appends."""
        outcomes: list[CheckpointOutcome] = []
        while self._endings:
            ending = self._endings.popleft()
            outcomes.append(ending.outcome)
            continuation = self._continuations.get(ending.job.partition)
            if continuation is None or continuation.job is not ending.job:
                continue  # released or abandoned since
            continuation.job = None
            if ending.outcome.manifest is not None:
                continuation.base = ending.outcome.manifest
                continuation.next_number = ending.outcome.manifest.number + 1
                continuation.full_wanted = False
            elif not ending.undisturbed:
                continuation.next_number = None
                continuation.full_wanted = True
        return outcomes

    def close(self, deadline_seconds: float) -> bool:
        """Write what was finished, give up the rest, end the thread; true if all that was within the deadline."""
        self._steps.put(_Step("stop"))
        self._thread.join(deadline_seconds)
        self._cancelled.set()
        return not self._thread.is_alive()

    def _job(self, partition: PartitionId) -> _Job:
        continuation = self._continuations[partition]
        if continuation.job is None:
            raise ValueError(f"no checkpoint of {partition} was begun")
        return continuation.job

    # From here on: the background thread.

    def _run(self) -> None:
        open_jobs: list[_Job] = []
        while True:
            step = self._steps.get()
            if step.action == "stop" or self._cancelled.is_set():
                break
            if step.partition is not None:
                self._store.forget(step.partition)
            if step.job is not None:
                self._advance(step, step.job)
                open_jobs = [job for job in open_jobs if job.writer is not None]
                if step.job.writer is not None and step.job not in open_jobs:
                    open_jobs.append(step.job)
            with self._lock:
                self._waiting_bytes -= len(step.payload)
        for job in open_jobs:
            self._abandon(job)
