"""The forests that Python people have, on the first row's records, for scale."""

from __future__ import annotations

from load_tests.figures import Figure
from load_tests.forest.comparison import Plan, rounds_of
from load_tests.forest.series import Series
from load_tests.forest.shapes import STANDARD
from load_tests.forest.start import measuring_core, start_peer

PEERS = {"rrcf": "rrcf", "river": "river's HalfSpaceTrees"}
SETTLING_POINTS = 20  # unmeasured; enough for a rate, and rrcf takes a third of a second


def measure_python_peers(plan: Plan) -> list[Figure]:
    """Points per second of each, 50 trees of 256, shingle 8, after two windows of records; few points are enough."""
    return [_measure(name, long_name, plan) for name, long_name in PEERS.items()]


def _measure(name: str, long_name: str, plan: Plan) -> Figure:
    series = Series(STANDARD.features)
    with start_peer(name, STANDARD, [measuring_core()]) as peer:
        peer.learn(series.take(2 * STANDARD.sample_size))
        rounds = rounds_of(peer.turn(series.take(SETTLING_POINTS)).rate, plan.seconds, 1)
        rates = tuple(peer.turn(series.take(rounds)).core_rate for _ in range(plan.repetitions))
    return Figure(long_name, rates)
