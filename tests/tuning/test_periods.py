from __future__ import annotations

import numpy as np
import pytest

from stream_rcf.tuning.periods import dominant_period, find_period, is_independent
from stream_rcf.tuning.words import DAY, HOUR, MINUTE, WEEK
from tests.tuning.support import START, key_sample, nab_sample, sample, wave


@pytest.mark.parametrize("period", [5, 12, 24, 48, 100])
@pytest.mark.parametrize("noise", [0.1, 1.0])
def test_a_known_period_is_found(period: int, noise: float) -> None:
    found = find_period(wave(1500, period, noise, seed=period))
    assert found is not None
    assert found[0] == pytest.approx(period, abs=max(0, round(0.03 * period)))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("memory", [0.0, 0.9, 1.0])
def test_noise_of_any_colour_has_none(memory: float, seed: int) -> None:
    values, level = [], 0.0
    for step in np.random.default_rng(seed).normal(size=3000):
        level = memory * level + step
        values.append(level)
    assert find_period(np.array(values)) is None


def test_trend_outliers_and_level_shifts_do_not_hide_it() -> None:
    values = wave(2000, 24, 0.3) + np.arange(2000) / 300
    values[700:] += 3
    values[::151] += 1000
    found = find_period(values)
    assert found is not None
    assert found[0] == 24


def test_a_day_within_a_week_is_the_period_and_a_week_without_days_too() -> None:
    hours = np.arange(24 * 7 * 10)
    weekend = (hours // 24) % 7 >= 5
    noise = np.random.default_rng(5).normal(size=len(hours))
    daily = (3 + np.sin(2 * np.pi * hours / 24)) * np.where(weekend, 0.6, 1.0) + 0.1 * noise
    found = dominant_period(sample(key_sample(daily)))
    assert (found.events, found.milliseconds) == (24, DAY)
    weekly = np.where(weekend, 1.0, 2.0) + 0.2 * noise
    found = dominant_period(sample(key_sample(weekly)))
    assert (found.events, found.milliseconds) == (168, WEEK)


def test_a_constant_and_a_short_series_have_none() -> None:
    assert dominant_period(sample(key_sample(np.ones(500)))).events is None
    assert dominant_period(sample(key_sample(wave(10, 4)))).events is None
    assert find_period(np.arange(3.0)) is None


def test_irregular_times_are_seen_through() -> None:
    times = START + np.cumsum(np.random.default_rng(6).exponential(30 * MINUTE, 4000)).astype(np.int64)
    values = np.sin(2 * np.pi * times / DAY) + 0.3 * np.random.default_rng(7).normal(size=len(times))
    found = dominant_period(sample(key_sample(values, times=times)))
    assert found.milliseconds == pytest.approx(DAY, rel=0.03)
    assert found.events == pytest.approx(48, abs=3)


def test_times_out_of_order_are_put_in_order() -> None:
    values = wave(1000, 24)
    times = START + HOUR * np.arange(1000)
    order = np.arange(1000).reshape(-1, 2)[:, ::-1].ravel()
    assert dominant_period(sample(key_sample(values[order], times=times[order]))).events == 24


def test_without_times_the_period_is_in_events_alone() -> None:
    found = dominant_period(sample(key_sample(wave(1000, 30), None)))
    assert (found.events, found.milliseconds) == (30, None)


def test_keys_and_features_vote_by_their_events() -> None:
    noise = np.random.default_rng(8).normal(size=400)
    keys = [
        key_sample(wave(2000, 24), key="a"),
        key_sample(wave(2000, 24, seed=1), key="b"),
        key_sample(wave(500, 50), key="c"),
        key_sample(noise, key="d"),
    ]
    found = dominant_period(sample(*keys))
    assert (found.events, found.agreeing, found.voters) == (24, 2, 4)
    assert found.share == pytest.approx(4000 / 4900)
    two = np.column_stack([np.random.default_rng(9).normal(size=2000), wave(2000, 24)])
    assert dominant_period(sample(key_sample(two))).events == 24


def test_too_few_that_have_it_do_not_speak_for_all() -> None:
    noises = [key_sample(np.random.default_rng(n).normal(size=1000), key=f"n{n}") for n in range(9)]
    found = dominant_period(sample(key_sample(wave(1000, 24)), *noises))
    assert found.events is None
    assert found.independent_share == pytest.approx(0.9)


def test_independent_values_are_told_from_those_that_follow_each_other() -> None:
    random = np.random.default_rng(10)
    assert is_independent(random.normal(size=1000))
    assert is_independent(random.pareto(1.0, size=1000))
    assert not is_independent(np.cumsum(random.normal(size=1000)))
    assert not is_independent(np.arange(5.0))


@pytest.mark.parametrize(
    ("name", "events"),
    [
        ("realKnownCause/nyc_taxi.csv", 48),
        ("realTweets/Twitter_volume_AAPL.csv", 288),
        ("realTweets/Twitter_volume_UPS.csv", 288),
        ("realAdExchange/exchange-2_cpc_results.csv", 24),
        ("realKnownCause/ambient_temperature_system_failure.csv", 24),
        ("artificialNoAnomaly/art_daily_small_noise.csv", 288),
    ],
)
def test_a_day_comes_out_of_public_series(name: str, events: int) -> None:
    found = dominant_period(nab_sample(name))
    assert found.events == events
    assert found.milliseconds == pytest.approx(DAY, rel=0.02)


@pytest.mark.parametrize(
    "name",
    [
        "realKnownCause/machine_temperature_system_failure.csv",
        "artificialNoAnomaly/art_noisy.csv",
        "artificialNoAnomaly/art_flatline.csv",
    ],
)
def test_none_comes_out_where_there_is_none(name: str) -> None:
    assert dominant_period(nab_sample(name)).events is None
