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

# So many mature events that their minute meets two checkpoints at the default interval.
FULL, QUICK = Workload(1000, 300_000, 1_800_000), Workload(100, 30_000, 60_000)
INTERVALS = (float(CHECKPOINT_SECONDS), 10.0)  # the default, and one of which a run meets several
NEVER_SECONDS = 3600.0
TARGET_SHARE, TARGET_PAUSE_MS = 0.05, 50.0
SEED = 20261128


@dataclass(frozen=True)
class CheckpointCost:
    """Events/s of mature models with checkpoints and without; the longest stretches of the loop, in milliseconds."""

    workload: Workload
    saving: dict[float, Figure]  # by interval, in seconds
    never: Figure
    pauses: dict[str, float]  # at the shortest interval

    def cost(self, interval: float) -> Figure:
        """Share of the throughput that checkpoints at ``interval`` take, by repetition."""
        ratio = paired_ratio(self.saving[interval], self.never)
        return Figure("cost of checkpoints", tuple(1.0 - sample for sample in ratio.samples))


def measure_checkpoint_cost(workload: Workload, repetitions: int) -> CheckpointCost:
    """The comparison, on a broker of its own."""
    with KafkaBroker(is_for_speed=True) as broker:
        return compare(broker, workload, repetitions, INTERVALS)


def compare(
    broker: KafkaBroker, workload: Workload, repetitions: int, intervals: Sequence[float]
) -> CheckpointCost:
    """With checkpoints and without in turn, as often, then once with stopwatches; new topics each time."""
    turns = (*intervals, NEVER_SECONDS)
    rates: dict[float, list[float]] = {seconds: [] for seconds in turns}
    messages = workload.messages(SEED)
    for number in range(1, repetitions + 1):
        for seconds in turns if number % 2 else reversed(turns):
            topics = prepared_topics(broker, f"checkpoints-{number}-{seconds:g}", messages)
            with tempfile.TemporaryDirectory(prefix="stream-rcf-load-") as folder:
                arrivals = service_arrivals(topics, workload, Path(folder), checkpoint_seconds=seconds)
            rates[seconds].append(arrivals.rate(*workload.mature_range))
            _progress(f"repetition {number}: every {seconds:g} s: {rates[seconds][-1]:,.0f} events/s")
    topics = prepared_topics(broker, "checkpoints-pauses", messages)
    with tempfile.TemporaryDirectory(prefix="stream-rcf-load-") as folder:
        output = Path(folder) / "pauses.json"
        command = ("-m", "load_tests.checkpoint_service", str(output), str(workload.young))
        service_arrivals(topics, workload, Path(folder), command, min(intervals))
        longest = orjson.loads(output.read_bytes())
    return CheckpointCost(
        workload,
        {every: Figure(f"checkpoints every {every:g} s", tuple(rates[every])) for every in intervals},
        Figure("no checkpoint", tuple(rates[NEVER_SECONDS])),
        {name: 1000.0 * seconds for name, seconds in longest.items()},
    )


def _progress(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)


def markdown(found: CheckpointCost) -> str:
    """The report for a reader."""
    rates: Sequence[Figure] = (*found.saving.values(), found.never)
    costs = [f"Every {interval:g} s they cost {_percent(found.cost(interval))}." for interval in found.saving]
    return "\n".join(
        [
            "## Checkpoints",
            "",
            f"{found.workload.keys:,} mature keys that all change between two checkpoints, exactly once"
            f" (the default interval is {CHECKPOINT_SECONDS} s):",
            "",
            "| measured | events/s, median | lowest | highest | repetitions |",
            "|---|---:|---:|---:|---:|",
            *[
                f"| {rate.name} | {rate.median:,.0f} | {min(rate.samples):,.0f} | {max(rate.samples):,.0f} |"
                f" {len(rate.samples)} |"
                for rate in rates
            ],
            "",
            " ".join(costs) + f" (Target {100 * TARGET_SHARE:g} %.) The loop was at them for at most"
            f" {max(found.pauses.values()):.0f} ms at a time (target {TARGET_PAUSE_MS:g}): beginning one"
            f" {found.pauses['beginning']:.1f} ms, copying between batches {found.pauses['copying']:.1f} ms, copying"
            f" the keys of one batch {found.pauses['copies_of_a_batch']:.1f} ms.",
            "",
        ]
    )


def _percent(cost: Figure) -> str:
    return f"{100 * cost.median:.1f} % ({100 * min(cost.samples):.1f} to {100 * max(cost.samples):.1f})"


def plain_data(found: CheckpointCost) -> dict[str, object]:
    """The same for a program; pauses in milliseconds."""
    return {
        "events_per_second": {rate.name: figure_data(rate) for rate in (*found.saving.values(), found.never)},
        "cost": {f"{interval:g} s": list(found.cost(interval).samples) for interval in found.saving},
        "longest_ms": found.pauses,
    }
