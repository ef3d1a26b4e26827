"""Forecasts with each record: those of `Forecaster` over the same values, and sound where events are not as usual."""

from __future__ import annotations

import math

import numpy as np
import pytest

from stream_rcf import Detector, Forecaster, ForecastParameters, RandomCutForest
from stream_rcf.core.forecast_section import ForecastSection
from stream_rcf.core.key_forecaster import NO_FORECAST
from stream_rcf.core.packing import pack
from tests.core.forecast_support import DAY, MINUTE, SMALL, ForecastKey, forecasting, minutes, wave

FOREST = {"shingle_size": 4, "trees": 5, "sample_size": 32, "seed": 3}


@pytest.mark.parametrize("period", [None, DAY])
@pytest.mark.parametrize("features", [1, 2])
def test_a_record_says_what_forecaster_says_after_the_same_values(features: int, period: int | None) -> None:
    parameters = ForecastParameters(6, 0.7, period)
    names = [f"f{i}" for i in range(features)]
    detector = Detector(names, forecast=parameters, normalize=False, **FOREST)  # type: ignore[arg-type] # -- by name
    forecaster = Forecaster(features, horizon=6, coverage=0.7, period=period, **FOREST)  # type: ignore[arg-type] # -- by name
    told = 0
    for i, row in enumerate(wave(300, features)):
        expected = forecaster.process(row)
        record = detector.process(dict(zip(names, row.tolist(), strict=True)), MINUTE * i)
        if expected is None:
            assert record["forecast"] is None
            continue
        told += 1
        assert record["forecast"] == {
            name: {part: getattr(expected, part)[:, place].tolist() for part in ("values", "lower", "upper")}
            for place, name in enumerate(names)
        }
        coverage = forecaster.coverage()
        if np.isnan(coverage).all():
            assert record["forecast_coverage"] is None
        elif not np.isnan(coverage).any():
            known = list(record["forecast_coverage"].values())
            assert known == pytest.approx(coverage.mean(axis=0).tolist(), rel=1e-12)
    assert told > 200
    assert record["forecast_coverage"].keys() == set(names)


def test_limits_are_those_of_the_feature() -> None:
    limits = ForecastParameters(6, minimum=(0.0, None), maximum=(None, 0.25))
    detector = Detector(["a", "b"], forecast=limits, normalize=False, **FOREST)  # type: ignore[arg-type] # -- by name
    forecaster = Forecaster(2, horizon=6, minimum=[0.0, None], maximum=[None, 0.25], **FOREST)  # type: ignore[arg-type] # -- by name
    for i, row in enumerate(wave(200, 2)):
        expected = forecaster.process(row)
        record = detector.process({"a": row[0], "b": row[1]}, MINUTE * i)
    assert expected is not None
    assert record["forecast"]["a"]["lower"] == expected.lower[:, 0].tolist()
    assert record["forecast"]["b"]["upper"] == expected.upper[:, 1].tolist()
    assert min(record["forecast"]["a"]["lower"]) >= 0.0
    assert max(record["forecast"]["b"]["upper"]) <= 0.25


def test_without_the_setting_a_record_says_nothing_of_it() -> None:
    assert "forecast" not in Detector(**FOREST).process({"value": 1.0}, 0)  # type: ignore[arg-type] # -- by name


@pytest.mark.parametrize("transform", ["log", "difference", "subtract_average"])
def test_what_the_forest_expects_of_transformed_values_is_told_in_the_event_s_own(transform: str) -> None:
    x = 50.0 + 40.0 * wave(200)[:, 0] + 0.5 * np.arange(200)
    x = x.astype(np.float32).astype(np.float64)
    detector = Detector(transforms={"value": transform}, forecast=ForecastParameters(5), **FOREST)  # type: ignore[arg-type] # -- by name
    forest, previous, average, decay = RandomCutForest(**FOREST), x[0], x[0], 1 / 320  # type: ignore[arg-type] # -- by name
    for i, value in enumerate(x):
        detector.process({"value": value}, i)
        seen = {"log": math.log1p(value), "difference": value - previous, "subtract_average": value - average}
        forest.update([np.float32(seen[transform])])
        previous, average = value, average + max(decay, 1 / (i + 1)) * (value - average)
    expected = []
    for step, seen_next in enumerate(forest.extrapolate(5).values[:, 0]):
        own = {
            "log": math.expm1(seen_next),
            "difference": previous + seen_next,
            "subtract_average": average + seen_next,
        }
        value = own[transform]
        previous, average = value, average + max(decay, 1 / (len(x) + step + 1)) * (value - average)
        expected.append(value)
    found = detector._forecasters[0]._expected[0].tolist()
    assert found == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("transforms", [{}, {"f0": "log", "f1": "difference"}, {"f1": "subtract_average"}])
def test_bands_hold_their_share_whatever_the_units_and_transforms(transforms: dict[str, str]) -> None:
    key = ForecastKey(forecasting(2, ForecastParameters(4, 0.8), transforms=transforms))
    x = wave(1500, 2) * [1.0, 1e6] + [3.0, 5e6]
    inside = np.zeros(2)
    found = key.process(x, minutes(1500))
    for i in range(500, 1499):
        features = found[i].features
        assert features is not None
        inside += [one.lower[0] <= x[i + 1, j] <= one.upper[0] for j, one in enumerate(features)]
    assert (abs(inside / 999 - 0.8) < 0.06).all()
    coverage = found[-1].coverage
    assert coverage is not None
    assert all(0.5 < share <= 1.0 for share in coverage)


def test_an_event_that_is_passed_over_changes_nothing_and_has_no_forecast() -> None:
    key = ForecastKey(forecasting(allowed_lateness_ms=0))
    x = wave(80)
    before = key.process(x, minutes(80))[-1]
    state = pack(key.block)
    assert before.features is not None
    assert key.process(x[:1], [0]) == [NO_FORECAST]
    assert pack(key.block) == state


def test_no_forecast_spans_a_gap_and_the_errors_that_are_known_stay() -> None:
    parameters = forecasting(forecast=ForecastParameters(3, period=6, error_memory=12), max_gap_ms=2 * MINUTE)
    key, whole = ForecastKey(parameters), ForecastKey(parameters)
    x = wave(120)
    section = ForecastSection(key.model)
    assert key.process(x[:80], minutes(80))[-1].features is not None
    section.open_block(key.block)
    compared, coverage = (
        section.calibration.compared.copy(),
        key.process(x[80:81], minutes(1, 90))[0].coverage,
    )
    section.open_block(key.block)
    assert (section.calibration.compared == compared).all(), "what was forecast before is not compared"
    assert (section.checks.made_at == -1).all()
    after = key.process(x[81:100], minutes(19, 91))
    told = [one.features is not None for one in after]
    assert told == [False] * 4 + [True] * 15, "a period of 6, the event after the gap included"
    assert after[0].coverage == coverage, "no forecast made after the gap has met its truth"
    assert all(one.features is not None for one in whole.process(x, minutes(120))[60:])


def test_without_a_period_a_forecast_waits_for_a_whole_shingle() -> None:
    key = ForecastKey(forecasting(max_gap_ms=2 * MINUTE))
    key.process(wave(80), minutes(80))
    after = key.process(wave(5), minutes(5, 90))
    assert [one.features is not None for one in after] == [False, True, True, True, True], "2 of 3 records"


def test_what_was_filled_in_is_no_truth() -> None:
    key = ForecastKey(forecasting(2, fills_missing=True))
    x = wave(90, 2)
    key.process(x[:80], minutes(80))
    section = ForecastSection(key.model)
    section.open_block(key.block)
    compared, judged = section.calibration.compared.copy(), section.calibration.judged.copy()
    lacking = x[80:81].copy()
    lacking[0, 1] = np.nan
    (found,) = key.process(lacking, minutes(1, 80))
    section.open_block(key.block)
    assert found.features is not None
    assert (section.calibration.compared == compared).all()
    assert (section.calibration.judged == judged).all()
    assert section.peers.recent[0, 1] == np.float32(x[79, 1]), "as the detector fills it in"
    key.process(x[81:82], minutes(1, 81))
    section.open_block(key.block)
    assert (section.calibration.compared > compared).all()


def test_a_key_that_begins_anew_forecasts_as_one_that_is_newborn() -> None:
    parameters = forecasting(retire_after_ms=60 * MINUTE)
    ours, newborn = ForecastKey(parameters), ForecastKey(parameters)
    x = wave(200)
    ours.process(x[:100], minutes(100))
    again = ours.process(x[100:], minutes(100, 1000))
    assert again == newborn.process(x[100:], minutes(100, 1000))
    assert again[0] == NO_FORECAST
    assert again[-1].features is not None
    assert pack(ours.block) == pack(newborn.block)
    assert pack(ours.block, quick=True) == pack(newborn.block, quick=True)


def test_scores_are_the_same_with_forecasts_and_without() -> None:
    x = wave(200)[:, 0]
    x[150] = 9.0
    plain, ours = Detector(**FOREST), Detector(forecast=SMALL, **FOREST)  # type: ignore[arg-type] # -- by name
    for i, value in enumerate(x):
        record, more = plain.process({"value": value}, i), ours.process({"value": value}, i)
        del more["forecast"], more["forecast_coverage"], more["model"], record["model"]
        assert more == record
