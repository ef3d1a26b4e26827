"""Ours and a peer by turns on the same records: what the machine does to one it does to the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from load_tests.figures import Figure, paired_ratio
from load_tests.forest.implementation import Implementation, Turn
from load_tests.forest.series import Series

MOST_POINTS = 20_000  # of a turn: more say no more
FIRST_POINTS = 1000  # of the first turn, which is not measured
# Not measured, of the slower side, on the core: Java compiles there too, and has its full speed after about three.
SETTLING_SECONDS = 4.0
DISTURBED = 0.95  # of the wall clock on the core; below it, another program had a part of the core


@dataclass(frozen=True)
class Plan:
    """How long to measure. ``seconds``: of one turn of the slower side, about."""

    repetitions: int
    seconds: float


@dataclass(frozen=True)
class Comparison:
    """Rates in points/s by repetition, by the time on the core; ``wall_ratio`` is by the wall clock.

    ``least_on_core``: the smallest share of a turn's wall clock spent on the core, or of the time wanted on several.
    """

    ours: Figure
    peer: Figure
    wall_ratio: Figure
    least_on_core: float

    @property
    def ratio(self) -> Figure:
        """Ours over the peer's, repetition by repetition."""
        return paired_ratio(self.ours, self.peer)

    @property
    def disturbed(self) -> bool:
        """Whether another program had a part of the core."""
        return self.least_on_core < DISTURBED


def settle(implementations: Sequence[Implementation], series: Series, keys: int) -> float:
    """Let all score until the slowest has done so for ``SETTLING_SECONDS``; its rate in points/s at the end."""
    rounds = max(1, FIRST_POINTS // keys)
    spent = 0.0
    while True:
        records = series.take(rounds)
        turns = [implementation.turn(records) for implementation in implementations]
        slowest = max(turns, key=lambda turn: turn.seconds)
        spent += slowest.seconds * slowest.on_core
        if spent >= SETTLING_SECONDS:
            return slowest.core_rate
        rounds = rounds_of(slowest.rate, SETTLING_SECONDS / 4, keys)


def rounds_of(rate: float, seconds: float, keys: int) -> int:
    """Records of each key in a turn that takes about ``seconds`` at ``rate`` points/s."""
    return max(1, round(min(rate * seconds, MOST_POINTS) / keys))


def compare(ours: Implementation, peer: Implementation, series: Series, keys: int, plan: Plan) -> Comparison:
    """Let both score and learn the same records, ours first, ``plan.repetitions`` times."""
    rounds = rounds_of(settle((ours, peer), series, keys), plan.seconds, keys)
    own: list[Turn] = []
    other: list[Turn] = []
    for _ in range(plan.repetitions):
        records = series.take(rounds)
        own.append(ours.turn(records))
        other.append(peer.turn(records))
    return Comparison(
        Figure(ours.name, tuple(turn.core_rate for turn in own)),
        Figure(peer.name, tuple(turn.core_rate for turn in other)),
        Figure("by the wall clock", tuple(a.rate / b.rate for a, b in zip(own, other, strict=True))),
        min(turn.on_core for turn in (*own, *other)),
    )
