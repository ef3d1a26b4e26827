"""What a ``Forecaster`` is asked for, beside its forest."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from stream_rcf.core.requirements import require
from stream_rcf.errors import UsageError

# Errors of each step and feature, by default: quantiles of so many waver little, and a new regime soon rules.
ERROR_MEMORY = 100
# Forecasts that wait for their truths at a time, by default and about: what bounds their memory and their cost.
CHECKS_ON_THE_WAY = 8
MAX_HORIZON = 100_000  # records: far beyond what can be foreseen, and keeps sizes in range
MAX_MEMORY = 100_000  # errors of each step and feature
MAX_PERIOD = 10_000_000  # records


@dataclass(frozen=True, slots=True)
class ForecastParameters:
    """How far ahead, how sure, and what is kept to be so. See ``Forecaster``; raises ``UsageError``.

    ``error_memory`` and ``calibrate_every``: 0 for the default, which is filled in.
    """

    horizon: int
    coverage: float
    period: int | None = None
    error_memory: int = 0
    calibrate_every: int = 0

    def __post_init__(self) -> None:
        require(
            1 <= self.horizon <= MAX_HORIZON,
            "horizon",
            self.horizon,
            f"between 1 and {MAX_HORIZON} records",
        )
        require(0.01 <= self.coverage <= 0.999, "coverage", self.coverage, "between 0.01 and 0.999")
        require(
            self.period is None or 1 <= self.period <= MAX_PERIOD,
            "period",
            self.period,
            f"between 1 and {MAX_PERIOD} records, or None for none",
        )
        if self.error_memory == 0:
            object.__setattr__(self, "error_memory", max(ERROR_MEMORY, 2 * self.errors_needed))
        if self.calibrate_every == 0:
            object.__setattr__(self, "calibrate_every", max(1, self.horizon // CHECKS_ON_THE_WAY))
        require(
            self.errors_needed <= self.error_memory <= MAX_MEMORY,
            "error_memory",
            self.error_memory,
            f"between {self.errors_needed}, which a coverage of {self.coverage} takes, and {MAX_MEMORY}",
        )
        require(
            1 <= self.calibrate_every <= self.horizon,
            "calibrate_every",
            self.calibrate_every,
            f"between 1 and the horizon, {self.horizon}",
        )

    @property
    def miss(self) -> float:
        """The share of truths that may lie outside the band."""
        return 1.0 - self.coverage

    @property
    def errors_needed(self) -> int:
        """Errors of one step before it has a band: with fewer, either tail of it would lie beyond all of them."""
        return math.ceil(round(2.0 / self.miss, 6))  # 10 of 0.8, whatever 1 - 0.8 is in binary

    @property
    def checks(self) -> int:
        """Forecasts that wait for their truths at a time."""
        return -(-self.horizon // self.calibrate_every)


def limits_of(minimum: Any, maximum: Any, dimensions: int) -> np.ndarray:
    """The least and the greatest value of each feature, (2, dimensions) float64; infinite where there is none.

    Each is None, one number for all, or one for each feature (None among them for none). Raises ``UsageError``.
    """
    limits = np.empty((2, dimensions), np.float64)
    for row, (name, given, none) in enumerate(
        (("minimum", minimum, -math.inf), ("maximum", maximum, math.inf))
    ):
        values = list(given) if np.ndim(given) else [given] * dimensions
        require(len(values) == dimensions, name, given, f"None, a number, or {dimensions} of them")
        limits[row] = [none if value is None else float(value) for value in values]
    if not (limits[0] <= limits[1]).all():  # NaN neither
        raise UsageError(f"minimum is {minimum!r} and maximum {maximum!r}, but no value lies between them")
    return limits
