from __future__ import annotations

import numpy as np
import pytest

from stream_rcf.tuning.transforms import (
    Advice,
    advise,
    advise_feature,
    is_counter,
    is_heavy_tailed,
    transformed,
)
from tests.tuning.support import key_sample, nab_sample, sample, wave

RANDOM = np.random.default_rng(1)


@pytest.mark.parametrize(
    ("values", "transform"),
    [
        (RANDOM.lognormal(0, 1, 2000), "log"),
        (RANDOM.exponential(1, 2000), "log"),
        (1 + RANDOM.pareto(1.5, 2000), "log"),
        (np.where(RANDOM.random(2000) < 0.9, 0, RANDOM.geometric(0.05, 2000)), "log"),
        (RANDOM.normal(20, 3, 2000), "none"),
        (RANDOM.poisson(5, 2000), "none"),
        (RANDOM.uniform(0, 100, 2000), "none"),
        (RANDOM.standard_cauchy(2000), "none"),
        (np.where(np.arange(2000) % 24 < 8, 20, 80) + RANDOM.normal(size=2000), "none"),
        (np.where(np.arange(2000) % 24 < 6, 80, 20) + RANDOM.normal(size=2000), "none"),
        (np.cumsum(RANDOM.poisson(3, 2000)), "difference"),
        (np.cumsum(RANDOM.poisson(3, 2000)) % 4000, "difference"),
        (np.repeat([1.0, 2.0, 3.0], 100), "none"),
        (wave(500, 24), "none"),
        (np.ones(500), "none"),
    ],
)
def test_a_transform_follows_from_the_values(values: np.ndarray, transform: str) -> None:
    assert advise_feature("x", [values.astype(np.float64)]).transform == transform


def test_keys_with_many_events_decide_and_short_ones_do_not() -> None:
    heavy, even = RANDOM.lognormal(0, 1, 1000), RANDOM.normal(size=300)
    assert advise_feature("x", [heavy, even]).transform == "log"
    assert advise_feature("x", [even, heavy[:200]]).transform == "none"
    assert not is_counter([np.arange(20.0)])


def test_each_feature_is_judged_by_itself() -> None:
    columns = np.column_stack([RANDOM.lognormal(0, 1, 500), RANDOM.normal(size=500)])
    assert [one.transform for one in advise(sample(key_sample(columns)))] == ["log", "none"]


def test_public_series() -> None:
    assert is_heavy_tailed(nab_sample("realTweets/Twitter_volume_AAPL.csv").keys[0].values[:, 0])
    assert not is_heavy_tailed(nab_sample("realKnownCause/nyc_taxi.csv").keys[0].values[:, 0])


def test_a_sample_is_judged_as_the_detector_would_see_it() -> None:
    columns = np.array([[1.0, 5.0, 7.0], [-3.0, 8.0, 7.0], [0.0, 2.0, 7.0]])
    before = sample(key_sample(columns))
    after = transformed(before, [Advice("f0", "log", ""), Advice("f1", "difference", "")])
    assert np.allclose(
        after.keys[0].values, [[np.log(2), 0.0, 7.0], [-np.log(4), 3.0, 7.0], [0.0, -6.0, 7.0]]
    )
    assert np.array_equal(before.keys[0].values, columns), "the sample itself is left alone"
