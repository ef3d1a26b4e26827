"""The settings of what score records say of the records to come."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

from pydantic import Field

from stream_rcf.core.forecast_parameters import (
    MAX_RECORD_PERIOD,
    MAX_RECORD_STEPS,
    ForecastParameters,
    check_record_forecast,
)
from stream_rcf.errors import UsageError
from stream_rcf.settings.base import Number, Section, WholeNumber, WholeSentenceError

_LIMITS = 'a map of features to numbers, such as { "requests" = 0 }'


class ForecastSettings(Section):
    """What every score record says of the records to come."""

    horizon: WholeNumber | None = Field(
        default=None,
        ge=1,
        le=MAX_RECORD_STEPS,
        description="every score record tells the next so many values of its key, each with a band, where this is set; "
        f"times events.features at most {MAX_RECORD_STEPS}. Each event then takes some milliseconds",
    )
    coverage: Number = Field(
        default=0.8,
        ge=0.01,
        le=0.999,
        description="the share of values that are to lie inside their bands, each step and feature on its own",
    )
    period: WholeNumber | None = Field(
        default=None,
        ge=1,
        le=MAX_RECORD_PERIOD,
        description="events after which the pattern repeats, such as a week of them: a forecast is then no worse for "
        "long than the value a period ago; none by default",
    )
    minimum: dict[str, Number] = Field(
        default={},
        description="the least possible value of a feature, by its name, below which nothing is forecast",
        json_schema_extra={"allowed": _LIMITS},
    )
    maximum: dict[str, Number] = Field(
        default={},
        description="the greatest possible value of a feature, by its name, above which nothing is forecast",
        json_schema_extra={"allowed": _LIMITS},
    )

    def parameters(self, features: Sequence[str]) -> ForecastParameters | None:
        """Return what a detector over these features forecasts; None for nothing."""
        if self.horizon is None:
            return None
        return ForecastParameters(
            self.horizon,
            self.coverage,
            self.period,
            minimum=_by_feature(self.minimum, features),
            maximum=_by_feature(self.maximum, features),
        )

    def fitting(self, features: Sequence[str], shingle_size: int) -> Self:
        """Return the same, or raise a finding where it does not fit the events and the forest."""
        for name, limits in (("minimum", self.minimum), ("maximum", self.maximum)):
            unknown = [feature for feature in limits if feature not in features]
            if unknown:
                raise WholeSentenceError(
                    f"forecast.{name} names {unknown[0]!r}, but events.features has {', '.join(features)}",
                    f"forecast.{name}",
                )
        for feature in self.minimum.keys() & self.maximum.keys():
            if self.minimum[feature] > self.maximum[feature]:
                raise WholeSentenceError(
                    f"forecast.minimum of {feature!r} is {self.minimum[feature]:g}, but must be at most "
                    f"forecast.maximum, {self.maximum[feature]:g}",
                    "forecast.minimum",
                )
        parameters = self.parameters(features)
        if parameters is None:
            return self
        if shingle_size < 2:
            raise WholeSentenceError(
                f"forecast.horizon is {self.horizon}, but forest.shingle_size is {shingle_size}: a single event says "
                "nothing of the next one. Set forest.shingle_size to 2 at least, best as long as the pattern",
                "forecast.horizon",
            )
        try:
            check_record_forecast(parameters, len(features), shingle_size)
        except UsageError as error:
            raise WholeSentenceError(f"forecast.{error}", "forecast.horizon") from error
        return self


def _by_feature(limits: dict[str, float], features: Sequence[str]) -> tuple[float | None, ...]:
    return tuple(limits.get(feature) for feature in features) if limits else ()
