"""Scores worked out by hand, and scores in expectation."""

from __future__ import annotations

import math

import numpy as np
import pytest

from stream_rcf.core.forest import RandomCutForest
from tests.core.direct_trees import DirectTrees


def trees_of(points: list[tuple[float, ...]], trees: int = 1, capacity: int = 256) -> DirectTrees:
    """Trees that each hold all of `points`."""
    direct = DirectTrees(trees, dimensions=len(points[0]), capacity=capacity)
    for tree in range(trees):
        for point in points:
            direct.insert(tree, point)
    return direct


def test_one_point_seen_again() -> None:
    assert trees_of([(5.0,)]).score(0, (5.0,)) == pytest.approx(0.5)  # (1 - 1/2) / log2(2), times log2(2)


def test_one_point_and_a_stranger() -> None:
    assert trees_of([(5.0,)]).score(0, (6.0,)) == pytest.approx(
        1.0
    )  # cut off at depth 0 for sure: 1 / 1, times log2(2)


@pytest.mark.parametrize("mass", [1, 2, 7, 64, 255, 256])
def test_only_duplicates_score_one_half(mass: int) -> None:
    assert trees_of([(5.0, 1.0)] * mass).score(0, (5.0, 1.0)) == pytest.approx(0.5)


@pytest.mark.parametrize("mass", [1, 2, 7, 64, 255, 256])
def test_a_stranger_to_only_duplicates_scores_the_most_there_is(mass: int) -> None:
    assert trees_of([(5.0, 1.0)] * mass).score(0, (5.0, 2.0)) == pytest.approx(math.log2(mass + 1))


def test_two_points_whatever_the_cut() -> None:
    trees = trees_of([(0.0,), (1.0,)], trees=20, capacity=8)
    for tree in range(20):
        # At depth 1, once: (1 - 1/4) / (1 + log2(2)). Neither box leaves it out.
        assert trees.score(tree, (0.0,)) == pytest.approx(0.375 * math.log2(3))
        # Outside the root's box by 2 of 3: 2/3 of 1/1, and what remains reaches a leaf at depth 1.
        assert trees.score(tree, (3.0,)) == pytest.approx((2 / 3 + 1 / 3 / 2) * math.log2(3))
        assert trees.score(tree, (-2.0,)) == pytest.approx((2 / 3 + 1 / 3 / 2) * math.log2(3))


def test_duplicates_are_damped_by_their_share_of_the_tree() -> None:
    trees = trees_of([(0.0,), (1.0,), (1.0,), (1.0,)])
    # Depth 1, mass 3 of 4: (1 - 3/8) / (1 + log2(4)), times log2(5).
    assert trees.score(0, (1.0,)) == pytest.approx(0.625 / 3 * math.log2(5))


def test_gaps_in_several_coordinates_add_up() -> None:
    trees = trees_of([(0.0, 0.0), (1.0, 1.0)], trees=20, capacity=8)
    for tree in range(20):
        separation = (1.0 + 0.5) / (2.0 + 1.5)  # above by 1 in one coordinate, below by 0.5 in the other
        expected = separation + (1 - separation) / 2
        assert trees.score(tree, (2.0, -0.5)) == pytest.approx(expected * math.log2(3))


def test_the_mean_over_trees_of_three_points_is_the_expected_inverse_depth() -> None:
    trees = trees_of([(0.0,), (1.0,), (10.0,)], trees=1000, capacity=4)
    mean = np.mean([trees.score(tree, (20.0,)) for tree in range(1000)])
    # P at the root is 10/20. If 0 is parted first (1 time in 10) the box (1, 10) is next: 10/19.
    zero_first = 0.5 + 0.5 * (10 / 19 / 2 + 9 / 19 / 3)
    ten_first = 0.5 + 0.5 / 2
    expected = (0.1 * zero_first + 0.9 * ten_first) * 2
    spread = abs(zero_first - ten_first) * 2 * (0.1 * 0.9 / 1000) ** 0.5
    assert abs(mean - expected) < 4 * spread


def test_scores_lie_between_one_half_of_nothing_and_the_logarithm_of_the_sample() -> None:
    forest = RandomCutForest(dimensions=2, shingle_size=2, trees=20, sample_size=32)
    x = np.random.default_rng(4).normal(size=(800, 2))
    x[::97] *= 1e6
    scores = forest.process_many(x)[8:]
    assert scores.min() > 0.0
    assert scores.max() <= math.log2(33)
    assert scores[np.arange(8, 800) % 97 == 0].min() > np.median(scores)
