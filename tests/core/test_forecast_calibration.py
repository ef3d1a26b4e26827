"""Bands against their slow twin, and whether they hold the coverage that was asked for."""

from __future__ import annotations

import numpy as np
import pytest

from stream_rcf import Forecaster, RandomCutForest
from tests.oracle.naive_forecast import NaiveForecaster
from tests.oracle.streams import constant, duplicates, gaussian, huge, mixed, tied, tiny

STREAMS = [gaussian, tied, constant, duplicates, huge, tiny, mixed]
RECORDS = 3000
DAY = 24  # records


@pytest.mark.parametrize("stream", STREAMS, ids=lambda stream: stream.__name__)
@pytest.mark.parametrize(
    ("dimensions", "coverage", "period", "every"), [(1, 0.5, None, 1), (2, 0.8, 5, 3), (1, 0.95, 3, 6)]
)
def test_every_forecast_and_measurement_is_the_slow_twin_s(
    stream: object, dimensions: int, coverage: float, period: int | None, every: int
) -> None:
    x = stream(np.random.default_rng(3), 330, dimensions).astype(np.float32).astype(np.float64)
    settings = {"error_memory": 45, "period": period, "calibrate_every": every}
    limits = {"minimum": -1e6, "maximum": 2.5}
    subject = Forecaster(dimensions, 3, 6, coverage, 4, 16, 0.02, 7, **settings, **limits)
    twin = NaiveForecaster(RandomCutForest(dimensions, 3, 4, 16, 0.02, 7), 6, coverage, **settings, **limits)
    compared = 0
    for record in x:
        found = subject.process(record)
        twin.update(record.tolist())
        expected = twin.forecast()
        assert (found is None) == (expected is None)
        if found is None or expected is None:
            continue
        compared += 1
        for i, numbers in enumerate(found[:3]):
            slow = np.array([[cell[i] for cell in row] for row in expected])
            np.testing.assert_allclose(numbers, slow, rtol=1e-9, atol=1e-9)
        assert found.source.tolist() == [[cell.source for cell in row] for row in expected]
    assert compared > 30

    accuracy = subject.accuracy()
    tracks = twin.tracks
    np.testing.assert_allclose(accuracy.coverage, [[track.inside for track in row] for row in tracks])
    np.testing.assert_allclose(accuracy.width, [[track.width for track in row] for row in tracks])
    for method in accuracy.absolute_error:
        errors = [[track.absolute_error[method] for track in row] for row in tracks]
        np.testing.assert_allclose(accuracy.absolute_error[method], errors, rtol=1e-9)
        biases = [[track.bias[method] for track in row] for row in tracks]
        np.testing.assert_allclose(accuracy.bias[method], biases, rtol=1e-6, atol=1e-9)


def series(name: str) -> np.ndarray:
    random, time = np.random.default_rng(1), np.arange(RECORDS)
    noise = random.normal(size=RECORDS)
    if name == "autoregressive":
        for i in range(1, RECORDS):
            noise[i] += 0.9 * noise[i - 1]
        return noise
    return {
        "noise": noise,
        "daily wave": 5 * np.sin(time * 2 * np.pi / DAY) + noise,
        "random walk": np.cumsum(noise),
        "level shifts": 10.0 * (time // 1000 % 2) + noise,
        "uneven noise": noise * (1.0 + 0.9 * np.sin(time * 2 * np.pi / 500)),
        "trend": 0.5 * time + noise,
    }[name]


@pytest.mark.parametrize("coverage", [0.5, 0.8, 0.95])
@pytest.mark.parametrize(
    "name",
    ["noise", "autoregressive", "daily wave", "random walk", "level shifts", "uneven noise", "trend"],
)
def test_bands_hold_the_coverage_that_was_asked_for(name: str, coverage: float) -> None:
    x = series(name)
    forecaster = Forecaster(
        shingle_size=12, horizon=12, coverage=coverage, trees=5, period=DAY, calibrate_every=3, seed=1
    )
    inside = []
    for i, record in enumerate(x[:-12]):
        forecaster.update([record])
        if i % 5 == 0:  # not in step with those that the forecaster puts aside for itself
            forecast = forecaster.forecast()
            if forecast is not None:
                truth = x[i + 1 : i + 13, None]
                inside.append((forecast.lower <= truth) & (truth <= forecast.upper))
    by_step = np.mean(inside, axis=0)

    assert len(inside) > 500
    assert abs(by_step.mean() - coverage) < 0.03
    assert (abs(by_step - coverage) < 0.08).all()  # four deviations of so few
    assert abs(forecaster.coverage().mean() - coverage) < 0.1  # over the last hundred of each step alone


def test_bands_widen_with_the_distance_where_the_future_does() -> None:
    forecaster = Forecaster(shingle_size=4, horizon=24, trees=10, seed=1)
    forecast = forecaster.process_many(series("random walk"))
    assert forecast is not None
    width = (forecast.upper - forecast.lower)[:, 0]
    assert width[23] > 2.5 * width[0]  # by theory 4.9 times


def test_counts_that_are_mostly_nought_have_bands_of_their_own_range() -> None:
    x = (np.random.default_rng(2).random(2000) < 0.05).astype(float)
    forecaster = Forecaster(shingle_size=4, horizon=6, coverage=0.8, trees=10, minimum=0.0)
    for record in x:
        forecast = forecaster.process([record])
        if forecast is not None:
            assert (forecast.lower >= 0.0).all()
            assert (forecast.upper <= 1.5).all()
    assert (forecaster.coverage() > 0.8).all()


def test_after_a_change_of_the_noise_the_width_follows() -> None:
    noise = np.random.default_rng(3).normal(size=3000)
    noise[1500:] *= 5.0
    forecaster = Forecaster(shingle_size=2, horizon=4, trees=10, seed=1)
    before = forecaster.process_many(noise[:1500])
    after = forecaster.process_many(noise[1500:])
    assert before is not None
    assert after is not None
    ratio = (after.upper - after.lower) / (before.upper - before.lower)
    assert (abs(ratio - 5.0) < 1.5).all()
