"""Results of the forest's benchmark as an abacus might give them."""

from __future__ import annotations

from dataclasses import replace

from load_tests.figures import Figure
from load_tests.forest.comparison import Comparison
from load_tests.forest.growth import Growth, GrowthPoint
from load_tests.forest.memory import BytesRow
from load_tests.forest.run import QUICK, ForestResults
from load_tests.forest.shapes import ONE_KEY_ROWS, many_key_rows


def figure(*samples: float) -> Figure:
    return Figure("a", samples)


def comparison(ours: float, peer: float, least_on_core: float = 1.0) -> Comparison:
    own, other = figure(ours, 1.25 * ours, ours), figure(peer, peer, peer)
    return Comparison(own, other, figure(ours / peer, ours / peer), least_on_core)


def forest_results() -> ForestResults:
    many, without_boxes = many_key_rows(100)
    return ForestResults(
        extents=replace(QUICK, warm=5120, key_warm=600),
        table=[
            (ONE_KEY_ROWS[0], comparison(100_000.0, 20_000.0)),
            (ONE_KEY_ROWS[1], comparison(40_000.0, 10_000.0, least_on_core=0.5)),
            (many, comparison(40_000.0, 5000.0)),
            (without_boxes, comparison(40_000.0, 4000.0)),
        ],
        sizes=[
            BytesRow("mature", 250_000, 1_200_000, 300_000),
            BytesRow("saved", 100_000, 160_000, 90_000),
            BytesRow("growth of the process", 280_000, None, None),
        ],
        python_peers=[Figure("rrcf", (100.0, 125.0, 80.0))],
        growth=[
            Growth("features", "shingle 1", [_point(1, 100_000.0), _point(4, 50_000.0, disturbed=True)]),
            Growth("keys", "in turn", [_point(1, 100_000.0), GrowthPoint(10_000, None, None)]),
        ],
        threads=comparison(60_000.0, 40_000.0),
    )


def _point(value: int, rate: float, disturbed: bool = False) -> GrowthPoint:
    return GrowthPoint(value, figure(rate, rate), figure(rate / 4.0, rate / 4.0), disturbed)
