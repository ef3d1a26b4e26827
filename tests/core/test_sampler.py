"""The time-decayed reservoir: what it draws, and which points it keeps how long."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from stream_rcf.core.forest import RandomCutForest
from stream_rcf.core.inspect import sample, views
from stream_rcf.core.layout import BASE_SEQUENCE, EVENTS_SEEN
from stream_rcf.core.sampler import STEPS
from tests.core.sampler_kernels import draw_priority


@pytest.mark.parametrize("weight", [0.5, 1.0, 3.0])
@pytest.mark.parametrize("uniform", [2.0**-53, 1e-9, 0.3, 0.999, 1.0 - 2.0**-53])
def test_a_draw_is_the_documented_number(uniform: float, weight: float) -> None:
    expected = math.log(-math.log(uniform) / weight)
    assert draw_priority(uniform, weight) / STEPS == pytest.approx(expected, abs=1.0 / STEPS)


def test_the_base_moves_all_priorities_alike() -> None:
    """However often the base moved, what was drawn first still is as far above what was drawn later."""
    forest = RandomCutForest(shingle_size=1, trees=3, sample_size=16, time_decay=0.5, seed=4)
    for event in range(2000):  # the base moves every 32 events
        forest.update([float(event)])
    for tree in range(3):
        entries = sample(forest._block, tree)
        ages = [1999 - entry.sequence for entry in entries]
        assert all(entry.priority + 0.5 * entry.sequence < 5 for entry in entries)
        assert max(ages) < 100
        assert int(views(forest._block).greatest[tree]) == max(views(forest._block).priority[tree, :16])


def test_every_point_is_sampled_until_the_sample_is_full() -> None:
    forest = RandomCutForest(dimensions=1, shingle_size=3, trees=4, sample_size=16)
    for event in range(40):
        forest.update([float(event)])
        assert views(forest._block).size.tolist() == [min(16, max(0, event - 1))] * 4


def test_a_lower_initial_accept_fraction_fills_the_sample_more_slowly() -> None:
    """Section 3: beyond the fraction f of n, a point is taken in with probability 1 - (size/n - f) / (1 - f)."""
    forest = RandomCutForest(shingle_size=1, trees=400, sample_size=64, seed=5, initial_accept_fraction=0.25)
    for event in range(16):
        forest.update([float(event)])
    assert views(forest._block).size.tolist() == [16] * 400
    sizes, expected = [16.0] * 400, 16.0
    for event in range(16, 80):
        expected += float(np.mean([1 - (size / 64 - 0.25) / 0.75 for size in sizes]))
        forest.update([float(event)])
        sizes = views(forest._block).size.tolist()
    assert float(np.mean(sizes)) == pytest.approx(expected, rel=0.02)
    assert max(sizes) <= 64
    assert RandomCutForest.from_bytes(forest.to_bytes()).to_bytes() == forest.to_bytes()


def test_a_weight_of_two_is_sampled_like_two_points_and_zero_never() -> None:
    counts = dict.fromkeys((0.0, 1.0, 2.0), 0)
    forest = RandomCutForest(shingle_size=1, trees=500, sample_size=64, time_decay=0.0, seed=6)
    for event in range(1500):
        forest.update([float(event % 3)], weight=float(event % 3))
    for tree in range(500):
        for sequence in forest.sample_sequences(tree):
            counts[float(sequence % 3)] += 1
    assert counts[0.0] == 0
    assert counts[2.0] / counts[1.0] == pytest.approx(2.0, rel=0.08)
    assert RandomCutForest.from_bytes(forest.to_bytes()).to_bytes() == forest.to_bytes()


def expected_theta(load: float) -> float:
    """The solution of `integral_0^theta (1 - e^-y) / y dy = load` (section 3), by bisection."""

    def integral(theta: float, steps: int = 200) -> float:
        y = [theta * i / steps for i in range(steps + 1)]
        f = [1.0 if v == 0 else -math.expm1(-v) / v for v in y]
        return theta / steps / 3 * (f[0] + f[-1] + 4 * sum(f[1:-1:2]) + 2 * sum(f[2:-1:2]))

    low, high = 0.0, 100.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if integral(middle) < load else (low, middle)
    return low


@pytest.fixture(scope="module")
def settled() -> RandomCutForest:
    """1,000 samples of 64 points that have forgotten their beginning, with n * lambda = 0.1."""
    forest = RandomCutForest(dimensions=1, shingle_size=1, trees=1000, sample_size=64, seed=11)
    for event in range(8000):  # 12.5 times 1 / lambda
        forest.update([float(event)])
    return forest


def test_theta_is_the_reference_documents() -> None:
    assert expected_theta(0.1) == pytest.approx(0.1026, abs=5e-5)
    assert -math.expm1(-expected_theta(0.1)) == pytest.approx(0.0975, abs=5e-5)


def test_inclusion_falls_with_age_at_the_rate_of_the_decay(settled: RandomCutForest) -> None:
    newest, decay = settled.events_seen - 1, settled.parameters.decay
    ages = [newest - int(entry) for tree in range(1000) for entry in settled.sample_sequences(tree)]
    assert len(ages) == 64_000
    theta = expected_theta(64 * decay)
    edges = [0, 50, 100, 200, 400, 640, 1000, 1500, 2200, 3200, 4500]
    for first, last in itertools.pairwise(edges):
        expected = 1000 * sum(-math.expm1(-theta * math.exp(-decay * age)) for age in range(first, last))
        found = sum(first <= age < last for age in ages)
        assert abs(found - expected) < 5 * math.sqrt(expected), f"ages {first} to {last}"


def test_a_tenth_of_new_points_is_accepted_once_the_sample_is_full(settled: RandomCutForest) -> None:
    """Section 3: with n * lambda = 0.1 a tree accepts 0.0975 of the records."""
    accepted = 0
    for event in range(settled.events_seen, settled.events_seen + 500):
        settled.update([float(event)])
        newest = settled.events_seen - 1
        accepted += sum(newest in settled.sample_sequences(tree) for tree in range(0, 1000, 10))
    trials = 500 * 100
    assert abs(accepted / trials - 0.0975) < 0.006


def test_without_decay_the_whole_past_is_sampled_evenly() -> None:
    forest = RandomCutForest(dimensions=1, shingle_size=1, trees=400, sample_size=32, time_decay=0.0, seed=3)
    for event in range(1000):
        forest.update([float(event)])
    points = [entry.point[0] for tree in range(400) for entry in sample(forest._block, tree)]
    counts = np.histogram(points, bins=10, range=(0, 1000))[0]
    assert counts.sum() == 12_800
    assert (abs(counts - 1280) < 5 * math.sqrt(1280)).all()


def test_after_a_hundred_million_events_a_stream_is_sampled_like_a_young_one() -> None:
    """The counter starts high; float32 priorities would have steps of 0.004 there, and of 0.06 soon after."""
    ages = {}
    for start in (0, 100_000_000):
        forest = RandomCutForest(shingle_size=1, trees=1000, sample_size=64, seed=11)
        header = views(forest._block).integers
        header[EVENTS_SEEN] = start
        header[BASE_SEQUENCE] = start // 2  # far behind: it follows in whole spans
        for event in range(3000):
            forest.update([float(event)])
        newest = forest.events_seen - 1
        ages[start] = [newest - int(entry) for tree in range(1000) for entry in forest.sample_sequences(tree)]
    edges = [0, 50, 100, 200, 400, 640, 1000, 1500, 2200, 3000]
    young, old = (np.histogram(ages[start], edges)[0] for start in ages)
    assert young.sum() == old.sum() == 64_000
    assert (abs(young - old) < 5 * np.sqrt(young + old)).all()
