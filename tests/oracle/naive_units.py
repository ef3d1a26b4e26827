"""The slow twin of the features' units: forest and baseline of one key, with every feature in a unit of its own.

Written from the docstring of `core/units.py`. Scaling a forest multiplies every number in it.
"""

from __future__ import annotations

import math

from tests.oracle.naive_forest import NaiveForest, rounded
from tests.oracle.naive_likelihood import SCALES, NaiveLikelihood
from tests.oracle.naive_tree import Leaf, Node, Point, measure

LARGEST = 3.4028234663852886e38


class NaiveUnits:
    """A forest that sees each feature in its unit; `process` takes a record as the event had it."""

    def __init__(
        self,
        trees: int,
        sample_size: int,
        dimensions: int,
        shingle_size: int,
        decay: float,
        seed: int,
        weights: tuple[float, ...] = (),
    ) -> None:
        self.forest = NaiveForest(trees, sample_size, dimensions, shingle_size, decay, seed)
        self.baseline = NaiveLikelihood(dimensions, shingle_size, trees, sample_size, decay, seed, "")
        self.weights = weights or (1.0,) * dimensions
        self.units = [1.0] * dimensions
        self.changes = self.refused = 0

    def process(self, record: list[float]) -> float:
        """The forest's score."""
        pairs = zip(rounded(record), self.units, strict=True)
        seen = [min(LARGEST, max(-LARGEST, value / unit)) for value, unit in pairs]
        score = self.forest.process(seen)
        self.baseline.process(record, score)
        events = self.baseline.events
        if events % 256 == 0 or (events >= 8 and math.log2(events).is_integer()):
            for feature in range(len(self.units)):
                self.settle(feature)
        return score

    def spread(self, feature: int) -> float:
        """How far the sample's values reach, the more of them left out the better."""
        values = sorted(values[feature * len(SCALES)] for _, values in self.baseline.sample)
        for percent in (10, 1, 0):
            out = len(values) * percent // 100
            if values[-1 - out] > values[out]:
                return values[-1 - out] - values[out]
        return 0.0

    def settle(self, feature: int) -> None:
        """Bring one unit up to date."""
        spread, unit = self.spread(feature) / self.weights[feature], self.units[feature]
        if spread == 0 or 0.7 <= spread / unit <= 2.8:
            return
        wanted = 2.0 ** min(100, max(-100, math.floor(math.log2(spread))))
        factor = unit / wanted
        sizes = [abs(number) * factor for number in self.numbers(feature)]
        if any(size and not 2.0**-126 <= size <= 2.0**126 for size in sizes):
            self.refused += 1
            return
        self.changes += 1
        self.units[feature] = wanted
        self.scale(feature, factor)

    def numbers(self, feature: int) -> list[float]:
        """All that the forest holds of a feature: records and cuts."""
        count = len(self.units)
        shingle = self.forest.shingle_size
        recent = self.forest.recent[-(shingle - 1) :] if shingle > 1 else []
        found = [record[feature] for record in recent]
        for sampler in self.forest.samplers:
            found += [value for *_, point in sampler.entries for value in point[feature::count]]
        pending = [tree.root for tree in self.forest.trees if tree.root is not None]
        while pending:
            node = pending.pop()
            if not isinstance(node, Leaf):
                found += [node.value] if node.dimension % count == feature else []
                pending += [node.left, node.right]
        return found

    def scale(self, feature: int, factor: float) -> None:
        """Multiply them."""

        def scaled(point: Point) -> Point:
            count = len(self.units)
            return tuple(value * factor if i % count == feature else value for i, value in enumerate(point))

        def scale_node(node: Node) -> None:
            if isinstance(node, Leaf):
                node.point = scaled(node.point)
                return
            if node.dimension % len(self.units) == feature:
                node.value *= factor
            scale_node(node.left)
            scale_node(node.right)

        self.forest.recent = [scaled(record) for record in self.forest.recent]
        for sampler, tree in zip(self.forest.samplers, self.forest.trees, strict=True):
            sampler.entries = [(*entry, scaled(point)) for *entry, point in sampler.entries]
            if tree.root is not None:
                scale_node(tree.root)
                measure(tree.root)
