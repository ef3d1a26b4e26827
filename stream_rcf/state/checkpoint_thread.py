"""The background half of the checkpoint writer: takes steps from a queue, packs, writes, reports each job's end."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple

from stream_rcf.errors import CheckpointError, StreamRcfError
from stream_rcf.state.checkpoint_build import CheckpointBuild, Heading, OvertakenError
from stream_rcf.state.checkpoint_store import CheckpointStore
from stream_rcf.state.manifest import Manifest, PartitionId
from stream_rcf.state.objects import ObjectMissingError
from stream_rcf.state.saved_keys import Continuation
from stream_rcf.state.segments import SavedKey, SegmentIndex
from stream_rcf.state.snapshot import Snapshot

logger = logging.getLogger(__name__)

REST_SHARE = 3.0  # of the time that packing a key took: the events may have the processor meanwhile


class CarriedDamage(NamedTuple):
    """A segment that cannot be copied out of, and the keys that were to be: without them the next one may succeed."""

    segment: str
    keys: tuple[str, ...]


class CarryError(CheckpointError):
    """Frames of an older segment are not what was written."""

    def __init__(self, problem: str, damage: CarriedDamage) -> None:
        super().__init__(problem)
        self.damage = damage


@dataclass(frozen=True, slots=True)
class CheckpointOutcome:
    """How one checkpoint ended: ``manifest`` and the ``indexes`` of its new segments if it stands, else ``error``.

    ``seconds`` count from ``begin``; ``written_bytes`` are the keys' packed states. ``is_current`` is false for one
    whose partition was let go, or taken up anew, since. ``is_overtaken``: another process wrote its number.
    ``damage`` is why it failed where an older segment is not what was written.
    """

    partition: PartitionId
    manifest: Manifest | None
    indexes: tuple[SegmentIndex, ...]
    error: str | None
    written_bytes: int
    seconds: float
    is_current: bool = True
    is_overtaken: bool = False
    damage: CarriedDamage | None = None


@dataclass(frozen=True, slots=True, eq=False)
class CheckpointJob:
    """One checkpoint on its way: what it says and what it goes on from; ``begun`` by the writer's clock.

    Two jobs are never equal, so that one that was given up is not taken for the next.
    """

    heading: Heading
    continuation: Continuation
    begun: float

    @property
    def partition(self) -> PartitionId:
        """Whose checkpoint it is."""
        return self.heading.partition


class Step(NamedTuple):
    """One thing for the thread to do, in the order handed over."""

    action: Literal["begin", "append", "finish", "abandon", "stop"]
    job: CheckpointJob | None = None
    key: str = ""
    snapshot: Snapshot | None = None  # of what is appended

    @property
    def size(self) -> int:
        """Bytes of memory that wait with it."""
        return 0 if self.snapshot is None else self.snapshot.size


class Ending(NamedTuple):
    """An outcome and the job that it ends."""

    job: CheckpointJob
    outcome: CheckpointOutcome


class CheckpointThread:
    """Executes steps until told to stop. What is public is for the loop's thread.

    In the first ``spread_seconds`` of a checkpoint it rests between keys, unless somebody set ``hurry``.
    """

    def __init__(
        self, store: CheckpointStore, clock: Callable[[], float], spread_seconds: float = 0.0
    ) -> None:
        self.endings: deque[Ending] = deque()
        self.hurry = threading.Event()
        self._spread_seconds = spread_seconds
        self._store = store
        self._clock = clock
        self._steps: queue.SimpleQueue[Step] = queue.SimpleQueue()
        self._put_bytes = 0  # changed by the caller's thread only
        self._taken_bytes = 0  # changed by this thread only
        self._cancelled = threading.Event()
        self._builds: dict[CheckpointJob, CheckpointBuild] = {}
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
        self.hurry.set()
        self._steps.put(Step("stop"))
        self._thread.join(deadline_seconds)
        self._cancelled.set()
        return not self._thread.is_alive()

    def _run(self) -> None:
        while (step := self._steps.get()).action != "stop" and not self._cancelled.is_set():
            if step.job is not None:
                self._advance(step, step.job)
            self._taken_bytes += step.size
        for job in list(self._builds):
            self._abandon(job)

    def _advance(self, step: Step, job: CheckpointJob) -> None:
        try:
            if step.action == "begin":
                self._written_bytes[job] = 0
                self._builds[job] = CheckpointBuild(self._store, job.heading, job.continuation.kept)
            elif job not in self._builds:
                return  # it failed before; what was still on its way is dropped
            elif step.snapshot is not None:
                began = time.thread_time()
                payload = step.snapshot.pack()
                self._builds[job].append(SavedKey(step.key, payload, step.snapshot.last_event))
                self._written_bytes[job] += len(payload)
                if self._clock() - job.begun < self._spread_seconds:
                    self.hurry.wait(REST_SHARE * (time.thread_time() - began))
            elif step.action == "finish":
                self._finish(job)
            else:
                self._abandon(job)
        except StreamRcfError as error:
            self._fail(job, error)
        except Exception as error:
            logger.exception("unexpected error while writing a checkpoint", extra={"context": _context(job)})
            self._fail(job, StreamRcfError(f"unexpected {type(error).__name__}: {error}"))

    def _finish(self, job: CheckpointJob) -> None:
        build = self._builds[job]
        for index, rows in job.continuation.carried:
            try:
                build.carry(index, rows)
            except ObjectMissingError as error:
                # Only who wrote newer checkpoints than ours removes what ours name.
                raise OvertakenError(f"{error}: another process has written checkpoints since") from error
            except CheckpointError as error:
                keys = tuple(index.keys[row] for row in rows)
                raise CarryError(str(error), CarriedDamage(index.segment.name, keys)) from error
        manifest, indexes = build.finish()
        del self._builds[job]
        self._end(job, manifest, tuple(indexes), None)

    def _fail(self, job: CheckpointJob, error: StreamRcfError) -> None:
        logger.error(
            "a checkpoint was given up; the next interval tries again: %s",
            error,
            extra={"context": _context(job)},
        )
        self._abandon(job)
        self._end(job, None, (), error)

    def _abandon(self, job: CheckpointJob) -> None:
        build = self._builds.pop(job, None)
        if build is None:
            return
        try:
            build.abandon()
        except Exception as error:  # noqa: BLE001 -- the thread must outlive any state of the store
            # What is left behind is removed when its number is taken.
            logger.warning(
                "a given-up checkpoint was not cleared away: %s", error, extra={"context": _context(job)}
            )

    def _end(
        self,
        job: CheckpointJob,
        manifest: Manifest | None,
        indexes: tuple[SegmentIndex, ...],
        error: StreamRcfError | None,
    ) -> None:
        seconds = self._clock() - job.begun
        written = self._written_bytes.pop(job, 0)
        outcome = CheckpointOutcome(
            job.partition,
            manifest,
            indexes,
            None if error is None else str(error),
            written,
            seconds,
            is_overtaken=isinstance(error, OvertakenError),
            damage=error.damage if isinstance(error, CarryError) else None,
        )
        self.endings.append(Ending(job, outcome))


def _context(job: CheckpointJob) -> dict[str, object]:
    return {
        "group": job.partition.group,
        "topic": job.partition.topic,
        "partition": job.partition.partition,
        "offset": job.heading.offset,
    }
