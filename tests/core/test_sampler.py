"""The time-decayed reservoir: its heap, and which points it keeps how long."""

from __future__ import annotations

import itertools
import math
import random

import numpy as np
import pytest

from stream_rcf.core.forest import RandomCutForest
from stream_rcf.core.inspect import sample, views
from stream_rcf.core.layout import SIZE
from stream_rcf.core.sampler import heap_pop, heap_push, priority


def make_heap(weights: list[float]) -> tuple[np.ndarray, np.ndarray]:
    """A heap of these weights, pushed one by one; the leaf of an entry is its place in the list."""
    weight, leaf = np.zeros(len(weights), np.float64), np.zeros(len(weights), np.int32)
    for size, new in enumerate(weights):
        heap_push(weight, leaf, size, new, size)
    return weight, leaf


def test_the_heap_gives_back_the_largest_first() -> None:
    draw = random.Random(5)
    for count in (1, 2, 3, 4, 5, 16, 17, 200):
        weights = [draw.gauss(0, 1) for _ in range(count)]
        weight, leaf = make_heap(weights)
        popped = [int(heap_pop(weight, leaf, size)) for size in range(count, 0, -1)]
        assert [weights[i] for i in popped] == sorted(weights, reverse=True)


def test_the_heap_keeps_its_order_through_replacements() -> None:
    draw = random.Random(6)
    kept = [draw.gauss(0, 1) for _ in range(33)]
    weight, leaf = make_heap(kept)
    for step in range(2000):
        heap_pop(weight, leaf, 33)
        kept.remove(max(kept))
        kept.append(draw.gauss(0, 1) - step / 100)
        heap_push(weight, leaf, 32, kept[-1], step)
        assert weight[0] == max(kept)
        assert all(weight[i] <= weight[(i - 1) // 2] for i in range(1, 33))
    assert sorted(weight.tolist()) == sorted(kept)


def test_equal_priorities_all_stay() -> None:
    weight, leaf = make_heap([1.0] * 9)
    assert sorted(int(heap_pop(weight, leaf, size)) for size in range(9, 0, -1)) == list(range(9))


@pytest.mark.parametrize("uniform", [2.0**-53, 1e-9, 0.3, 0.999, 1.0 - 2.0**-53])
@pytest.mark.parametrize(
    ("sequence", "decay"), [(0, 0.1), (1000, 1 / 2560), (10**10, 1 / 2560), (10**6, 0.0)]
)
def test_a_priority_is_the_documented_number(uniform: float, sequence: int, decay: float) -> None:
    expected = math.log(-math.log(uniform)) - sequence * decay
    assert priority(uniform, sequence, decay) == pytest.approx(expected, rel=1e-15, abs=1e-14)


def test_every_point_is_sampled_until_the_sample_is_full() -> None:
    forest = RandomCutForest(dimensions=1, shingle_size=3, trees=4, sample_size=16)
    for event in range(40):
        forest.update([float(event)])
        sizes = views(forest._block).tree[:, SIZE].tolist()
        assert sizes == [min(16, max(0, event - 1))] * 4


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
    ages = [newest - int(point[0]) for tree in range(1000) for _, point in sample(settled._block, tree)]
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
        parts = views(settled._block)
        slot = np.flatnonzero((parts.points[:, 0] == event) & (parts.references > 0))
        accepted += int(parts.references[slot].sum())
    trials = 500 * 1000
    assert abs(accepted / trials - 0.0975) < 0.0025


def test_without_decay_the_whole_past_is_sampled_evenly() -> None:
    forest = RandomCutForest(dimensions=1, shingle_size=1, trees=400, sample_size=32, time_decay=0.0, seed=3)
    for event in range(1000):
        forest.update([float(event)])
    points = [point[0] for tree in range(400) for _, point in sample(forest._block, tree)]
    counts = np.histogram(points, bins=10, range=(0, 1000))[0]
    assert counts.sum() == 12_800
    assert (abs(counts - 1280) < 5 * math.sqrt(1280)).all()


def test_a_sample_follows_its_stream_after_billions_of_events() -> None:
    """Where float32 weights would have steps of 0.06, young and old points still have their order."""
    weights = [priority((k + 0.5) / 1000, 2_560_000_000, 1 / 2560) for k in range(1000)]
    assert len(set(weights)) == 1000
