"""Attribution worked out by hand; that it sums to the score is a property of every forest."""

from __future__ import annotations

import numpy as np
import pytest

from stream_rcf.core.attribution import relevant_shares
from stream_rcf.core.forest import RandomCutForest
from tests.core.direct_trees import DirectTrees


def two_points(trees: int = 20) -> DirectTrees:
    """Trees of (0, 0) and (1, 1)."""
    direct = DirectTrees(trees, dimensions=2, capacity=8)
    for tree in range(trees):
        direct.insert(tree, (0.0, 0.0))
        direct.insert(tree, (1.0, 1.0))
    return direct


def test_a_stranger_above_one_point_is_above_in_that_coordinate_alone() -> None:
    trees = DirectTrees(1, dimensions=3)
    trees.insert(0, (1.0, 2.0, 3.0))
    assert trees.attribution(0, (1.0, 5.0, 3.0)).tolist() == [[0, 0], [pytest.approx(1.0), 0], [0, 0]]
    assert trees.attribution(0, (-1.0, 2.0, 3.0)).tolist() == [[0, pytest.approx(1.0)], [0, 0], [0, 0]]


def test_gaps_share_the_score_of_a_leaf_by_their_length() -> None:
    trees = DirectTrees(1, dimensions=2)
    trees.insert(0, (0.0, 0.0))
    assert trees.attribution(0, (3.0, -1.0)) == pytest.approx(np.array([[0.75, 0.0], [0.0, 0.25]]))


def test_a_repeated_single_point_has_no_direction() -> None:
    trees = DirectTrees(1, dimensions=2)
    for _ in range(3):
        trees.insert(0, (1.0, 2.0))
    assert trees.attribution(0, (1.0, 2.0)) == pytest.approx(np.full((2, 2), 0.125))


def test_each_level_adds_its_own_gaps() -> None:
    """(2, 0) is 1 above the box in the first coordinate; the leaf it reaches is one of two."""
    trees = two_points()
    factor, separation = np.log2(3), 1 / 3
    for tree in range(20):
        below = [[1.0, 0.0], [0.0, 0.0]]  # the leaf (0, 0): above it by 2
        if trees.structure(tree)[0] == 0:
            below = [[0.5, 0.0], [0.0, 0.5]]  # the leaf (1, 1): above it by 1, below it by 1
        expected = (1 - separation) * np.array(below) / 2
        expected[0, 0] += separation
        assert trees.attribution(tree, (2.0, 0.0)) == pytest.approx(expected * factor)


def test_a_point_equal_to_a_leaf_takes_its_direction_from_the_rest_of_the_tree() -> None:
    """Without the leaf (1, 1) only (0, 0) remains, which the point lies above, as far in each coordinate."""
    trees = two_points()
    score = 0.375 * np.log2(3)
    for tree in range(20):
        shares = trees.attribution(tree, (1.0, 1.0))
        assert shares == pytest.approx(np.array([[score / 2, 0.0], [score / 2, 0.0]]))


def test_relevant_shares_are_those_of_the_heaviest_record() -> None:
    total = np.array([[0.1, 0.0], [0.0, 0.1], [0.3, 0.0], [0.2, 0.1], [0.0, 0.2], [0.1, 0.0]])
    shares = np.empty(2)
    relevant_shares(total, 2, shares)
    assert shares == pytest.approx([0.5, 0.5])  # of the middle record: 0.3 and 0.2 + 0.1


def test_of_equally_heavy_records_the_newest_is_relevant() -> None:
    shares = np.empty(2)
    relevant_shares(np.array([[0.4, 0.0], [0.0, 0.0], [0.1, 0.0], [0.3, 0.0]]), 2, shares)
    assert shares == pytest.approx([0.25, 0.75])


def test_a_spike_is_attributed_to_its_place_in_the_shingle_and_to_its_feature() -> None:
    forest = RandomCutForest(dimensions=2, shingle_size=4, trees=50, sample_size=64, seed=1)
    x = np.random.default_rng(1).normal(size=(300, 2))
    forest.process_many(x)
    shares = forest.attribution([0.0, -20.0])
    assert shares.shape == (8, 2)
    assert shares[7, 1] > 0.7 * shares.sum()  # the newest record's second feature, below
    forest.update([0.0, -20.0])
    later = forest.attribution([0.0, 0.0])
    assert later[5, 1] == later.max()  # one record ago by now
