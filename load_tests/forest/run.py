"""Everything measured of the forest in one run."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass

from load_tests.figures import Figure
from load_tests.forest.comparison import Comparison, Plan
from load_tests.forest.growth import FULL_EXTENT, QUICK_EXTENT, Extent, Growth, measure_growth
from load_tests.forest.memory import BytesRow, measure_bytes
from load_tests.forest.scale import measure_python_peers
from load_tests.forest.shapes import ONE_KEY_ROWS, Row, many_key_rows
from load_tests.forest.speed import compare_rows
from load_tests.forest.threads import compare_threads


@dataclass(frozen=True)
class Extents:
    """How much of everything. ``warm``: records of a single key before it is measured; ``key_warm``: of many keys."""

    warm: int
    key_warm: int
    keys: int
    seconds: float
    growth: Extent


FULL = Extents(warm=30_000, key_warm=2560, keys=1000, seconds=1.0, growth=FULL_EXTENT)
QUICK = Extents(warm=5120, key_warm=600, keys=100, seconds=0.3, growth=QUICK_EXTENT)
GROWTH_REPETITIONS = 3  # a curve's points support one another


@dataclass(frozen=True)
class ForestResults:
    """Rates in points/s, sizes in bytes. ``threads`` is ``None`` on one core."""

    extents: Extents
    table: Sequence[tuple[Row, Comparison]]
    sizes: Sequence[BytesRow]
    python_peers: Sequence[Figure]
    growth: Sequence[Growth]
    threads: Comparison | None


def measure_forest(extents: Extents, repetitions: int) -> ForestResults:
    """Measure all parts, the table first."""
    plan = Plan(repetitions, extents.seconds)
    table: list[tuple[Row, Comparison]] = []
    for rows, warm in [
        *(((row,), extents.warm) for row in ONE_KEY_ROWS),
        (many_key_rows(extents.keys), extents.key_warm),
    ]:
        for row, comparison in compare_rows(rows, warm, plan):
            table.append((row, comparison))
            _progress(f"{row.name}: {comparison.ratio.median:.2f} x AWS Java")
    sizes = measure_bytes(extents.warm)
    _progress(f"{sizes[0].name}: {sizes[0].ours:,} bytes")
    python_peers = measure_python_peers(plan)
    _progress(", ".join(f"{peer.name}: {peer.median:,.0f} points/s" for peer in python_peers))
    curve_plan = Plan(min(repetitions, GROWTH_REPETITIONS), extents.seconds / 2)
    growth = measure_growth(extents.growth, curve_plan, sizes[0].ours)
    _progress("growth measured")
    threads = compare_threads(extents.keys, plan)
    return ForestResults(extents, table, sizes, python_peers, growth, threads)


def _progress(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)
