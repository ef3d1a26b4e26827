"""`Forecaster` as people use it: when it begins, whose forecast it gives, what it refuses."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from stream_rcf import Forecaster
from stream_rcf.errors import UsageError
from tests.support.machine import shared_file

DAY = 24  # records


def wave(count: int, features: int = 1) -> np.ndarray:
    random, time = np.random.default_rng(1), np.arange(count)[:, None]
    return np.sin((time + np.arange(features)) * 2 * np.pi / DAY) + 0.1 * random.normal(
        size=(count, features)
    )


def small(**settings: object) -> Forecaster:
    return Forecaster(**{"shingle_size": 4, "horizon": 6, "trees": 5, "sample_size": 32, **settings})


def test_the_first_forecast_comes_when_its_band_can_be_told() -> None:
    forecaster = Forecaster(trees=3)
    first = next(i for i, record in enumerate(wave(300), 1) if forecaster.process(record) is not None)
    assert first == 117


def test_a_period_is_waited_for() -> None:
    with_period, without = small(period=115), small()
    x = wave(120)
    assert without.process_many(x) is not None
    assert with_period.process_many(x) is None
    assert with_period.process_many(wave(60)) is not None


def test_once_ready_there_is_a_whole_forecast_for_every_record() -> None:
    forecaster, begun = small(dimensions=3, period=DAY), False
    for record in wave(300, 3):
        forecast = forecaster.process(record)
        assert forecast is not None or not begun
        if forecast is not None:
            begun = True
            assert {part.shape for part in forecast} == {(6, 3)}
            assert np.isfinite(np.stack(forecast[:3])).all()
            assert (forecast.lower <= forecast.values).all()
            assert (forecast.values <= forecast.upper).all()
    assert begun


def test_asking_changes_nothing_and_many_records_are_one_after_the_other() -> None:
    asked, silent = small(period=DAY), small(period=DAY)
    x = wave(250)
    for record in x:
        last = asked.process(record)
    found = silent.process_many(x[:, 0])
    assert last is not None
    assert found is not None
    assert [part.tolist() for part in found] == [part.tolist() for part in last]
    assert asked.to_bytes() == silent.to_bytes()
    assert silent.events_seen == 250


def test_a_daily_wave_is_forecast_better_than_by_the_last_value() -> None:
    forecaster = Forecaster(shingle_size=DAY, horizon=DAY, trees=20, seed=1)
    forecast = forecaster.process_many(wave(1500))
    assert forecast is not None
    accuracy = forecaster.accuracy()
    errors = {name: error.mean() for name, error in accuracy.absolute_error.items()}
    assert errors["forecast"] < 0.2 * errors["last_value"]
    assert errors["forecast"] < 1.2 * 0.08  # of the noise itself: 0.1 * sqrt(2 / pi)
    assert (forecast.source == "forest").all()
    assert abs(accuracy.bias["forecast"].mean()) < 0.02
    assert (accuracy.width < 0.5).all()
    truth = np.sin(np.arange(1500, 1500 + DAY) * 2 * np.pi / DAY)
    assert abs(forecast.values[:, 0] - truth).max() < 0.2


def test_a_forest_that_knows_less_than_the_last_value_gives_way_to_it() -> None:
    walk = np.cumsum(np.random.default_rng(5).normal(size=1500))
    forecaster = Forecaster(horizon=5, trees=10, seed=1)
    forecast = forecaster.process_many(walk)
    assert forecast is not None
    assert (forecast.source == "last_value").all()
    errors = forecaster.accuracy().absolute_error
    assert errors["forecast"].mean() < 0.9 * errors["forest"].mean()


def test_each_feature_has_its_own_source() -> None:
    random = np.random.default_rng(6)
    x = np.column_stack((np.cumsum(random.normal(size=1500)), random.normal(size=1500)))
    forecast = Forecaster(2, horizon=4, trees=10, period=7, seed=1).process_many(x)
    assert forecast is not None
    assert set(forecast.source[:, 0]) == {"last_value"}
    assert set(forecast.source[:, 1]) == {"forest"}


def test_an_exact_period_is_the_seasonal_peer_s() -> None:
    x = np.random.default_rng(7).permutation(100).astype(float)
    # A shingle of two that never comes twice in the forest's small sample: only the peer remembers a whole period.
    forecaster = Forecaster(shingle_size=2, horizon=10, trees=10, sample_size=16, period=100)
    forecast = forecaster.process_many(np.tile(x, 8))
    assert forecast is not None
    assert (forecast.source == "seasonal").all()
    assert forecast.values[:, 0].tolist() == x[:10].tolist()
    assert (forecast.upper == forecast.lower).all()


def test_on_a_trend_the_forecast_goes_on_rising() -> None:
    x = 0.5 * np.arange(1000) + np.random.default_rng(8).normal(size=1000)
    forecast = Forecaster(horizon=12, trees=10).process_many(x)
    assert forecast is not None
    truth = 0.5 * np.arange(1000, 1012)
    assert abs(forecast.values[:, 0] - truth).max() < 2.0  # the last value would be 6 behind at the end
    assert (np.diff(forecast.values[2:, 0]) > 0.0).all()


def test_forecasts_stay_within_the_limits_of_each_feature() -> None:
    x = 0.3 * wave(400, 2)
    forecaster = small(dimensions=2, minimum=[0.0, None], maximum=[0.1, 0.2])
    for record in x:
        forecast = forecaster.process(record)
        if forecast is not None:
            for part in forecast[:3]:
                assert (part[:, 0] >= 0.0).all()
                assert (part <= [0.1, 0.2]).all()
    assert forecast is not None
    assert (forecast.lower[:, 1] < 0.0).any()


def test_before_anything_came_true_all_measurements_are_unknown() -> None:
    accuracy = small(dimensions=2, period=DAY).accuracy()
    assert list(accuracy.absolute_error) == ["forest", "last_value", "seasonal", "forecast"]
    for part in (
        accuracy.coverage,
        accuracy.width,
        *accuracy.absolute_error.values(),
        *accuracy.bias.values(),
    ):
        assert part.shape == (6, 2)
        assert np.isnan(part).all()


def test_memory_does_not_grow_with_the_stream() -> None:
    forecaster = small()
    forecaster.process_many(wave(400))
    sizes = [array.nbytes for array in forecaster._arrays()]
    forecaster.process_many(wave(1000))
    assert [array.nbytes for array in forecaster._arrays()] == sizes


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e39])
def test_what_a_forest_cannot_learn_is_refused_and_changes_nothing(value: float) -> None:
    forecaster = small()
    forecaster.process_many(wave(100))
    before = forecaster.to_bytes()
    with pytest.raises(UsageError, match="not a finite 32-bit number"):
        forecaster.process([value])
    with pytest.raises(UsageError, match="not a finite 32-bit number"):
        forecaster.process_many([1.0, value])
    with pytest.raises(UsageError, match="2 values, but must have 1"):
        forecaster.update([1.0, 2.0])
    assert forecaster.to_bytes() == before


def test_new_york_s_taxis_are_forecast_better_than_a_day_or_half_an_hour_ago() -> None:
    with shared_file("nab/data/realKnownCause/nyc_taxi.csv").open(encoding="utf-8") as file:
        x = np.array([float(row["value"]) for row in csv.DictReader(file)][:2500])
    forecaster = Forecaster(shingle_size=48, horizon=12, trees=20, period=48, minimum=0, seed=1)
    errors: dict[str, list[np.ndarray]] = {"forecast": [], "last": [], "seasonal": []}
    inside = []
    for i in range(len(x) - 12):
        forecaster.update([x[i]])
        forecast = forecaster.forecast() if i % 7 == 0 else None
        if forecast is not None:
            truth = x[i + 1 : i + 13]
            errors["forecast"].append(abs(truth - forecast.values[:, 0]))
            errors["last"].append(abs(truth - x[i]))
            errors["seasonal"].append(abs(truth - x[i - 47 : i - 35]))
            inside.append((forecast.lower[:, 0] <= truth) & (truth <= forecast.upper[:, 0]))
    mean = {name: np.mean(values) for name, values in errors.items()}

    assert mean["forecast"] < 0.8 * mean["seasonal"]
    assert mean["forecast"] < 0.5 * mean["last"]
    assert abs(np.mean(inside) - 0.8) < 0.03
