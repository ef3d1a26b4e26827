from __future__ import annotations

import numpy as np
import pytest

from stream_rcf.core.detector import Detector
from stream_rcf.tuning.seasons import season_of, without_season
from stream_rcf.tuning.transforms import advise
from tests.tuning.support import START, key_sample, nab_sample, sample

QUARTER = 900_000  # ms
PER_DAY = 96


def daily(days: int, noise: float = 0.1, weekend: float = 1.0, seed: int = 1) -> np.ndarray:
    """Quarters of hours whose values go with the time of the day, and on two days of seven are less."""
    place = np.arange(days * PER_DAY)
    shape = np.exp(-0.5 * ((place % PER_DAY / 4 - 13) / 4) ** 2)
    share = np.where(place // PER_DAY % 7 >= 5, weekend, 1.0)
    return 10 * shape * share + noise * np.random.default_rng(seed).normal(size=place.size)


@pytest.mark.parametrize(
    ("values", "name"),
    [
        (daily(14), "subtract_time_of_day"),
        (daily(56), "subtract_time_of_day"),
        (daily(56, weekend=0.3), "subtract_time_of_week"),
        (daily(14, weekend=0.3), "subtract_time_of_day"),
        (daily(3), None),
        (daily(14, noise=20.0), None),
        (np.random.default_rng(1).normal(size=14 * PER_DAY), None),
        (np.cumsum(np.random.default_rng(2).normal(size=60 * PER_DAY)), None),
        (np.ones(14 * PER_DAY), None),
    ],
)
def test_a_season_follows_from_the_values(values: np.ndarray, name: str | None) -> None:
    found = season_of([key_sample(values, QUARTER)], 0)
    assert (found and found.name) == name


def test_without_times_or_with_few_events_a_day_nothing_is_told() -> None:
    assert season_of([key_sample(daily(14), None)], 0) is None
    assert season_of([key_sample(daily(56)[::24], 24 * QUARTER)], 0) is None


def test_long_keys_decide_and_each_feature_is_judged_by_itself() -> None:
    columns = np.column_stack([daily(14), np.random.default_rng(3).normal(size=14 * PER_DAY)])
    keys = [key_sample(columns, QUARTER), key_sample(columns[:50], QUARTER, "b")]
    assert [one.transform for one in advise(sample(*keys))] == ["subtract_time_of_day", "none"]


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("realKnownCause/nyc_taxi.csv", "subtract_time_of_week"),
        ("realAWSCloudwatch/ec2_cpu_utilization_24ae8d.csv", None),
        ("realKnownCause/machine_temperature_system_failure.csv", None),
    ],
)
def test_public_series(file: str, name: str | None) -> None:
    found = season_of(nab_sample(file).keys, 0)
    assert (found and found.name) == name


def test_what_is_left_is_what_the_detector_sees() -> None:
    values = daily(8)
    times = START + QUARTER * np.arange(values.size, dtype=np.int64)
    left = without_season(times, values.astype(np.float32), "subtract_time_of_week")
    subject = Detector(transforms={"value": "subtract_time_of_week"}, trees=5, sample_size=32)
    twin = Detector(trees=5, sample_size=32)
    for value, rest, timestamp in zip(values.tolist(), left.tolist(), times.tolist(), strict=True):
        found = subject.process({"value": value}, timestamp)
        assert found["anomaly_score"] == twin.process({"value": rest}, timestamp)["anomaly_score"]
