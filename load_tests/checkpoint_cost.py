"""What checkpoints cost the service: its throughput with them and without, in turn, and how long its loop is at them.

Every key changes between two checkpoints, which is the dearest case. The run without them has an interval longer than
itself; its one checkpoint is written at its end, when all events are through. Pauses are of a run with stopwatches.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson

from load_tests.end_to_end import CHECKPOINT_SECONDS, prepared_topics, service_arrivals
from load_tests.figures import Figure, paired_ratio
from load_tests.report import figure_data
from load_tests.workload import Workload
from tests.support.broker import KafkaBroker

FULL, QUICK = Workload(1000, 300_000, 700_000), Workload(100, 30_000, 60_000)
HURRIED_SECONDS = (
    10.0  # an interval a third of the default, so that a run of a minute meets several checkpoints
)
NEVER_SECONDS = 3600.0
TARGET_SHARE, TARGET_PAUSE_MS = 0.05, 50.0
SEED = 20261128


@dataclass(frozen=True)
class CheckpointCost:
    """Events/s of mature models with checkpoints and without; the longest stretches of the loop, in milliseconds."""

    workload: Workload
    interval: float
    saving: Figure
    never: Figure
    pauses: dict[str, float]

    @property
    def cost(self) -> Figure:
        """Share of the throughput that checkpoints at ``interval`` take, by repetition."""
        ratio = paired_ratio(self.saving, self.never)
        return Figure("cost of checkpoints", tuple(1.0 - sample for sample in ratio.samples))


def measure_checkpoint_cost(workload: Workload, repetitions: int) -> CheckpointCost:
    """The comparison, on a broker of its own."""
    with KafkaBroker(is_for_speed=True) as broker:
        return compare(broker, workload, repetitions, HURRIED_SECONDS)


def compare(broker: KafkaBroker, workload: Workload, repetitions: int, interval: float) -> CheckpointCost:
    """With checkpoints and without in turn, as often, then once with stopwatches; new topics each time."""
    rates: dict[float, list[float]] = {interval: [], NEVER_SECONDS: []}
    messages = workload.messages(SEED)
    for number in range(1, repetitions + 1):
        for seconds in (interval, NEVER_SECONDS) if number % 2 else (NEVER_SECONDS, interval):
            topics = prepared_topics(broker, f"checkpoints-{number}-{seconds:g}", messages)
            with tempfile.TemporaryDirectory(prefix="stream-rcf-load-") as folder:
                arrivals = service_arrivals(topics, workload, Path(folder), checkpoint_seconds=seconds)
            rates[seconds].append(arrivals.rate(*workload.mature_range))
            _progress(f"repetition {number}: every {seconds:g} s: {rates[seconds][-1]:,.0f} events/s")
    topics = prepared_topics(broker, "checkpoints-pauses", messages)
    with tempfile.TemporaryDirectory(prefix="stream-rcf-load-") as folder:
        output = Path(folder) / "pauses.json"
        command = ("-m", "load_tests.checkpoint_service", str(output), str(workload.young))
        service_arrivals(topics, workload, Path(folder), command, interval)
        longest = orjson.loads(output.read_bytes())
    return CheckpointCost(
        workload,
        interval,
        Figure(f"checkpoints every {interval:g} s", tuple(rates[interval])),
        Figure("no checkpoint", tuple(rates[NEVER_SECONDS])),
        {name: 1000.0 * seconds for name, seconds in longest.items()},
    )


def _progress(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)


def markdown(found: CheckpointCost) -> str:
    """The report for a reader."""
    rates: Sequence[Figure] = (found.saving, found.never)
    cost = found.cost
    return "\n".join(
        [
            "## Checkpoints",
            "",
            f"{found.workload.keys:,} mature keys that all change between two checkpoints, every {found.interval:g} s"
            f" (the default is {CHECKPOINT_SECONDS} s), exactly once:",
            "",
            "| measured | events/s, median | lowest | highest | repetitions |",
            "|---|---:|---:|---:|---:|",
            *[
                f"| {rate.name} | {rate.median:,.0f} | {min(rate.samples):,.0f} | {max(rate.samples):,.0f} |"
                f" {len(rate.samples)} |"
                for rate in rates
            ],
            "",
            f"They cost {100 * cost.median:.1f} % ({100 * min(cost.samples):.1f} to {100 * max(cost.samples):.1f};"
            f" target {100 * TARGET_SHARE:g} %). The loop was at them for at most"
            f" {max(found.pauses.values()):.0f} ms at a time (target {TARGET_PAUSE_MS:g}): beginning one"
            f" {found.pauses['beginning']:.1f} ms, copying between batches {found.pauses['copying']:.1f} ms, copying"
            f" the keys of one batch {found.pauses['copies_of_a_batch']:.1f} ms.",
            "",
        ]
    )


def plain_data(found: CheckpointCost) -> dict[str, object]:
    """The same for a program; pauses in milliseconds."""
    return {
        "interval_seconds": found.interval,
        "events_per_second": {rate.name: figure_data(rate) for rate in (found.saving, found.never)},
        "cost": list(found.cost.samples),
        "longest_ms": found.pauses,
    }
