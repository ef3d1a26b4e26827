from __future__ import annotations

import numpy as np
import pytest

from stream_rcf.tuning.signals import (
    autocorrelation,
    events_within,
    is_regular,
    moving_average,
    on_even_times,
    prominence,
    standardised_ranks,
    without_trend,
)


def test_ranks_do_not_hang_on_how_far_an_outlier_is() -> None:
    near, far = (standardised_ranks(np.array([3.0, 1.0, 2.0, last])) for last in (4.0, 1e30))
    assert np.array_equal(near, far)
    assert near.mean() == pytest.approx(0)
    assert near.std() == pytest.approx(1)
    tied = standardised_ranks(np.array([1.0, 1.0, 5.0, 5.0]))
    assert tied.tolist() == [-1, -1, 1, 1]
    assert standardised_ranks(np.ones(4)).tolist() == [0, 0, 0, 0]


def test_the_average_takes_fewer_values_at_the_ends() -> None:
    assert moving_average(np.array([1.0, 2.0, 3.0, 10.0]), 3).tolist() == [1.5, 2, 5, 6.5]


def test_a_trend_is_taken_away_and_a_wave_stays() -> None:
    place = np.arange(600)
    plain = np.sin(2 * np.pi * place / 20)
    rest = without_trend(plain + 5.0 * place, 200)
    assert np.corrcoef(rest, plain)[0, 1] > 0.95


def test_the_correlation_is_that_of_the_pairs() -> None:
    random = np.random.default_rng(1)
    values = standardised_ranks(random.normal(size=200))
    found = autocorrelation(values, 5)
    assert found[0] == pytest.approx(1)
    assert found[3] == pytest.approx(np.mean(values[3:] * values[:-3]), rel=1e-9)
    assert autocorrelation(np.zeros(10), 2).tolist() == [1, 0, 0]


def test_a_frequency_stands_out_of_a_random_walk_and_the_walk_does_not() -> None:
    walk = np.cumsum(np.random.default_rng(2).normal(size=4096))
    # Seen over 200 walks' frequencies the usual ratio is 1; a sum of such hardly passes 25.
    assert prominence(walk - walk.mean())[8:].max() < 25
    waving = walk + 8 * np.sin(2 * np.pi * np.arange(4096) / 32)
    assert int(np.argmax(prominence(waving - waving.mean())[8:])) + 8 == pytest.approx(4096 / 32, abs=1)


def test_what_counts_as_regular() -> None:
    even = np.arange(0, 100_000, 1000)
    assert is_regular(even)
    assert is_regular(even[:1])
    assert not is_regular(np.delete(even, np.arange(10, 90, 4))), "a fifth is missing"
    assert not is_regular(np.cumsum(np.random.default_rng(3).exponential(1000, 500)).astype(np.int64))
    assert not is_regular(np.zeros(5, np.int64))


def test_irregular_events_become_a_series_of_the_same_period() -> None:
    times = np.cumsum(np.random.default_rng(4).exponential(1000, 5000)).astype(np.int64)
    values = np.sin(2 * np.pi * times / 50_000)
    even, step = on_even_times(times, values)
    assert step == pytest.approx(1000, rel=0.05)
    spectrum = np.abs(np.fft.rfft(even - even.mean()))
    assert len(even) * step / int(np.argmax(spectrum)) == pytest.approx(50_000, rel=0.02)
    assert events_within(times, 50_000) == pytest.approx(50, abs=3)


def test_an_outage_keeps_the_clock_and_a_long_one_is_shortened() -> None:
    times = np.concatenate([np.arange(100), 200 + np.arange(100)]) * 1000
    even, step = on_even_times(times, np.ones(200))
    assert (len(even), step) == (300, 1000)
    long = np.concatenate([np.arange(100), 10**7 + np.arange(100)]) * 1000
    assert len(on_even_times(long, np.ones(200))[0]) < 300
    bursts = np.repeat([0, 10**12], 100)
    assert len(on_even_times(bursts, np.ones(200))[0]) <= 600
