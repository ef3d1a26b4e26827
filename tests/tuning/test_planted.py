from __future__ import annotations

import numpy as np

from stream_rcf.core.parameters import ForestParameters
from stream_rcf.tuning.planted import Measured, best_of, measure
from tests.tuning.support import key_sample, sample, wave

FOREST = ForestParameters(trees=30, sample_size=128)


def test_a_period_long_shingle_finds_stretches_unlike_the_period() -> None:
    # A wave of many turns: what is wrong about its order no short piece shows.
    place = np.arange(3000) % 24
    shape = np.random.default_rng(3).permutation(24)
    values = shape[place] + 0.3 * np.random.default_rng(4).normal(size=3000)
    found = measure(sample(key_sample(values)), [1, 24], 24, FOREST)
    assert [one.shingle_size for one in found] == [1, 24]
    assert found[1].mean > 0.8 > 0.65 > found[0].mean
    assert best_of(found).shingle_size == 24


def test_of_independent_values_nothing_is_out_of_place() -> None:
    values = np.random.default_rng(5).normal(size=3000)
    assert abs(measure(sample(key_sample(values)), [1, 24], None, FOREST)[0].mean - 0.5) < 0.1


def test_the_same_sample_gives_the_same_measure() -> None:
    keys = [key_sample(wave(900, 12, seed=seed), key=str(seed)) for seed in (1, 2)]
    first, again = (measure(sample(*keys), [1, 12], 12, FOREST) for _ in range(2))
    assert [one.found.tolist() for one in first] == [one.found.tolist() for one in again]


def test_several_features_are_planted_together() -> None:
    columns = np.column_stack([wave(1200, 12), wave(1200, 12, seed=1) ** 2])
    assert measure(sample(key_sample(columns)), [1, 12], 12, FOREST)[1].mean > 0.7


def test_a_short_sample_says_nothing() -> None:
    assert measure(sample(key_sample(wave(300, 12))), [1, 12], 12, FOREST) == []
    assert measure(sample(key_sample(wave(900, 12))), [1, 200], 12, FOREST) == []


def test_a_longer_shingle_must_be_better_by_more_than_chance() -> None:
    random = np.random.default_rng(6)
    short = random.uniform(0.3, 0.9, 100)
    assert best_of([Measured(1, short), Measured(8, short + random.normal(0, 0.3, 100))]).shingle_size == 1
    assert best_of([Measured(1, short), Measured(8, short + 0.01)]).shingle_size == 1, "not worth its cost"
    assert best_of([Measured(1, short), Measured(8, short + 0.05)]).shingle_size == 8
    assert (
        best_of([Measured(1, short), Measured(8, short - 0.2), Measured(24, short + 0.1)]).shingle_size == 24
    )
