"""The twin itself, against what can be worked out by hand: a judge must be right on its own."""

from __future__ import annotations

import math

import pytest

from tests.oracle.naive_deviation import NaiveDeviation
from tests.oracle.naive_forest import NaiveForest
from tests.oracle.naive_score import tree_attribution, tree_score
from tests.oracle.naive_threshold import NaiveThreshold
from tests.oracle.naive_tree import Inner, NaiveTree
from tests.oracle.random_stream import RandomStream


def tree_of(*points: tuple[float, ...]) -> NaiveTree:
    """A tree of these points."""
    tree = NaiveTree(RandomStream(1))
    for point in points:
        tree.insert(point)
    return tree


def test_scores_of_the_smallest_trees() -> None:
    assert tree_score(tree_of((5.0,)), (5.0,)) == pytest.approx(0.5)
    assert tree_score(tree_of((5.0,)), (6.0,)) == pytest.approx(1.0)
    assert tree_score(tree_of((0.0,), (1.0,)), (3.0,)) == pytest.approx(5 / 6 * math.log2(3))
    assert tree_score(tree_of((0.0,), (1.0,), (1.0,), (1.0,)), (1.0,)) == pytest.approx(
        0.625 / 3 * math.log2(5)
    )


def test_attribution_of_the_smallest_trees() -> None:
    assert tree_attribution(tree_of((0.0, 0.0)), (3.0, -1.0)) == [[0.75, 0.0], [0.0, 0.25]]
    half = pytest.approx(0.375 * math.log2(3) / 2)
    assert tree_attribution(tree_of((0.0, 0.0), (1.0, 1.0)), (1.0, 1.0)) == [[half, 0.0], [half, 0.0]]


def test_a_deleted_point_is_forgotten() -> None:
    tree = tree_of((0.0,), (1.0,), (50.0,))
    tree.delete((50.0,))
    assert isinstance(tree.root, Inner)
    assert (tree.root.mass, tree.root.low, tree.root.high) == (2, (0.0,), (1.0,))
    tree.delete((0.0,))
    tree.delete((1.0,))
    assert tree.root is None


def test_a_tree_does_not_depend_on_the_order_of_insertion_in_distribution() -> None:
    """Paper, theorem 3: of 0, 1 and 10 the root parts 0 from the others one time in ten."""
    count = 0
    for seed in range(2000):
        tree = NaiveTree(RandomStream(seed * 12345))
        for point in ((10.0,), (0.0,), (1.0,)):
            tree.insert(point)
        assert isinstance(tree.root, Inner)
        count += tree.root.value < 1.0
    assert abs(count - 200) < 4 * (2000 * 0.1 * 0.9) ** 0.5


def test_deviation_is_the_recursion_of_section_nine() -> None:
    deviation, weight, total, squares = NaiveDeviation(0.1), 0.0, 0.0, 0.0
    for value in (1.0, 4.0, -2.0, 0.5):
        deviation.update(value)
        weight, total, squares = 0.9 * weight + 1, 0.9 * total + value, 0.9 * squares + value**2
        assert deviation.mean() == pytest.approx(total / weight)
        assert deviation.deviation() == pytest.approx(
            math.sqrt(squares / weight - (total / weight) ** 2), abs=1e-8
        )


def test_a_threshold_settles_above_its_scores_and_a_leap_is_graded() -> None:
    threshold = NaiveThreshold(time_decay=0.01, shingle_size=8)
    for event in range(300):
        assert threshold.process(1.0 + 0.1 * math.sin(event)).grade == 0.0
    assert 1.1 < threshold.threshold() < 1.5
    assert threshold.process(5.0).grade == 1.0


def test_the_forest_waits_for_its_shingle_and_its_sample() -> None:
    forest = NaiveForest(2, 8, 1, 4, None, 0)
    scores = [forest.process([float(i)]) for i in range(8)]
    assert [score > 0 for score in scores] == [False] * 4 + [True] * 4
