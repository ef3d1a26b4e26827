"""The slow twin's answers to questions about the next record: means over its trees."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable

from tests.oracle.naive_displacement import tree_codisp, tree_displacement
from tests.oracle.naive_forest import NaiveForest, Record
from tests.oracle.naive_tree import Leaf, NaiveTree, Point


def displacement(forest: NaiveForest, record: Record) -> float:
    """Expected displacement of `record`, in points; 0 while not ready."""
    return mean(forest, record, tree_displacement)


def codisp(forest: NaiveForest, record: Record) -> float:
    """Expected CoDisp of `record`; 0 while not ready."""
    return mean(forest, record, tree_codisp)


def mean(forest: NaiveForest, record: Record, value: Callable[[NaiveTree, Point], float]) -> float:
    """The mean over trees of what `value` says of the point that `record` completes; 0 while not ready."""
    point = forest.shingle(record)
    if point is None or not forest.ready():
        return 0.0
    return sum(value(tree, point) for tree in forest.trees) / len(forest.trees)


def near_neighbors(forest: NaiveForest, record: Record) -> list[tuple[float, Point, int]]:
    """(distance, point, trees) of every leaf that the trees lead to, equal ones once, nearest first."""
    point = forest.shingle(record)
    if point is None or not forest.ready():
        return []
    reached: Counter[Point] = Counter()
    for tree in forest.trees:
        leaf = tree.path(point)[-1]
        assert isinstance(leaf, Leaf)
        reached[leaf.point] += 1
    return sorted((math.dist(point, other), other, count) for other, count in reached.items())
