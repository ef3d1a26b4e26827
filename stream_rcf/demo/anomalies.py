"""The anomalies that the generator plants, and the record of where it planted them."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Literal

Kind = Literal["spike", "drop", "level shift", "flat line"]
KINDS: tuple[Kind, ...] = ("spike", "drop", "level shift", "flat line")
READINGS: dict[Kind, int] = {"spike": 1, "drop": 3, "level shift": 12, "flat line": 16}  # how long each lasts
SPIKE_SWINGS = 2.5  # a spike's height, in units of the pattern's whole swing from night to day
DROP_SWINGS = 1.5  # how far a drop falls below the pattern
SHIFT_SWINGS = 1.5  # how far a shifted level lies from the pattern


@dataclass(frozen=True, slots=True)
class Anomaly:
    """One planted anomaly: readings ``first`` to ``last`` (counted per key from 0) of one feature of one key."""

    key: str
    feature: int
    kind: Kind
    first: int
    last: int

    def covers(self, reading: int, slack: int = 0) -> bool:
        """Whether ``reading`` lies within, or up to ``slack`` readings after: shingles still hold the anomaly then."""
        return self.first <= reading <= self.last + slack


def changed(kind: Kind, value: float, swing: float, held: float) -> float:
    """What an anomaly of ``kind`` makes of a reading ``value`` of a pattern with this ``swing``.

    ``held`` is the reading before the anomaly began, where a flat line stays to the last digit.
    """
    if kind == "spike":
        return value + SPIKE_SWINGS * swing
    if kind == "drop":
        return value - DROP_SWINGS * swing
    if kind == "level shift":
        return value + SHIFT_SWINGS * swing
    return held


class AnomalyPlan:
    """Decides, seeded, when the next anomaly of one key begins.

    About one in ``every`` readings, and never in the first ``quiet`` ones, during which models learn what is normal.
    """

    def __init__(self, key: str, features: int, every: int, quiet: int, generator: random.Random) -> None:
        self._key = key
        self._features = features
        self._every = every
        self._generator = generator
        self.current = self._next_after(quiet)

    def advance(self, reading: int) -> Anomaly:
        """The anomaly at ``reading``, or the next one to come. Readings must be asked for in order."""
        if reading > self.current.last:
            self.current = self._next_after(reading)
        return self.current

    def _next_after(self, reading: int) -> Anomaly:
        first = reading + self._generator.randint(self._every // 3, self._every * 5 // 3)
        kind = self._generator.choice(KINDS)
        feature = self._generator.randrange(self._features)
        return Anomaly(self._key, feature, kind, first, first + READINGS[kind] - 1)
