"""Displacement and CoDisp: against the slow twin, against rrcf's rule, and against insertion itself."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from stream_rcf.core.forest import RandomCutForest
from stream_rcf.core.inspect import Leaf, Node, tree_structure
from tests.core.direct_trees import DirectTrees
from tests.oracle import naive_queries
from tests.oracle.naive_forest import NaiveForest
from tests.oracle.streams import STREAMS, stream

TOLERANCE = 1e-9  # relative


@pytest.mark.parametrize("name", list(STREAMS))
@pytest.mark.parametrize(("dimensions", "shingle_size", "sample_size"), [(1, 1, 16), (1, 4, 12), (3, 2, 8)])
def test_both_equal_the_twins(name: str, dimensions: int, shingle_size: int, sample_size: int) -> None:
    twin = NaiveForest(2, sample_size, dimensions, shingle_size, 0.05, seed=4)
    forest = RandomCutForest(dimensions, shingle_size, 2, sample_size, 0.05, seed=4)
    strangers = np.random.default_rng(3).normal(size=(90, dimensions))
    for record, stranger in zip(stream(name, 90, dimensions), strangers, strict=True):
        for query in (record, stranger):
            expected = naive_queries.displacement(twin, query)
            assert forest.displacement(query) == pytest.approx(expected, rel=TOLERANCE, abs=0.0)
            expected = naive_queries.codisp(twin, query)
            assert forest.codisp(query) == pytest.approx(expected, rel=TOLERANCE, abs=0.0)
        twin.update(record)
        forest.update(record)


def test_before_readiness_both_are_zero() -> None:
    forest = RandomCutForest(dimensions=2, shingle_size=3)
    assert forest.displacement([1.0, 2.0]) == forest.codisp([1.0, 2.0]) == 0.0


def test_a_constant_stream_displaces_nobody_but_itself() -> None:
    forest = RandomCutForest(shingle_size=1, trees=10, sample_size=32)
    forest.process_many(np.full(100, 7.0))
    assert forest.displacement([7.0]) == 1.0
    assert forest.codisp([7.0]) == 0.0
    assert forest.displacement([8.0]) == forest.codisp([8.0]) == 32.0


def test_a_far_point_displaces_nearly_the_whole_sample() -> None:
    forest = RandomCutForest(dimensions=2, shingle_size=1, trees=30, sample_size=64, seed=1)
    x = np.random.default_rng(1).normal(size=(500, 2))
    forest.process_many(x)
    usual = [forest.displacement(record) for record in x[-50:]]
    assert max(usual) < 64
    assert min(usual) >= 1
    assert forest.displacement([1e4, 0.0]) == pytest.approx(64, rel=0.01)
    assert forest.codisp([1e4, 0.0]) == pytest.approx(64, rel=0.01)
    assert forest.codisp([1e4, 0.0]) > 5 * max(forest.codisp(record) for record in x[-50:])


def test_an_outlier_is_not_masked_by_its_like() -> None:
    """The paper's reason for CoDisp: beside one point of its kind, displacement sees almost nothing."""
    forest = RandomCutForest(dimensions=1, shingle_size=1, trees=60, sample_size=64, time_decay=0.0, seed=2)
    x = np.random.default_rng(2).normal(size=(64, 1))
    x[40] = 1000.0
    forest.process_many(x)
    assert forest.displacement([1000.5]) < 3
    assert forest.codisp([1000.5]) == pytest.approx(63 / 2, rel=0.05)


def rrcf_codisp(node: Node | Leaf, point: tuple[float, ...]) -> float:
    """The rule of `rrcf`: the greatest ratio of sibling mass to subtree mass on the way from the point's leaf up."""
    greatest = 0.0
    while isinstance(node, Node):
        left = point[node.dimension] <= node.value
        below, beside = (node.left, node.right) if left else (node.right, node.left)
        greatest = max(greatest, beside.mass / below.mass)
        node = below
    assert node.point == point
    return greatest


@pytest.mark.parametrize("kind", ["gaussian", "tied"])
def test_codisp_is_the_mean_over_real_insertions(kind: str) -> None:
    """Insert the point into one tree many times, with other cuts each time, and measure there as `rrcf` does."""
    trees = DirectTrees(4, dimensions=2, capacity=32, seed=5)
    for record in stream(kind, 20, 2):
        for tree in range(4):
            trees.insert(tree, record)
    for query in ([2.5, -0.5], [1.0, 2.0]):
        measured, displaced = [], []
        for _ in range(1500):
            before: Any = tree_structure(trees.block, 0)
            number = trees.insert(0, query)
            after: Any = tree_structure(trees.block, 0)
            measured.append(rrcf_codisp(after, tuple(query)))
            displaced.append(displaced_by(before, after, tuple(query)))
            trees.delete(0, number)
            trees.draws += 1
        expected = trees.expected(0, query)
        for found, value in zip((displaced, measured), expected, strict=True):
            error = np.std(found) / np.sqrt(len(found))
            assert abs(np.mean(found) - value) <= 4 * error + 1e-9


def displaced_by(before: Node | Leaf, after: Node | Leaf, point: tuple[float, ...]) -> float:
    """The mass of the point's sibling once it is in; 1 where it joined a leaf."""
    mass = before.mass
    while isinstance(after, Node):
        left = point[after.dimension] <= after.value
        after, mass = (after.left, after.right.mass) if left else (after.right, after.left.mass)
    return float(mass) if after.mass == 1 else 1.0
