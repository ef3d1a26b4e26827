"""Settings of a forecaster: defaults that follow from others, and what is refused."""

from __future__ import annotations

import math

import pytest

from stream_rcf import Forecaster
from stream_rcf.core.forecast_model import limits_of
from stream_rcf.core.forecast_parameters import ForecastParameters
from stream_rcf.errors import UsageError


def test_defaults_follow_from_horizon_and_coverage() -> None:
    usual = ForecastParameters(horizon=24, coverage=0.8)
    assert (usual.error_memory, usual.calibrate_every, usual.errors_needed, usual.checks) == (100, 3, 10, 8)
    sure = ForecastParameters(horizon=5, coverage=0.99)
    assert (sure.error_memory, sure.calibrate_every, sure.errors_needed, sure.checks) == (400, 1, 200, 5)


@pytest.mark.parametrize("horizon", [1, 7, 8, 24, 25, 100, 1000])
def test_few_forecasts_are_under_examination_at_a_time(horizon: int) -> None:
    assert 1 <= ForecastParameters(horizon, 0.8).checks <= 15


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("horizon", 0),
        ("horizon", -3),
        ("coverage", 0.0),
        ("coverage", 1.0),
        ("coverage", math.nan),
        ("coverage", 80),
        ("period", 0),
        ("error_memory", 0),
        ("error_memory", 9),
        ("calibrate_every", 0),
        ("calibrate_every", 25),
        ("shingle_size", 1),
        ("sample_size", 1),
    ],
)
def test_a_setting_outside_its_range_is_refused_by_name(name: str, value: float) -> None:
    with pytest.raises(UsageError, match=name):
        Forecaster(**{name: value})


def test_limits_are_for_all_or_for_each() -> None:
    assert limits_of(None, None, 2).tolist() == [[-math.inf] * 2, [math.inf] * 2]
    assert limits_of(0, [None, 3], 2).tolist() == [[0, 0], [math.inf, 3]]


@pytest.mark.parametrize(
    ("minimum", "maximum"), [([0.0], None), (1.0, 0.0), (math.nan, None), (None, [1.0, 2.0, 3.0])]
)
def test_limits_that_nothing_fits_are_refused(minimum: object, maximum: object) -> None:
    with pytest.raises(UsageError, match=r"minimum|maximum"):
        limits_of(minimum, maximum, 2)
