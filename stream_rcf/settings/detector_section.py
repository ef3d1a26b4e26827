"""The settings of how a key's values are looked at, and how its scores become alerts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Self, get_args

from pydantic import Field, field_validator

from stream_rcf.core.arrival_parameters import MAX_PAUSE_SECONDS
from stream_rcf.core.parameters import ALERT_BUDGET
from stream_rcf.core.preprocessing import (
    LEAST_WEIGHT,
    MOST_WEIGHT,
    Preprocessing,
    Transform,
    preprocessing_of,
)
from stream_rcf.errors import UsageError
from stream_rcf.settings.base import Number, Section, WholeSentenceError, check_time_zone

TransformName = Literal[
    "none", "log", "difference", "subtract_average", "subtract_time_of_day", "subtract_time_of_week"
]


class DetectorSettings(Section):
    """How a key's scores become alerts."""

    decision: Literal["budget", "threshold"] = Field(
        default="budget",
        description="what makes an alert: a likelihood that alert_budget allows, or a score above the key's threshold",
    )
    alert_budget: Number = Field(
        default=ALERT_BUDGET,
        gt=0,
        le=1000,
        description="alerts per key and week that you can bear from keys where all is well; for the decision 'budget'",
    )
    z_factor: Number = Field(
        default=3.0,
        ge=2,
        le=10,
        description="deviations above the usual score that make an anomaly: more for fewer alerts",
    )
    lower_threshold: Number = Field(default=0.8, gt=0, le=8, description="no lower score is ever anomalous")
    initial_threshold: Number = Field(
        default=1.5, gt=0, le=8, description="threshold until a key has scores of its own"
    )
    anomaly_rate: Number = Field(
        default=0.01,
        gt=0,
        lt=1,
        description="share of scores that may be unusual: how fast the statistics of change fade",
    )
    score_differencing: Number = Field(
        default=0.5,
        ge=0,
        le=1,
        description="0 weighs changes of the score alone, 1 leans on the spread of the scores too",
    )
    cooldown_seconds: Number | None = Field(
        default=None,
        ge=0.001,
        le=MAX_PAUSE_SECONDS,
        description="for so long after an alert of a key, by its events' times, it has no other; by default it may",
    )
    transforms: dict[str, TransformName] = Field(
        default={},
        description="how a feature is looked at, by its name: log for counts and latencies, difference for counters, "
        "subtract_average for slow trends, subtract_time_of_day or subtract_time_of_week for what goes with the clock",
        json_schema_extra={
            "allowed": f"a map of features to one of {', '.join(get_args(TransformName))}, "
            'such as { requests = "log" }'
        },
    )
    time_zone: str = Field(
        default="UTC",
        description="whose clocks tell the time of the day and of the week, by its IANA name; for those transforms",
    )
    normalize: bool = Field(
        default=True,
        description="several features count alike for the forest, whatever their units; false: by their own numbers",
    )
    weights: dict[str, Number] = Field(
        default={},
        description="how much features count for the forest, by their names, beside the others' 1",
        json_schema_extra={
            "allowed": f"a map of features to numbers from {LEAST_WEIGHT:.1g} to {MOST_WEIGHT:.1g}, such as "
            "{ latency = 2.0 }"
        },
    )

    @field_validator("time_zone")
    @classmethod
    def _check_zone(cls, name: str) -> str:
        check_time_zone(name)
        return name

    def seasonal_feature(self) -> str | None:
        """Return a feature that goes with the clock, if any does."""
        return next(
            (name for name, how in self.transforms.items() if Transform[how.upper()].is_seasonal), None
        )

    def preprocessing(self, features: Sequence[str]) -> Preprocessing:
        """Return what becomes of the values of these features; ``UsageError`` where it names others."""
        return preprocessing_of(features, self.transforms, self.weights, self.normalize, self.time_zone)

    def fitting(self, features: Sequence[str]) -> Self:
        """Return the same, or raise a finding where it does not fit the features."""
        try:
            self.preprocessing(features)
        except UsageError as error:
            about = "transforms" if "transform" in str(error) else "weights"
            raise WholeSentenceError(f"detector: {error}", f"detector.{about}") from error
        return self
