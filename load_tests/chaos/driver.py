"""One seed: a stream, the faults of its plan in the middle of it, and the verdict. Read this file first.

The stream is produced evenly while the faults happen; when they are over the rest is sent at once, the service
catches up, ends in order, and everything it published is held against an undisturbed run.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import orjson

from load_tests.chaos.extent import Extent
from load_tests.chaos.faults import HARM, kinds_for
from load_tests.chaos.fleet import Ending
from load_tests.chaos.offline import expected_outputs
from load_tests.chaos.plan import Fault, make_plan, planned_seconds
from load_tests.chaos.recovery import Recovery, recovery_seconds
from load_tests.chaos.stream import make_stream
from load_tests.chaos.verifier import Outputs, verify, verify_offsets
from load_tests.chaos.world import Parts, World

UNDOING_SECONDS = 4.0  # a fault takes longer than its plan: a broker starts, a worker ends in order
CATCHING_UP_SECONDS = 10.0  # before a fault in peace; what the feeder reckons with, not a bound
CAUGHT_UP_SECONDS = 1.0  # of the stream, behind which the service is at most when it has caught up
START_SECONDS = 300.0  # until the first output, kernels compiled
READ_SECONDS = 300.0  # for the outputs at the end
QUIET_SECONDS = 1.5  # after the last output, for what must not come
# How the service says, in order, that it cannot go on (stream_rcf/errors.py); anything else is a crash.
ORDERLY_EXIT_CODES = {0, 1, 3}

Tell = Callable[[str], None]


@dataclass
class Result:
    """What a seed gave: green when there are no problems."""

    seed: int
    events: int
    verified: int = 0
    seconds: float = 0.0  # of the disturbed stream
    problems: list[str] = field(default_factory=list)
    recoveries: list[Recovery] = field(default_factory=list)
    endings: list[Ending] = field(default_factory=list)

    @property
    def is_green(self) -> bool:
        """Whether everything was right."""
        return not self.problems


def run_seed(seed: int, extent: Extent, parts: Parts, folder: Path, tell: Tell) -> Result:
    """Run one seed in an empty folder, which afterwards holds the logs. ``tell`` hears every step."""
    kinds = kinds_for(extent, parts)
    plan = make_plan(seed, kinds, extent.rounds, extent.gap)
    stream = make_stream(extent, seed)
    seconds = feed_seconds(plan, extent)
    result = Result(seed, extent.events)
    tell(
        f"seed {seed}: {sum(fault.faults for fault in plan)} faults over about {seconds:.0f} s, "
        f"{extent.events:,} events, {parts.protocol} protocol, checkpoints in {parts.storage}"
    )
    with World(extent, parts, folder, stream) as world:
        run = _Run(world, result, folder / "faults.jsonl", tell)
        try:
            run.disturb(plan)
            run.finish()
        except Exception as failure:  # noqa: BLE001 -- a red seed is a result; its logs tell more
            result.problems.append(f"the run broke off: {type(failure).__name__}: {failure}")
        else:
            outputs, committed, ends = run.read()
            verdict = verify(outputs, expected_outputs(stream, world.settings()))
            result.verified = verdict.verified
            result.problems += verdict.problems + verify_offsets(committed, ends)
        run.conclude()
    return result


def feed_seconds(plan: list[Fault], extent: Extent) -> float:
    """How long the faults will take, undone again, with the peace that some wait for."""
    waits = sum(fault.in_peace for fault in plan)
    peace = waits * min(CATCHING_UP_SECONDS, extent.peace)
    return planned_seconds(plan) + UNDOING_SECONDS * len(plan) + peace


class _Run:
    """The steps of one run."""

    def __init__(self, world: World, result: Result, fault_log: Path, tell: Tell) -> None:
        self._world = world
        self._result = result
        self._fault_log = fault_log
        self._tell = tell
        self._began = time.monotonic()
        self._references: list[tuple[str, float, bool]] = []  # kind, when, whether in peace

    def disturb(self, plan: list[Fault]) -> None:
        """Wait for the first output, then let every fault happen."""
        world = self._world
        if not world.wait_until(lambda: world.watcher.published > 0, START_SECONDS):
            raise TimeoutError(f"no output within {START_SECONDS:g} s")
        self._began = time.monotonic()
        for index, fault in enumerate(plan):
            # On a busy machine everything takes longer; the stream must last to the end of the last fault.
            planned, taken = feed_seconds(plan[:index], world.extent), time.monotonic() - self._began
            stretch = max(1.0, taken / planned) if planned else 1.0
            world.feeder.pace(feed_seconds(plan[index:], world.extent) * stretch)
            world.pause(fault.gap)
            if fault.in_peace:
                world.wait_until(self._has_caught_up, world.extent.peace)
            self._happen(fault, in_peace=self._has_caught_up() and fault.nested is None)

    def _has_caught_up(self) -> bool:
        feeder = self._world.feeder
        return feeder.delivered - self._world.watcher.published <= feeder.rate * CAUGHT_UP_SECONDS

    def _happen(self, fault: Fault, *, in_peace: bool) -> None:
        kind = fault.kind
        began = time.monotonic()
        with HARM[kind.name](self._world, fault.choice) as what:
            self._note(kind.name, "begins", what)
            self._world.pause(fault.seconds / 2)
            if fault.nested is not None:
                self._happen(fault.nested, in_peace=False)
            self._world.pause(fault.seconds / 2)
        ended = time.monotonic()
        if kind.lasts:
            self._note(kind.name, "ends", what)
        self._references.append((kind.name, ended if kind.from_its_end else began, in_peace))

    def finish(self) -> None:
        """Send the rest, wait until all is published, and end the workers in order."""
        world = self._world
        count = self._result.events
        world.feeder.hurry()
        self._note("", "the faults are over", f"{world.watcher.published:,} of {count:,} published")
        patience = world.extent.patience
        if not world.wait_until(lambda: world.watcher.published >= count, patience):
            raise TimeoutError(
                f"{world.watcher.published:,} of {count:,} events published {patience:g} s after the last fault; "
                f"{world.feeder.delivered:,} had been produced"
            )
        self._result.seconds = time.monotonic() - self._began
        world.pause(QUIET_SECONDS)
        for worker in list(world.fleet.workers.values()):
            if worker.process is not None:
                world.fleet.ask_to_end(worker)
        asked = [worker for worker in world.fleet.workers.values() if worker.is_ending]
        for worker in asked:
            if not world.wait_until(lambda w=worker: world.fleet.has_ended(w), world.extent.patience):  # type: ignore[misc] # -- a default binds the loop's variable
                raise TimeoutError(f"{worker.name} did not end after SIGTERM")
            world.fleet.forget(worker)

    def read(self) -> tuple[Outputs, dict[int, int], dict[int, int]]:
        """What stands in the topics, and the offsets committed and ends of the input."""
        cluster, topics = self._world.cluster, self._world.topics
        outputs = Outputs(
            *(
                cluster.read_all(topic, timeout_seconds=READ_SECONDS)
                for topic in (topics.scores, topics.alerts, topics.dead_letters)
            )
        )
        committed = cluster.committed_offsets(topics.group, topics.events)
        return outputs, committed, cluster.end_offsets(topics.events)

    def conclude(self) -> None:
        """Recovery times, and workers that did not end as they should."""
        world, result = self._world, self._result
        produced, published = world.feeder.samples, world.watcher.samples
        result.recoveries = [
            Recovery(kind, recovery_seconds(reference, produced, published), in_peace)
            for kind, reference, in_peace in self._references
        ]
        result.endings = list(world.fleet.endings)
        result.problems += [
            f"{ending.worker} ended with exit code {ending.exit_code}: {ending.last_words}"
            for ending in result.endings
            if ending.exit_code not in ORDERLY_EXIT_CODES
        ]
        for log in sorted(world.folder.glob("worker-*.log")):
            if b"Traceback (most recent call last)" in log.read_bytes():
                result.problems.append(f"{log.name} holds a traceback")

    def _note(self, kind: str, event: str, what: str) -> None:
        line = {"time": time.time(), "seconds": round(time.monotonic() - self._began, 2), "fault": kind}
        produced, published = self._world.feeder.delivered, self._world.watcher.published
        line |= {"event": event, "what": what, "produced": produced, "published": published}
        with self._fault_log.open("ab") as log:
            log.write(orjson.dumps(line) + b"\n")
        sentence = f"{line['seconds']:7.1f} s  {produced - published:7,} behind  {kind} {event}: {what}"
        self._tell(sentence.replace("   :", ":"))
