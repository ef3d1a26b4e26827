"""Where the service's time goes, per event, once its models are mature."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import orjson

from load_tests.end_to_end import service_arrivals
from load_tests.workload import Workload
from tests.support.service import Topics

BATCH_STEPS = (
    "decode",
    "prepare",
    "wait for the kernel",
    "encode",
    "produce",
)  # inside a batch; its remainder is our own bookkeeping


@dataclass(frozen=True)
class Breakdown:
    """Microseconds of wall clock per event by step, ``total`` for everything between first and last batch.

    ``kernel``: the same of the kernel, which runs beside the steps; they only wait for what is left of it.
    """

    events: int
    steps: Mapping[str, float]
    total: float
    kernel: float


def breakdown_of(events: int, elapsed: float, seconds: Mapping[str, float]) -> Breakdown:
    """From a stopwatch's sums; steps named ``group: part`` are added up by group.

    Raises ``ValueError`` when no event was counted.
    """
    if events <= 0:
        raise ValueError("the profiled run counted no events: its young phase was longer than the run")
    grouped: dict[str, float] = {}
    for step, spent in seconds.items():
        group = step.partition(":")[0]
        grouped[group] = grouped.get(group, 0.0) + spent
    kernel = grouped.pop("kernel")
    batch = grouped.pop("batch in all")
    grouped["rest of the batch"] = batch - sum(grouped[step] for step in BATCH_STEPS)
    outside = ("read", "commit", "checkpoint")
    grouped["rest of the loop"] = elapsed - batch - sum(grouped[step] for step in outside)
    steps = {step: 1e6 * spent / events for step, spent in grouped.items()}
    return Breakdown(events, steps, 1e6 * elapsed / events, 1e6 * kernel / events)


def profile_service(topics: Topics, workload: Workload, folder: Path) -> Breakdown:
    """Run the service with stopwatches over the topic."""
    output = folder / "profile.json"
    command = ("-m", "load_tests.profiled_service", str(output), str(workload.mature_range[0]))
    service_arrivals(topics, workload, folder, command)
    sums = orjson.loads(output.read_bytes())
    return breakdown_of(sums["events"], sums["elapsed"], sums["seconds"])
