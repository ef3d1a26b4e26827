"""The decayed mean and standard deviation of section 9, by its obvious sums over every value ever seen."""

from __future__ import annotations

import math


class NaiveDeviation:
    """Keeps every value; the weight of a value falls by `1 - discount` with each later one.

    The sums are those of section 9, but of squared distances from the mean instead of squares, and added
    without rounding in between: the same number, without the cancellation that section 9 warns of.
    """

    def __init__(self, discount: float) -> None:
        self.discount = discount
        self.values: list[float] = []

    @property
    def count(self) -> int:
        """How many values were seen."""
        return len(self.values)

    def update(self, value: float) -> None:
        """See one more value."""
        self.values.append(value)

    def weights(self) -> list[float]:
        """The weight of each value, oldest first; the newest weighs 1."""
        return [(1 - self.discount) ** age for age in reversed(range(len(self.values)))]

    def mean(self) -> float:
        """The weighted mean, 0 before the first value."""
        if not self.values:
            return 0.0
        weights = self.weights()
        return math.fsum(w * x for w, x in zip(weights, self.values, strict=True)) / math.fsum(weights)

    def deviation(self) -> float:
        """The weighted standard deviation, 0 before the first value."""
        if not self.values:
            return 0.0
        weights, mean = self.weights(), self.mean()
        squares = math.fsum(w * (x - mean) ** 2 for w, x in zip(weights, self.values, strict=True))
        return math.sqrt(squares / math.fsum(weights))
