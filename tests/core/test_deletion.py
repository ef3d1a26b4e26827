"""Deletion: by hand where the result is certain, and in distribution where it is random."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from stream_rcf.core.inspect import sequences_of
from stream_rcf.core.layout import STORED
from tests.core.direct_trees import DirectTrees

TREES = 1000


def test_the_last_point_leaves_an_empty_tree_that_can_be_filled_again() -> None:
    trees = DirectTrees(1, dimensions=1)
    trees.delete(0, trees.insert(0, (1.0,)))
    assert trees.parts.size[0] == 0
    assert trees.structure(0) is None
    trees.insert(0, (2.0,))
    assert trees.structure(0) == ((2.0,), 1)


def test_one_of_two_points_leaves_the_other_at_the_root() -> None:
    trees = DirectTrees(1, dimensions=1)
    leaf = trees.insert(0, (0.0,))
    trees.insert(0, (1.0,))
    trees.delete(0, leaf)
    assert trees.structure(0) == ((1.0,), 1)


@pytest.mark.parametrize("which", [0, 1, 2])
def test_one_of_several_copies_only_lowers_masses(which: int) -> None:
    trees = DirectTrees(1, dimensions=1)
    copies = [trees.insert(0, (1.0,))]
    trees.insert(0, (0.0,))
    copies.append(trees.insert(0, (1.0,)))
    before = trees.structure(0)
    copies.append(trees.insert(0, (1.0,)))
    trees.delete(0, copies.pop(which))
    assert trees.structure(0) == before
    assert sequences_of(trees.block, 0).tolist() == [1, *copies]  # those that stay keep their order


def test_a_border_point_takes_its_border_with_it_all_the_way_up() -> None:
    trees = DirectTrees(1, dimensions=2)
    leaf = trees.insert(0, (100.0, -100.0))
    for i in range(20):
        trees.insert(0, (float(i), float(i * i)))
    assert trees.structure(0)[5] == ((0.0, -100.0), (100.0, 361.0))
    trees.delete(0, leaf)
    assert trees.structure(0)[5] == ((0.0, 0.0), (19.0, 361.0))


def test_a_record_is_dropped_when_the_last_tree_gives_it_up() -> None:
    trees = DirectTrees(2, dimensions=1)
    kept, number = trees.insert(0, (7.0,)), trees.insert(0, (1.0,))
    trees.share(1, number)
    trees.delete(0, number)
    assert trees.needed_records() == 2
    trees.block._make_room(1)
    assert trees.structure(1) == ((1.0,), 1)
    trees.delete(1, number)
    assert trees.needed_records() == 1
    trees.block._make_room(1)
    assert trees.parts.integers[STORED] == 1
    assert trees.record(kept) == 0
    assert trees.structure(0) == ((7.0,), 1)


def test_deletion_reverses_insertion_in_distribution() -> None:
    """Paper, theorem 2: without the deleted point the tree is distributed as if it had never been there."""
    count = 0
    for seed in (1, 2):
        trees = DirectTrees(TREES, dimensions=1, capacity=8, seed=seed)
        for tree in range(TREES):
            leaf = {value: trees.insert(tree, (value,)) for value in (4.0, 0.0, -30.0, 10.0, 1.0)}
            for value in (-30.0, 4.0):
                trees.delete(tree, leaf[value])
        for tree in range(TREES):
            _, _, left, right, mass, box = trees.structure(tree)
            assert (mass, box) == (3, ((0.0,), (10.0,)))
            count += left == ((0.0,), 1)
            assert left == ((0.0,), 1) or right == ((10.0,), 1)
    assert abs(count - 200) < 4 * (2000 * 0.1 * 0.9) ** 0.5


def test_a_full_tree_never_runs_past_its_row() -> None:
    """A tree of fixed size stays within its room, whatever comes and goes, and its neighbours do not notice."""
    trees = DirectTrees(3, dimensions=1, capacity=8)
    numbers = [trees.insert(1, (float(i),)) for i in range(8)]
    for tree, number in itertools.product((0, 2), numbers):
        trees.share(tree, number)
    neighbours = trees.structure(0), trees.structure(2)
    for i in range(8, 500):
        trees.delete(1, numbers.pop((i * 5) % 8))
        numbers.append(trees.insert(1, (float(i),)))
        assert sorted(sequences_of(trees.block, 1).tolist()) == sorted(numbers)
        assert sorted(points(trees.structure(1))) == sorted((float(number),) for number in numbers)
    assert (trees.structure(0), trees.structure(2)) == neighbours


def points(structure: tuple[Any, ...]) -> list[tuple[float, ...]]:
    """All points of a tree."""
    if len(structure) == 2:
        return [structure[0]]
    return points(structure[2]) + points(structure[3])
