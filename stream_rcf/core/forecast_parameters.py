"""What a ``Forecaster`` is asked for, beside its forest."""

from __future__ import annotations

import math
from dataclasses import dataclass

from stream_rcf.core.requirements import require
from stream_rcf.errors import UsageError

# Errors of each step and feature, by default: quantiles of so many waver little, and a new regime soon rules.
ERROR_MEMORY = 100
# Forecasts that wait for their truths at a time, by default and about: what bounds their memory and their cost.
CHECKS_ON_THE_WAY = 8
MAX_HORIZON = 100_000  # records: far beyond what can be foreseen, and keeps sizes in range
MAX_MEMORY = 100_000  # errors of each step and feature
MAX_PERIOD = 10_000_000  # records
# Steps of all features in one score record: about 60 kB of text, so that a record stays far below Kafka's megabyte.
MAX_RECORD_STEPS = 1000
MAX_RECORD_PERIOD = 100_000  # records that a key keeps for each feature: 800 kB


@dataclass(frozen=True, slots=True)
class ForecastParameters:
    """How far ahead, how sure, and what is kept to be so. See ``Forecaster``; raises ``UsageError``.

    ``error_memory`` and ``calibrate_every``: 0 for the default, which is filled in. ``minimum`` and ``maximum``: of
    each feature of a detector, None for none; empty where no feature has one. (A ``Forecaster`` is given its own.)
    """

    horizon: int
    coverage: float = 0.8
    period: int | None = None
    error_memory: int = 0
    calibrate_every: int = 0
    minimum: tuple[float | None, ...] = ()
    maximum: tuple[float | None, ...] = ()

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


def check_record_forecast(forecast: ForecastParameters, features: int, shingle_size: int) -> None:
    """Raise ``UsageError`` unless every score record of so many features can carry such a forecast."""
    require(shingle_size >= 2, "shingle_size", shingle_size, "at least 2 to forecast")
    most = MAX_RECORD_STEPS // features
    require(forecast.horizon <= most, "horizon", forecast.horizon, f"at most {most} with {features} features")
    require(
        forecast.period is None or forecast.period <= MAX_RECORD_PERIOD,
        "period",
        forecast.period,
        f"at most {MAX_RECORD_PERIOD} records, or None for none",
    )
    lows, highs = (_limits(name, getattr(forecast, name), features) for name in ("minimum", "maximum"))
    for low, high in zip(lows, highs, strict=True):
        if not (-math.inf if low is None else low) <= (math.inf if high is None else high):  # NaN neither
            raise UsageError(f"minimum is {low!r} and maximum {high!r}, but no value lies between them")


def _limits(name: str, given: tuple[float | None, ...], features: int) -> tuple[float | None, ...]:
    require(len(given) in {0, features}, name, given, f"empty, or {features} numbers, None for none")
    return given or (None,) * features
