"""Imputation in one naive tree, and its summary over trees: section 8, by plain recursion.

Which random numbers: docs/architecture.md's words with purpose "imputation", one for each leaf, by how many samples
stand left of it.
"""

from __future__ import annotations

import math

import numpy as np

from tests.oracle.naive_forest import NaiveForest
from tests.oracle.naive_score import separation, unseen
from tests.oracle.naive_tree import Inner, Leaf, NaiveTree, Node, Point, box_of, leaves
from tests.oracle.random_stream import GOLDEN_STEP, MASK, PRIORITY, mix, tree_word, uniform_of

IMPUTATION = 1000  # stands where a tree's number does; there are never so many trees
Candidate = tuple[float, Leaf]  # rank, the leaf that lends its values


def nth(word: int, number: int) -> int:
    """Output number `number`, from 0, of the stream that `word` seeds."""
    return mix((word + (number + 1) * GOLDEN_STEP) & MASK)


def impute_in(tree: NaiveTree, point: Point, missing: list[int], centrality: float, word: int) -> Leaf:
    """The leaf of one tree that completes `point` best."""
    assert tree.root is not None
    before: dict[Leaf, int] = {}
    for leaf in leaves(tree.root):
        before[leaf] = sum(other.mass for other in before)

    def completed(leaf: Leaf) -> Point:
        return tuple(leaf.point[i] if i in missing else value for i, value in enumerate(point))

    def adjusted(candidate: Candidate) -> float:
        uniform = uniform_of(nth(word, before[candidate[1]]))
        return centrality * candidate[0] + (1 - centrality) * uniform

    def best(node: Node, depth: int) -> Candidate:
        if isinstance(node, Leaf):
            if completed(node) != node.point:
                return unseen(depth), node
            return (0.0 if depth == 0 else 1 / (depth + math.log2(node.mass + 1))), node
        rank, leaf = chosen(node, depth)
        cut = separation(*box_of(node), completed(leaf))
        return cut * unseen(depth) + (1 - cut) * rank, leaf

    def chosen(node: Inner, depth: int) -> Candidate:
        if node.dimension in missing:
            return min(best(node.left, depth + 1), best(node.right, depth + 1), key=adjusted)
        return best(node.left if point[node.dimension] <= node.value else node.right, depth + 1)

    return best(tree.root, 0)[1]


def impute(
    forest: NaiveForest, point: Point, missing: list[int], centrality: float = 1.0, ahead: int = 0
) -> np.ndarray:
    """Lower percentile, median and upper percentile of the missing coordinates of `point`: (3, missing).

    `ahead`: how many records the point lies beyond the next one.
    """
    sequence = forest.events_seen - (forest.shingle_size - 1) + ahead
    purpose = tree_word(forest.seed, forest.key, sequence, IMPUTATION, PRIORITY)
    weights: dict[Point, int] = {}
    for number, tree in enumerate(forest.trees):
        leaf = impute_in(tree, point, missing, centrality, nth(purpose, number))
        weights[leaf.point] = weights.get(leaf.point, 0) + 1
    return np.array([[weighted(weights, i, percent) for i in missing] for percent in (10, 50, 90)])


def weighted(weights: dict[Point, int], coordinate: int, percent: int) -> float:
    """The least value of a coordinate that `percent` of all weight does not exceed."""
    reached = 0
    for point in sorted(weights, key=lambda point: point[coordinate]):
        reached += weights[point]
        if reached * 100 >= percent * sum(weights.values()):
            break
    return point[coordinate]


def extrapolate(forest: NaiveForest, horizon: int) -> np.ndarray:
    """Lower percentile, median and upper percentile of the next records: (3, horizon, dimensions)."""
    b, steps = forest.dimensions, []
    known = [value for record in forest.recent[1:] for value in record]
    for ahead in range(horizon):
        missing = list(range(len(known), len(known) + b))
        steps.append(impute(forest, (*known, *[0.0] * b), missing, ahead=ahead))
        known = [*known, *steps[-1][1]][b:]
    return np.array(steps).swapaxes(0, 1)
