"""Incremental deletion: the exact reverse of insertion (paper, algorithm 1; algorithm reference, section 4.5)."""

from __future__ import annotations

from stream_rcf.core.boxes import box_from_children, strictly_contains
from stream_rcf.core.insertion import replace_child
from stream_rcf.core.kernel import inlined_kernel
from stream_rcf.core.layout import (
    EMPTY_ROOT,
    LEAF_FREE,
    LEAF_MASS,
    LEAF_PARENT,
    LEAF_POINT,
    LEFT,
    MASS,
    NODE_FREE,
    NOTHING,
    PARENT,
    RIGHT,
    ROOT,
    Block,
)


@inlined_kernel
def delete_sample(block: Block, tree: int, leaf: int) -> int:
    """Take one sample out of ``leaf``; its last one takes the leaf and its parent out of the tree.

    Returns the slot of the point, whose reference the caller gives back afterwards (it is read here).
    """
    slot = block.leaf[tree, leaf, LEAF_POINT]
    parent = block.leaf[tree, leaf, LEAF_PARENT]
    block.leaf[tree, leaf, LEAF_MASS] -= 1
    if block.leaf[tree, leaf, LEAF_MASS] > 0:
        _subtract_mass(block, tree, parent)
        return slot
    _free_leaf(block, tree, leaf)
    if parent == NOTHING:
        block.tree[tree, ROOT] = EMPTY_ROOT
        return slot
    record = block.node_integers[tree, parent]
    sibling = record[RIGHT] if record[LEFT] == ~leaf else record[LEFT]
    above = record[PARENT]
    replace_child(block, tree, above, parent, sibling)
    _free_node(block, tree, parent)
    _subtract_mass(block, tree, above)
    _shrink_boxes(block, tree, above, slot)
    return slot


@inlined_kernel
def _free_leaf(block: Block, tree: int, leaf: int) -> None:
    block.leaf[tree, leaf, LEAF_PARENT] = block.tree[tree, LEAF_FREE]
    block.tree[tree, LEAF_FREE] = leaf


@inlined_kernel
def _free_node(block: Block, tree: int, node: int) -> None:
    block.node_integers[tree, node, PARENT] = block.tree[tree, NODE_FREE]
    block.tree[tree, NODE_FREE] = node


@inlined_kernel
def _subtract_mass(block: Block, tree: int, node: int) -> None:
    while node != NOTHING:
        block.node_integers[tree, node, MASS] -= 1
        node = block.node_integers[tree, node, PARENT]


@inlined_kernel
def _shrink_boxes(block: Block, tree: int, node: int, slot: int) -> None:
    """Recompute boxes upward until one that the removed point did not touch: it and those above cannot change."""
    point = block.points[slot]
    while node != NOTHING and not strictly_contains(block.node[tree, node], point):
        record = block.node_integers[tree, node]
        box_from_children(block, tree, node, record[LEFT], record[RIGHT])
        node = record[PARENT]
