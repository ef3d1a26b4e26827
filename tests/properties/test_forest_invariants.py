"""The invariants of the algorithm reference, section 4.8, after every event."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
from hypothesis import given

from stream_rcf.core.forest import RandomCutForest
from stream_rcf.core.inspect import Leaf, Node, sample, tree_structure, views
from stream_rcf.core.layout import (
    EVENTS_SEEN,
    LEAF_FREE,
    LEAF_FRESH,
    LEAF_PARENT,
    LEAF_POINT,
    NODE_FREE,
    NODE_FRESH,
    NOTHING,
    PARENT,
    POINT_FREE,
    POINTS_LIVE,
    SIZE,
    Block,
)
from tests.properties.generated import bounded, forests_and_records


def leaves_of(node: Node | Leaf) -> list[Leaf]:
    """All leaves below a node."""
    return [node] if isinstance(node, Leaf) else leaves_of(node.left) + leaves_of(node.right)


def check_node(node: Node | Leaf) -> None:
    """Masses, boxes and cuts of a node and all below it."""
    if isinstance(node, Leaf):
        assert node.mass >= 1
        return
    left, right = leaves_of(node.left), leaves_of(node.right)
    assert node.mass == sum(leaf.mass for leaf in left + right) == node.left.mass + node.right.mass
    points = np.array([leaf.point for leaf in left + right])
    assert node.lower == tuple(points.min(axis=0).tolist())
    assert node.upper == tuple(points.max(axis=0).tolist())
    assert all(leaf.point[node.dimension] <= node.value for leaf in left)
    assert all(leaf.point[node.dimension] > node.value for leaf in right)
    total = 0.0
    for low, high in zip(node.lower, node.upper, strict=True):
        total += high - low
    assert node.range_sum == total
    check_node(node.left)
    check_node(node.right)


def free_slots(first: int, links: np.ndarray) -> list[int]:
    """The slots of a free list that begins at `first` and goes on through `links`."""
    slots = []
    while first != NOTHING:
        assert first not in slots, "a free list must end"
        slots.append(first)
        first = int(links[first])
    return slots


def check_tree(forest: RandomCutForest, parts: Block, tree: int) -> Counter[int]:
    """One tree against its sample; returns how often it refers to each point slot."""
    structure, entries = tree_structure(forest._block, tree), sample(forest._block, tree)
    size = int(parts.tree[tree, SIZE])
    assert len(entries) == size
    if structure is None:
        assert size == 0
        return Counter()
    leaves = leaves_of(structure)
    check_node(structure)
    assert structure.mass == size
    assert len({leaf.point for leaf in leaves}) == len(leaves)
    assert Counter(point for _, point in entries) == {leaf.point: leaf.mass for leaf in leaves}
    integers = parts.tree[tree].tolist()
    free_nodes = free_slots(integers[NODE_FREE], parts.node_integers[tree, :, PARENT])
    free_leaves = free_slots(integers[LEAF_FREE], parts.leaf[tree, :, LEAF_PARENT])
    assert integers[NODE_FRESH] - len(free_nodes) == len(leaves) - 1
    assert integers[LEAF_FRESH] - len(free_leaves) == len(leaves)
    weights = parts.heap_weight[tree, :size]
    assert all(weights[(i - 1) // 2] >= weights[i] for i in range(1, size))
    return Counter(int(parts.leaf[tree, leaf, LEAF_POINT]) for leaf in parts.heap_leaf[tree, :size])


def check_forest(forest: RandomCutForest) -> None:
    """Every tree, and the point store they share."""
    parts, references = views(forest._block), Counter[int]()
    for tree in range(forest.parameters.trees):
        references += check_tree(forest, parts, tree)
    free = free_slots(int(parts.integers[POINT_FREE]), parts.references)
    assert not set(free) & set(references)
    assert all(parts.references[slot] == count for slot, count in references.items())
    assert parts.integers[POINTS_LIVE] == len(references)
    complete = max(0, int(parts.integers[EVENTS_SEEN]) - forest.parameters.shingle_size + 1)
    assert (parts.tree[:, SIZE] == min(forest.parameters.sample_size, complete)).all()


@bounded(60)
@given(forests_and_records())
def test_the_invariants_hold_after_every_event(drawn: tuple[dict[str, Any], np.ndarray]) -> None:
    arguments, x = drawn
    forest = RandomCutForest(**arguments)
    check_forest(forest)
    for record in x:
        forest.update(record)
        check_forest(forest)


@bounded(30)
@given(forests_and_records())
def test_the_invariants_hold_after_a_restart(drawn: tuple[dict[str, Any], np.ndarray]) -> None:
    arguments, x = drawn
    forest = RandomCutForest(**arguments)
    forest.process_many(x)
    restored = RandomCutForest.from_bytes(forest.to_bytes())
    check_forest(restored)
    restored.process_many(x)
    check_forest(restored)
