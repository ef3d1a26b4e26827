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
from tests.oracle.random_stream import (
    ADMISSION,
    PRIORITY,
    RandomStream,
    cut_stream,
    tree_word,
    uniform_of,
)

# (point, mass), or (dimension, cut value, left, right, mass, (lowest corner, highest corner))
Structure = tuple[Any, ...]
Record = Sequence[float] | np.ndarray


STEPS = 2**24  # of a priority, per unit of the natural logarithm
BASE_SPAN = 16.0  # units of decay after which the base of priorities moves


class NaiveSampler:
    """A time-decayed reservoir: the `capacity` smallest priorities (section 3)."""

    def __init__(self, capacity: int, time_decay: float, initial_accept_fraction: float) -> None:
        self.capacity = capacity
        self.time_decay = time_decay
        self.initial_accept_fraction = initial_accept_fraction
        self.base = 0
        self.entries: list[tuple[int, int, Point]] = []  # (priority, minus sequence, point)

    def move_base(self, sequence: int) -> None:
        """Raise all priorities by what the base moves."""
        if self.time_decay == 0:
            return
        span = max(1, math.floor(BASE_SPAN / self.time_decay))
        while sequence - self.base >= span:
            raised = math.floor(self.time_decay * STEPS * span)
            self.entries = [(bounded(entry[0] + raised), *entry[1:]) for entry in self.entries]
            self.base += span

    def change_decay(self, decay: float, sequence: int) -> None:
        """Let priorities sink by `decay` from point number `sequence` on; what sank before is settled now."""
        self.move_base(sequence)
        raised = math.floor(self.time_decay * STEPS * (sequence - self.base))
        self.entries = [(bounded(entry[0] + raised), *entry[1:]) for entry in self.entries]
        self.base, self.time_decay = sequence, decay

    def offer(
        self, point: Point, sequence: int, priority_draw: float, admission_draw: float, weight: float = 1.0
    ) -> tuple[bool, Point | None]:
        """Offer `point`: whether it was accepted, and the point that had to leave, if one had to."""
        self.move_base(sequence)
        drawn = math.floor(math.log(-math.log(priority_draw) / weight) * STEPS + 0.5)
        priority = bounded(drawn - math.floor(self.time_decay * STEPS * (sequence - self.base)))
        entry = (priority, -sequence, point)
        if len(self.entries) < self.capacity and admission_draw < self.admission():
            self.entries.append(entry)
            return True, None
        heaviest = max(self.entries)
        if not priority < heaviest[0]:
            return False, None
        self.entries.remove(heaviest)
        self.entries.append(entry)
        return True, heaviest[2]

    def admission(self) -> float:
        """How likely a sample that is not full takes a point in without giving one up."""
        filled, fraction = len(self.entries) / self.capacity, self.initial_accept_fraction
        if filled < fraction or not self.entries:
            return 1.0
        return 1.0 - (filled - fraction) / (1.0 - fraction)


def bounded(priority: int) -> int:
    """Within 32 bits."""
    return min(2**31 - 1, max(-(2**31), priority))


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
        initial_accept_fraction: float = 1.0,
    ) -> None:
        decay = 1 / (10 * sample_size) if time_decay is None else time_decay
        self.dimensions = dimensions
        self.shingle_size = shingle_size
        self.output_after = max(1, sample_size // 4)
        self.events_seen = 0
        self.recent: list[Point] = []  # the last records, oldest first, at most shingle_size of them
        self.seed, self.key = seed, key
        self.samplers = [NaiveSampler(sample_size, decay, initial_accept_fraction) for _ in range(trees)]
        self.trees = [NaiveTree(RandomStream(0)) for _ in range(trees)]
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

    def set_time_decay(self, decay: float) -> None:
        """Sample with another decay from the next record on (section 3)."""
        for sampler in self.samplers:
            sampler.change_decay(decay, max(0, self.events_seen - (self.shingle_size - 1)))

    def update(self, record: Record, weight: float = 1.0) -> None:
        """Learn `record`: offer the point it completes to every tree's sampler (1.1), unless its weight is 0 (1.4)."""
        point = self.shingle(record)
        if point is not None and weight > 0:
            sequence = self.events_seen - (self.shingle_size - 1)
            for number, (sampler, tree) in enumerate(zip(self.samplers, self.trees, strict=True)):
                draws = [
                    uniform_of(tree_word(self.seed, self.key, sequence, number, purpose))
                    for purpose in (PRIORITY, ADMISSION)
                ]
                accepted, evicted = sampler.offer(point, sequence, *draws, weight)
                if evicted is not None:
                    tree.delete(evicted)
                    self.evictions += 1
                if accepted:
                    tree.stream = cut_stream(self.seed, self.key, sequence, number)
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
        """The sample of tree number `tree`: (weight, point), smallest weight first; of equal ones the youngest."""
        sampler = self.samplers[tree]
        sunk = sampler.time_decay * sampler.base
        return [(priority / STEPS - sunk, point) for priority, _, point in sorted(sampler.entries)]


def rounded(record: Record) -> Point:
    """The record in float32, with no negative zero (section 2)."""
    return tuple(float(np.float32(value)) + 0.0 for value in record)


def describe(node: Node) -> Structure:
    """A node as nested tuples; boxes and masses from the leaves."""
    if isinstance(node, Leaf):
        return node.point, node.mass
    return node.dimension, node.value, describe(node.left), describe(node.right), node.mass, box_of(node)
