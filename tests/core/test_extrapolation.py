"""Extrapolation: against the slow twin, a period it must continue, and a forest that it must leave alone."""

from __future__ import annotations

import math

import numpy as np
import pytest

from stream_rcf.core.forest import RandomCutForest
from stream_rcf.errors import UsageError
from tests.oracle import naive_imputation
from tests.oracle.naive_forest import NaiveForest
from tests.oracle.streams import STREAMS, stream

HORIZON = 7


@pytest.mark.parametrize("name", list(STREAMS))
@pytest.mark.parametrize(("dimensions", "shingle_size"), [(1, 2), (1, 5), (3, 4)])
def test_the_future_equals_the_twins(name: str, dimensions: int, shingle_size: int) -> None:
    twin = NaiveForest(5, 12, dimensions, shingle_size, 0.05, seed=4)
    forest = RandomCutForest(dimensions, shingle_size, 5, 12, 0.05, seed=4)
    compared = 0
    for event, record in enumerate(stream(name, 60, dimensions)):
        if event % 3 == 0 and twin.ready():
            found = forest.extrapolate(HORIZON)
            expected = naive_imputation.extrapolate(twin, HORIZON)
            assert np.stack((found.lower, found.values, found.upper)).tolist() == expected.tolist()
            compared += 1
        twin.update(record)
        forest.update(record)
    assert compared > 15


def wave(count: int) -> np.ndarray:
    """A period of 24 with a little noise."""
    noise = np.random.default_rng(1).normal(size=count) * 0.02
    return np.asarray(np.sin(np.arange(count) * 2 * np.pi / 24) + noise)


@pytest.fixture
def forest() -> RandomCutForest:
    """Of a shingle long enough to know the phase."""
    forest = RandomCutForest(dimensions=1, shingle_size=12, trees=50, sample_size=256, seed=1)
    forest.process_many(wave(1000))
    return forest


def test_a_period_goes_on(forest: RandomCutForest) -> None:
    found = forest.extrapolate(48)
    truth = np.sin(np.arange(1000, 1048) * 2 * np.pi / 24)
    assert found.values.shape == found.lower.shape == found.upper.shape == (48, 1)
    assert np.abs(found.values[:, 0] - truth).max() < 0.3
    assert (found.lower <= found.values).all()
    assert (found.values <= found.upper).all()


def test_a_shorter_horizon_is_the_beginning_of_a_longer_one(forest: RandomCutForest) -> None:
    long, short = forest.extrapolate(20), forest.extrapolate(6)
    assert long.values[:6].tolist() == short.values.tolist()
    assert long.upper[:6].tolist() == short.upper.tolist()


def test_the_first_step_is_the_imputation_of_the_next_record(forest: RandomCutForest) -> None:
    found, imputed = forest.extrapolate(1), forest.impute([math.nan], [0])
    assert [values.ravel().tolist() for values in found] == [values.tolist() for values in imputed]


def test_the_second_step_takes_the_first_for_known(forest: RandomCutForest) -> None:
    found = forest.extrapolate(2)
    forest.update(found.values[0], weight=0.0)
    assert forest.extrapolate(1).values[0].tolist() == found.values[1].tolist()


def test_looking_ahead_changes_nothing(forest: RandomCutForest) -> None:
    before = forest.to_bytes()
    forest.extrapolate(30)
    assert forest.to_bytes() == before
    copy = RandomCutForest.from_bytes(before)
    x = wave(1200)[1000:]
    forest.extrapolate(3)
    assert copy.process_many(x).tobytes() == forest.process_many(x).tobytes()


def test_before_readiness_the_future_is_nan() -> None:
    for values in RandomCutForest(dimensions=2, shingle_size=3).extrapolate(4):
        assert values.shape == (4, 2)
        assert np.isnan(values).all()


def test_a_single_record_has_no_past_to_go_by() -> None:
    with pytest.raises(UsageError, match="at most half"):
        RandomCutForest(dimensions=3, shingle_size=1).extrapolate(2)


@pytest.mark.parametrize("horizon", [0, -1])
def test_a_horizon_is_at_least_one_record(horizon: int) -> None:
    with pytest.raises(UsageError, match="horizon"):
        RandomCutForest(shingle_size=2).extrapolate(horizon)
