"""A million keys under a bound on memory: what it costs when cold keys leave for the spill and come back.

Each key has one event first, then the load is skewed: of two keys, the one with twice the rank comes half as often.
Decoding and Kafka are left out; the tables, the spill and the forest are the service's. The peer is the same load
without a bound, on as many of its hottest keys as fit.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from load_tests.workload import START_OF_EVENTS
from stream_rcf.core.model import model_of
from stream_rcf.core.parameters import DetectorParameters, ForestParameters
from stream_rcf.pipeline.events import Event
from stream_rcf.pipeline.score_batch import score_batch
from stream_rcf.state.allocation import return_large_blocks
from stream_rcf.state.batch_keys import largest_batch
from stream_rcf.state.key_memory import KeyMemory
from stream_rcf.state.key_table import KeyTable

MEGABYTE = 2**20
BATCH_SIZE = 1000
SEED = 20261127


@dataclass(frozen=True)
class Extent:
    """How much is measured: ``events`` of a phase, and ``phases`` of them."""

    keys: int
    limit_mb: int
    events: int
    phases: int


FULL = Extent(keys=1_000_000, limit_mb=2048, events=500_000, phases=4)
QUICK = Extent(keys=50_000, limit_mb=128, events=50_000, phases=3)


@dataclass(frozen=True)
class Phase:
    """One stretch of the load: its speed, and where the keys were at its end."""

    events: int
    events_per_second: float
    known: int
    resident: int
    memory_bytes: int
    spill_bytes: int
    returned_share: float  # of events whose key came back from the spill
    process_bytes: int


@dataclass(frozen=True)
class MoreKeys:
    """All phases under the bound, and the speed of the hottest keys alone without one, equally long."""

    extent: Extent
    phases: tuple[Phase, ...]
    peer_keys: int
    peer_events_per_second: float


def measure_more_keys(extent: Extent) -> MoreKeys:
    """Run the load under the bound, then its hottest keys without one."""
    parameters = DetectorParameters(("value",), ForestParameters(dimensions=1, shingle_size=8))
    return_large_blocks()  # as the service does
    with tempfile.TemporaryDirectory(prefix="stream-rcf-load-") as folder:
        memory = KeyMemory(extent.limit_mb * MEGABYTE, Path(folder))
        table = KeyTable(parameters, memory)
        draws = _draws(extent.keys, extent.events * extent.phases)
        each_once = np.random.default_rng(SEED).permutation(extent.keys)
        phases = []
        for number, part in enumerate([each_once, *np.split(draws, extent.phases)]):
            phases.append(_phase(parameters, table, part, sum(phase.events for phase in phases)))
            print(f"phase {number} of {extent.phases}: {phases[-1]}", file=sys.stderr, flush=True)
        resident = len(table.resident_keys())
        table.release()
        memory.close()
    hottest = draws[draws < max(1, resident // 2)]
    free = KeyTable(parameters)
    began = time.perf_counter()
    _run(parameters, free, hottest[: extent.events], 0, BATCH_SIZE)
    rate = min(len(hottest), extent.events) / (time.perf_counter() - began)
    return MoreKeys(extent, tuple(phases), len(free), rate)


def _draws(keys: int, count: int) -> np.ndarray:
    """Ranks of keys, each with a chance of 1 / (rank + 1)."""
    chances = np.cumsum(1.0 / np.arange(1, keys + 1))
    uniform = np.random.default_rng(SEED).random(count)
    return np.searchsorted(chances, uniform * chances[-1])


def _phase(parameters: DetectorParameters, table: KeyTable, draws: np.ndarray, before: int) -> Phase:
    memory = table.memory
    size = largest_batch(model_of(parameters), memory.limit_bytes, BATCH_SIZE)
    returned = memory.returns
    began = time.perf_counter()
    _run(parameters, table, draws, before, size)
    seconds = time.perf_counter() - began
    return Phase(
        len(draws),
        len(draws) / seconds,
        len(table),
        len(table.resident_keys()),
        memory.bytes,
        memory.spilled_bytes,
        (memory.returns - returned) / len(draws),
        resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    )


def _run(parameters: DetectorParameters, table: KeyTable, draws: np.ndarray, first: int, size: int) -> None:
    noise = np.random.default_rng(first).normal(0.0, 1.0, len(draws)).round(3).tolist()
    for start in range(0, len(draws), size):
        batch = [
            Event(f"key-{key}", START_OF_EVENTS + 1000 * (first + start + i), (key % 10 + noise[start + i],))
            for i, key in enumerate(draws[start : start + size].tolist())
        ]
        score_batch(parameters, batch, [table] * len(batch))


def markdown(found: MoreKeys) -> str:
    """The report for a reader."""
    extent = found.extent
    rows = [
        f"| {number or 'each key once'} | {phase.events_per_second:,.0f} | {phase.known:,} | {phase.resident:,} | "
        f"{phase.memory_bytes / MEGABYTE:,.0f} | {phase.process_bytes / MEGABYTE:,.0f} | "
        f"{phase.spill_bytes / MEGABYTE:,.0f} | {100 * phase.returned_share:.1f} % |"
        for number, phase in enumerate(found.phases)
    ]
    return "\n".join(
        [
            "## More keys than memory",
            "",
            f"{extent.keys:,} keys, the one of rank r with a chance of 1/r, 50 x 256, shingle 8, at most"
            f" {extent.limit_mb:,} MB of keys; each once, then phases of {extent.events:,} events. Its"
            f" {found.peer_keys:,} hottest keys alone, without a bound: {found.peer_events_per_second:,.0f} events/s.",
            "",
            "| phase | events/s | keys known | in memory | MB of keys | MB of the process, most so far | MB of spill | "
            "events whose key came back |",
            "|---:|---:|---:|---:|---:|---:|---:|---:|",
            *rows,
            "",
        ]
    )


def plain_data(found: MoreKeys) -> dict[str, object]:
    """The same for a program."""
    return {
        "keys": found.extent.keys,
        "limit_mb": found.extent.limit_mb,
        "phases": [vars(phase) for phase in found.phases],
        "peer": {"keys": found.peer_keys, "events_per_second": found.peer_events_per_second},
    }
