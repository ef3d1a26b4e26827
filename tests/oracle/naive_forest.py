"""The slow twin of the forest: Guha et al. (ICML 2016) in lists and node objects.

Written from the paper, the algorithm reference (sections 1 to 6) and docs/architecture.md, "The forest,
exactly", with the random numbers documented there; never from the kernels, which it judges.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from tests.oracle.naive_score import tree_attribution, tree_score
from tests.oracle.naive_tree import Leaf, NaiveTree, Node, Point, box_of
from tests.oracle.random_stream import RandomStream, cut_stream, sampler_stream

INITIAL_ACCEPT_FRACTION = 1.0  # while the sample fills, every point is accepted

# (point, mass), or (dimension, cut value, left, right, mass, (lowest corner, highest corner))
Structure = tuple[Any, ...]
Record = Sequence[float] | np.ndarray


class NaiveSampler:
    """A time-decayed reservoir: the `capacity` smallest weights (section 3)."""

    def __init__(self, capacity: int, time_decay: float, stream: RandomStream) -> None:
        self.capacity = capacity
        self.time_decay = time_decay
        self.stream = stream
        self.entries: list[tuple[float, Point]] = []

    def offer(self, point: Point, sequence: int) -> tuple[bool, Point | None]:
        """Offer `point`: whether it was accepted, and the point that had to leave, if one had to."""
        weight = math.log(-math.log(self.stream.uniform())) - sequence * self.time_decay
        if len(self.entries) < self.capacity:
            accepted = self.stream.uniform() < INITIAL_ACCEPT_FRACTION
            assert accepted
            self.entries.append((weight, point))
            return True, None
        heaviest = max(self.entries)
        if not weight < heaviest[0]:
            return False, None
        self.entries.remove(heaviest)
        self.entries.append((weight, point))
        return True, heaviest[1]


class NaiveForest:
    """A random cut forest over one stream of records; the same methods as the real one."""

    def __init__(
        self,
        trees: int,
        sample_size: int,
        dimensions: int,
        shingle_size: int,
        time_decay: float | None,
        seed: int,
        key: str = "",
    ) -> None:
        decay = 1 / (10 * sample_size) if time_decay is None else time_decay
        self.dimensions = dimensions
        self.shingle_size = shingle_size
        self.output_after = max(1, sample_size // 4)
        self.events_seen = 0
        self.recent: list[Point] = []  # the last records, oldest first, at most shingle_size of them
        self.samplers = [NaiveSampler(sample_size, decay, sampler_stream(seed, key, i)) for i in range(trees)]
        self.trees = [NaiveTree(cut_stream(seed, key, i)) for i in range(trees)]
        self.evictions = 0

    def process(self, record: Record) -> float:
        """Score `record` against the past, then learn it (1.3)."""
        score = self.score(record)
        self.update(record)
        return score

    def score(self, record: Record) -> float:
        """The score of `record` if it came next; 0 while not ready (1.2). Changes nothing."""
        point = self.shingle(record)
        if point is None or not self.ready():
            return 0.0
        return sum(tree_score(tree, point) for tree in self.trees) / len(self.trees)

    def attribution(self, record: Record) -> np.ndarray:
        """The score of `record` by coordinate (rows) and direction (columns: above, below)."""
        point = self.shingle(record)
        if point is None or not self.ready():
            return np.zeros((self.shingle_size * self.dimensions, 2))
        return np.asarray(np.mean([tree_attribution(tree, point) for tree in self.trees], axis=0))

    def update(self, record: Record) -> None:
        """Learn `record`: offer the point it completes to every tree's sampler (1.1)."""
        point = self.shingle(record)
        if point is not None:
            sequence = self.events_seen - (self.shingle_size - 1)
            for sampler, tree in zip(self.samplers, self.trees, strict=True):
                accepted, evicted = sampler.offer(point, sequence)
                if evicted is not None:
                    tree.delete(evicted)
                    self.evictions += 1
                if accepted:
                    tree.insert(point)
        self.recent = [*self.recent, rounded(record)][-self.shingle_size :]
        self.events_seen += 1

    def ready(self) -> bool:
        """Whether enough has been seen for a score to mean something (1.2)."""
        return self.events_seen >= self.output_after and all(tree.mass > 0 for tree in self.trees)

    def shingle(self, record: Record) -> Point | None:
        """The point that `record` completes, oldest first; None while the shingle fills (section 2)."""
        assert len(record) == self.dimensions
        records = [*self.recent, rounded(record)][-self.shingle_size :]
        if len(records) < self.shingle_size:
            return None
        return tuple(value for one in records for value in one)

    def structure(self, tree: int) -> Structure | None:
        """Tree number `tree` as nested tuples; None while it is empty."""
        root = self.trees[tree].root
        return None if root is None else describe(root)

    def sample(self, tree: int) -> list[tuple[float, Point]]:
        """The sample of tree number `tree`: (weight, point), smallest weight first."""
        return sorted(self.samplers[tree].entries)


def rounded(record: Record) -> Point:
    """The record in float32, with no negative zero (section 2)."""
    return tuple(float(np.float32(value)) + 0.0 for value in record)


def describe(node: Node) -> Structure:
    """A node as nested tuples; boxes and masses from the leaves."""
    if isinstance(node, Leaf):
        return node.point, node.mass
    return node.dimension, node.value, describe(node.left), describe(node.right), node.mass, box_of(node)
