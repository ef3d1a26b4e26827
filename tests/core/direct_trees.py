"""Trees of real kernels without a sampler in front: tests insert and delete what they like."""

from __future__ import annotations

from typing import Any

import numpy as np

from stream_rcf.core.block import KeyBlock
from stream_rcf.core.deletion import delete_sample
from stream_rcf.core.insertion import insert_point
from stream_rcf.core.inspect import tree_structure, views
from stream_rcf.core.layout import LEAF_POINT, SIZE, model_of
from stream_rcf.core.parameters import DetectorParameters, ForestParameters
from stream_rcf.core.points import add_point, release_point
from stream_rcf.core.random_stream import key_seed
from stream_rcf.core.scoring import score_trees
from stream_rcf.core.scratch import new_scratch
from tests.oracle.comparison import nested


class DirectTrees:
    """`trees` empty trees with room for `capacity` points each."""

    def __init__(self, trees: int, dimensions: int, capacity: int = 32, seed: int = 0) -> None:
        names = tuple(f"feature_{i}" for i in range(dimensions))
        forest = ForestParameters(trees, capacity, dimensions, shingle_size=1, seed=seed)
        model = model_of(DetectorParameters(names, forest))
        self.block = KeyBlock(model, sample_capacity=capacity, point_capacity=capacity * trees + 1)
        self.block.seed(key_seed(seed, ""))
        self.parts = views(self.block)
        self.scratch = new_scratch(model)

    def insert(self, tree: int, point: Any) -> int:
        """Insert a point and return its leaf, which `delete` takes."""
        array = np.array(point, np.float32)
        slot = add_point(self.parts, array)
        leaf = insert_point(self.parts, tree, array, slot, self.scratch.lower, self.scratch.upper)
        kept = self.parts.leaf[tree, leaf, LEAF_POINT]
        self.parts.references[kept] += 1
        if kept != slot:
            self.parts.references[slot] += 1
            release_point(self.parts, slot)
        self.parts.tree[tree, SIZE] += 1
        return int(leaf)

    def delete(self, tree: int, leaf: int) -> None:
        """Take one copy of the leaf's point out of the tree."""
        release_point(self.parts, delete_sample(self.parts, tree, leaf))
        self.parts.tree[tree, SIZE] -= 1

    def score(self, tree: int, point: Any) -> float:
        """The score of a point in one tree."""
        walk = self.scratch.walk
        score_trees(self.parts, tree, tree + 1, np.array(point, np.float32), self.scratch.log2_table, walk)
        return float(walk.score[tree])

    def structure(self, tree: int) -> Any:
        """The tree as nested tuples, see `tests.oracle.comparison.nested`; None while it is empty."""
        return nested(tree_structure(self.block, tree))
