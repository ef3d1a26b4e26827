"""Insertion: by hand where the result is certain, and in distribution where it is random."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from stream_rcf.core.inspect import sequences_of
from tests.core.direct_trees import DirectTrees

TREES = 1000
POINTS = (0.0, 1.0, 10.0)


def test_the_first_point_is_a_leaf() -> None:
    trees = DirectTrees(1, dimensions=2)
    trees.insert(0, (1.0, 2.0))
    assert trees.structure(0) == ((1.0, 2.0), 1)


def test_equal_points_share_a_leaf_whatever_their_number() -> None:
    trees = DirectTrees(1, dimensions=1)
    numbers = [trees.insert(0, (4.0,)) for _ in range(10)]
    assert trees.structure(0) == ((4.0,), 10)
    assert sequences_of(trees.block, 0).tolist() == numbers  # the latest is the leaf's last


def test_a_coordinate_of_the_last_lane_tells_points_apart() -> None:
    """Lanes beyond the last coordinate hold other records, and count for nothing."""
    for dimensions in (1, 7, 8, 9, 16, 17):
        trees = DirectTrees(1, dimensions)
        point = np.arange(dimensions, dtype=np.float64)
        other = point.copy()
        other[-1] += 1.0
        for inserted in (point, other, point, other, other):
            trees.insert(0, inserted)
        cut, _, left, right, mass, _ = trees.structure(0)
        assert (cut, mass) == (dimensions - 1, 5)
        assert (left, right) == ((tuple(point), 2), (tuple(other), 3))


def test_two_points_are_parted_by_a_cut_between_them() -> None:
    trees = DirectTrees(200, dimensions=2)
    for tree in range(200):
        trees.insert(tree, (0.0, 7.0))
        trees.insert(tree, (1.0, 7.0))
        dimension, value, left, right, mass, box = trees.structure(tree)
        assert dimension == 0
        assert 0.0 <= value < 1.0
        assert (left, right, mass) == (((0.0, 7.0), 1), ((1.0, 7.0), 1), 2)
        assert box == ((0.0, 7.0), (1.0, 7.0))


def test_a_duplicate_raises_the_mass_of_all_its_ancestors() -> None:
    trees = DirectTrees(1, dimensions=1)
    for value in (0.0, 1.0, 1.0, 1.0):
        trees.insert(0, (value,))
    _, _, left, right, mass, _ = trees.structure(0)
    assert (left, right, mass) == (((0.0,), 1), ((1.0,), 3), 4)


def root_parts_zero(trees: DirectTrees) -> int:
    """In how many trees the root's cut has 0 alone on its left."""
    return sum(trees.structure(tree)[2] == ((0.0,), 1) for tree in range(TREES))


@pytest.mark.parametrize("order", list(itertools.permutations(POINTS)))
def test_trees_do_not_depend_on_the_order_of_insertion_in_distribution(order: tuple[float, ...]) -> None:
    """Paper, theorem 3: the tree is distributed as if built at once, so 0 is parted first 1 time in 10."""
    count = 0
    for seed in (1, 2):
        trees = DirectTrees(TREES, dimensions=1, capacity=4, seed=seed)
        for tree, value in itertools.product(range(TREES), order):
            trees.insert(tree, (value,))
        count += root_parts_zero(trees)
    assert abs(count - 200) < 4 * (2000 * 0.1 * 0.9) ** 0.5


def test_the_root_is_cut_in_each_dimension_in_proportion_to_its_side() -> None:
    corners = [(0.0, 0.0, 0.0), (1.0, 0.0, 0.0), (0.0, 3.0, 0.0), (1.0, 3.0, 6.0)]
    counts = [0, 0, 0]
    for seed in (1, 2):
        trees = DirectTrees(TREES, dimensions=3, capacity=4, seed=seed)
        for tree, corner in itertools.product(range(TREES), corners):
            trees.insert(tree, corner)
        for tree in range(TREES):
            counts[trees.structure(tree)[0]] += 1
    expected = [2000 * side / 10 for side in (1, 3, 6)]
    chi_squared = sum((found - e) ** 2 / e for found, e in zip(counts, expected, strict=True))
    assert chi_squared < 18.4  # 2 degrees of freedom, one in ten thousand
