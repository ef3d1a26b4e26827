"""The exact state of a real forest in the form its slow twin gives it, and their comparison."""

from __future__ import annotations

from stream_rcf.core.block import KeyBlock
from stream_rcf.core.inspect import Leaf, Node, sample, tree_structure
from tests.oracle.naive_forest import NaiveForest, Structure

WEIGHT_TOLERANCE = 2.0**-23  # absolute, two steps: the twin takes the C library's logarithm


def nested(node: Node | Leaf | None) -> Structure | None:
    """A tree as the nested tuples that `NaiveForest.structure` gives."""
    if node is None:
        return None
    if isinstance(node, Leaf):
        return node.point, node.mass
    box = (node.lower, node.upper)
    return node.dimension, node.value, nested(node.left), nested(node.right), node.mass, box


def assert_same_state(twin: NaiveForest, block: KeyBlock) -> None:
    """Fail unless every tree and every sample is equal, all numbers but the sample weights exactly."""
    for tree in range(len(twin.trees)):
        assert nested(tree_structure(block, tree)) == twin.structure(tree), f"tree {tree}"
        slow, fast = twin.sample(tree), sample(block, tree)
        assert [entry.point for entry in fast] == [point for _, point in slow], f"sample of tree {tree}"
        for (expected, _), entry in zip(slow, fast, strict=True):
            assert abs(entry.priority - expected) < WEIGHT_TOLERANCE
