"""Changing the time decay in flight, and records that are not sampled: who stays in the sample, and who may come in."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from stream_rcf.core.forest import RandomCutForest
from stream_rcf.core.inspect import views
from stream_rcf.core.layout import BASE_SEQUENCE, KEEPS_PRIORITIES
from stream_rcf.core.parameters import ForestParameters
from stream_rcf.errors import UsageError
from tests.oracle.comparison import assert_same_state
from tests.oracle.naive_forest import NaiveForest
from tests.oracle.streams import stream

DECAYS = [0.3, 0.001, 0.0, 0.9, 0.02]  # faster, slower, not at all, at once, and as at first


def pair(shingle_size: int, sample_size: int = 12) -> tuple[NaiveForest, RandomCutForest]:
    """A twin and a real forest that have seen nothing."""
    twin = NaiveForest(4, sample_size, 1, shingle_size, 0.02, seed=3)
    return twin, RandomCutForest(1, shingle_size, 4, sample_size, 0.02, seed=3)


@pytest.mark.parametrize("saved", [False, True])
@pytest.mark.parametrize("shingle_size", [1, 3])
def test_the_forest_equals_its_twin_through_changes_of_decay(shingle_size: int, saved: bool) -> None:
    twin, forest = pair(shingle_size)
    for event, record in enumerate(stream("gaussian", 600, 1)):
        if event % 100 == 1:
            twin.set_time_decay(DECAYS[event // 100 % len(DECAYS)])
            forest.set_time_decay(DECAYS[event // 100 % len(DECAYS)])
            assert forest.time_decay == DECAYS[event // 100 % len(DECAYS)]
        if saved and event % 37 == 0:
            forest = RandomCutForest.from_bytes(forest.to_bytes())
        twin.update(record)
        forest.update(record)
        if event % 10 == 0:
            assert_same_state(twin, forest._block)
    assert twin.evictions > 500


@pytest.mark.parametrize("saved", [False, True])
def test_the_forest_equals_its_twin_through_weights(saved: bool) -> None:
    """Long runs of weight 0 among others: the first ordinary record after one is far younger than the sample."""
    twin, forest = pair(shingle_size=2)
    weights = np.random.default_rng(1).choice([0.0, 0.5, 1.0, 7.0], size=900)
    weights[300:420] = 0.0
    weights[500:600:2] = 0.0
    for event, record in enumerate(stream("gaussian", 900, 1)):
        if saved and event % 37 == 0:
            forest = RandomCutForest.from_bytes(forest.to_bytes())
        twin.update(record, float(weights[event]))
        forest.update(record, float(weights[event]))
        if event % 10 == 0 or event in (420, 421, 422):
            assert_same_state(twin, forest._block)


def test_a_long_pause_makes_the_next_record_certain() -> None:
    """After 200 units of decay nothing in the sample stands against a new record."""
    forest = RandomCutForest(shingle_size=1, trees=50, sample_size=8, time_decay=0.5, seed=1)
    forest.process_many(np.arange(100.0))
    for _ in range(400):
        forest.update([0.0], weight=0.0)
    forest.update([1.0])
    assert all(500 in forest.sample_sequences(tree) for tree in range(50))


def test_a_change_keeps_every_difference_between_priorities() -> None:
    forest = RandomCutForest(shingle_size=1, trees=20, sample_size=32, seed=9)
    forest.process_many(np.arange(777.0))
    before = views(forest._block).priority[:, :32].astype(np.int64)
    forest.set_time_decay(0.2)
    parts = views(forest._block)
    raised = parts.priority[:, :32] - before
    assert raised.min() == raised.max() > 0
    assert (parts.greatest == parts.priority[:, :32].max(axis=1)).all()
    assert int(parts.integers[BASE_SEQUENCE]) == 777
    assert int(parts.integers[KEEPS_PRIORITIES]) == 1


def test_the_same_decay_again_changes_nothing() -> None:
    forest = RandomCutForest(shingle_size=1, trees=3, sample_size=16)
    forest.process_many(np.arange(50.0))
    before = forest.to_bytes()
    forest.set_time_decay(forest.time_decay)
    assert forest.to_bytes() == before
    assert forest.time_decay == ForestParameters(sample_size=16).decay


@pytest.mark.parametrize("value", [-0.1, 1.0, math.inf, math.nan])
def test_a_decay_outside_its_range_is_refused(value: float) -> None:
    forest = RandomCutForest(shingle_size=1, trees=3, sample_size=16)
    before = forest.to_bytes()
    with pytest.raises(UsageError, match="time_decay"):
        forest.set_time_decay(value)
    assert forest.to_bytes() == before


def test_a_changed_decay_survives_a_save() -> None:
    """What had sunk before the change too: the reference loses it (section 3, pitfall 1)."""
    forest = RandomCutForest(shingle_size=2, trees=5, sample_size=16, seed=2)
    x = np.random.default_rng(2).normal(size=900)
    forest.process_many(x[:500])
    forest.set_time_decay(0.3)
    restored = RandomCutForest.from_bytes(forest.to_bytes())
    assert restored.time_decay == 0.3
    assert restored.to_bytes() == forest.to_bytes()
    assert restored.process_many(x[500:]).tobytes() == forest.process_many(x[500:]).tobytes()


def test_before_the_first_record_a_change_is_a_decay_from_the_start() -> None:
    born, changed = (
        RandomCutForest(shingle_size=3, trees=5, sample_size=16, time_decay=decay) for decay in (0.3, 0.01)
    )
    changed.set_time_decay(0.3)
    x = np.random.default_rng(3).normal(size=300)
    assert born.process_many(x).tobytes() == changed.process_many(x).tobytes()


def test_inclusion_follows_both_decays() -> None:
    """Section 3: a record that decayed by A in all is kept with probability 1 - exp(-theta exp(-A)).

    A counts the slow decay up to the change and the fast one since; theta makes the expected sample full.
    """
    trees, size, slow, fast, old, new = 1000, 64, 1 / 640, 1 / 64, 3000, 60
    forest = RandomCutForest(shingle_size=1, trees=trees, sample_size=size, time_decay=slow, seed=12)
    for event in range(old):
        forest.update([float(event)])
    forest.set_time_decay(fast)
    for event in range(new):
        forest.update([float(event)])
    newest = old + new - 1
    decayed = [fast * min(age, new) + slow * max(0, age - new) for age in range(newest + 1)]
    low, high = 0.0, 1e6
    for _ in range(100):
        theta = (low + high) / 2
        full = sum(-math.expm1(-theta * math.exp(-total)) for total in decayed) > size
        low, high = (low, theta) if full else (theta, high)
    ages = [newest - int(number) for tree in range(trees) for number in forest.sample_sequences(tree)]
    assert len(ages) == trees * size
    for first, last in itertools.pairwise([0, 20, 40, 60, 100, 200, 400, 700, 1200, 2000]):
        expected = trees * sum(-math.expm1(-theta * math.exp(-total)) for total in decayed[first:last])
        found = sum(first <= age < last for age in ages)
        assert abs(found - expected) < 5 * math.sqrt(expected), f"ages {first} to {last}"
