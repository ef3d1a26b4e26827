"""The background half of the checkpoint writer: takes steps from a queue, packs, writes, reports each job's end."""

from __future__ import annotations

import logging
import queue
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple

from stream_rcf.errors import CheckpointError, StreamRcfError
from stream_rcf.state.checkpoint_store import CheckpointStore, Manifest, PartitionId, SegmentWriter
from stream_rcf.state.snapshot import Snapshot

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class CheckpointOutcome:
    """How one checkpoint ended: ``manifest`` if it stands, else ``error``, a sentence.

    ``seconds`` count from ``begin``; ``written_bytes`` are the keys' packed states. ``is_current`` is false for one
    whose partition was let go, or taken up anew, since.
    """

    partition: PartitionId
    manifest: Manifest | None
    error: str | None
    written_bytes: int
    seconds: float
    is_current: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class CheckpointJob:
    """One checkpoint on its way: what it stands for and what it builds on; ``begun`` by the writer's clock.

    Two jobs are never equal, so that one that was given up is not taken for the next.
    """

    partition: PartitionId
    fingerprint: str
    offset: int
    full: bool
    base: Manifest | None
    number: int | None
    begun: float


class Step(NamedTuple):
    """One thing for the thread to do, in the order handed over."""

    action: Literal["begin", "append", "finish", "abandon", "forget", "stop"]
    partition: PartitionId | None = None
    job: CheckpointJob | None = None
    key: str = ""
    snapshot: Snapshot | None = None  # of what is appended

    @property
    def size(self) -> int:
        """Bytes of memory that wait with it."""
        return 0 if self.snapshot is None else self.snapshot.size


class Ending(NamedTuple):
    """An outcome, and after a failure whether the job's base still is the partition's newest checkpoint."""

    job: CheckpointJob
    outcome: CheckpointOutcome
    undisturbed: bool


class CheckpointThread:
    """Executes steps until told to stop. What is public is for the loop's thread."""

    def __init__(self, store: CheckpointStore, clock: Callable[[], float]) -> None:
        self.endings: deque[Ending] = deque()
        self._store = store
        self._clock = clock
        self._steps: queue.SimpleQueue[Step] = queue.SimpleQueue()
        self._put_bytes = 0  # changed by the caller's thread only
        self._taken_bytes = 0  # changed by this thread only
        self._cancelled = threading.Event()
        self._writers: dict[CheckpointJob, SegmentWriter] = {}
        self._written_bytes: dict[CheckpointJob, int] = {}
        self._thread = threading.Thread(target=self._run, name="checkpoint-writer", daemon=True)
        self._thread.start()

    @property
    def waiting_bytes(self) -> int:
        """Bytes of snapshots handed over and not yet written; of their memory, not of what they are packed into."""
        return self._put_bytes - self._taken_bytes

    def put(self, step: Step) -> None:
        """Hand over a step; never waits. Raises ``CheckpointError`` should the thread be gone."""
        if not self._thread.is_alive() and not self._cancelled.is_set():
            raise CheckpointError("the thread that writes checkpoints has ended; see the log for why")
        self._put_bytes += step.size
        self._steps.put(step)

    def stop(self, deadline_seconds: float) -> bool:
        """End after the steps handed over so far; at the deadline give up the rest, and return false."""
        self._steps.put(Step("stop"))
        self._thread.join(deadline_seconds)
        self._cancelled.set()
        return not self._thread.is_alive()

    def _run(self) -> None:
        while (step := self._steps.get()).action != "stop" and not self._cancelled.is_set():
            if step.job is not None:
                self._advance(step, step.job)
            elif step.partition is not None:
                self._store.forget(step.partition)
            self._taken_bytes += step.size
        for job in list(self._writers):
            self._abandon(job)

    def _advance(self, step: Step, job: CheckpointJob) -> None:
        try:
            if step.action == "begin":
                self._written_bytes[job] = 0
                self._writers[job] = self._store.begin(job.partition, job.fingerprint, job.base, job.number)
            elif job not in self._writers:
                return  # it failed before; what was still on its way is dropped
            elif step.snapshot is not None:
                payload = step.snapshot.pack()
                self._writers[job].append(step.key, payload)
                self._written_bytes[job] += len(payload)
            elif step.action == "finish":
                manifest = self._writers[job].finish(job.offset, keep_segments=not job.full)
                del self._writers[job]
                self._end(job, manifest, None)
            else:
                self._abandon(job)
        except StreamRcfError as error:
            self._fail(job, str(error))
        except Exception as error:
            logger.exception("unexpected error while writing a checkpoint", extra={"context": _context(job)})
            self._fail(job, f"unexpected {type(error).__name__}: {error}")

    def _fail(self, job: CheckpointJob, error: str) -> None:
        logger.error(
            "a checkpoint was given up; the next interval tries again: %s",
            error,
            extra={"context": _context(job)},
        )
        self._abandon(job)
        self._end(job, None, error)

    def _abandon(self, job: CheckpointJob) -> None:
        writer = self._writers.pop(job, None)
        if writer is None:
            return
        try:
            writer.abandon()
        except Exception:
            # What is left behind is removed by a later clean-up; the thread must outlive any state of the disk.
            logger.exception("a given-up checkpoint was not cleared away", extra={"context": _context(job)})

    def _end(self, job: CheckpointJob, manifest: Manifest | None, error: str | None) -> None:
        seconds = self._clock() - job.begun
        outcome = CheckpointOutcome(job.partition, manifest, error, self._written_bytes.pop(job, 0), seconds)
        self.endings.append(Ending(job, outcome, manifest is None and self._is_undisturbed(job)))

    def _is_undisturbed(self, job: CheckpointJob) -> bool:
        try:
            newest_number = self._store.manifests(job.partition).newest_number
        except StreamRcfError:
            return False  # unknown: the next checkpoint then stands alone
        return job.number is not None and newest_number == job.number - 1


def _context(job: CheckpointJob) -> dict[str, object]:
    return {
        "group": job.partition.group,
        "topic": job.partition.topic,
        "partition": job.partition.partition,
        "offset": job.offset,
    }
