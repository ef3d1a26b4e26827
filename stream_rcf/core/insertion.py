"""Incremental insertion: the tree changes as if the new point had been there when its cuts were drawn.

Paper, algorithm 2; algorithm reference, section 4.4. The cut that separates the point highest in the tree wins; going
upward from the leaf finds it and may stop at the first box that already holds the point, above which no cut separates.
"""

from __future__ import annotations

import numpy as np

from stream_rcf.core.boxes import box_from_children, contains, copy_box, extend
from stream_rcf.core.cuts import cut_extended_box
from stream_rcf.core.kernel import inlined_kernel
from stream_rcf.core.layout import (
    CUT_DIMENSION,
    CUT_VALUE,
    EMPTY_ROOT,
    LEAF_FREE,
    LEAF_FRESH,
    LEAF_MASS,
    LEAF_PARENT,
    LEAF_POINT,
    LEFT,
    MASS,
    NODE_FREE,
    NODE_FRESH,
    NOTHING,
    PARENT,
    RIGHT,
    ROOT,
    Block,
)
from stream_rcf.core.random_stream import next_uniform

CUT_STREAM = 1  # column of the tree's random streams


@inlined_kernel
def find_leaf(block: Block, tree: int, point: np.ndarray) -> int:
    """The leaf that the tree's cuts lead ``point`` to; the tree must not be empty."""
    code = block.tree[tree, ROOT]
    while code >= 0:
        record = block.node_integers[tree, code]
        below = point[record[CUT_DIMENSION]] <= block.node[tree, code, CUT_VALUE]
        code = record[LEFT] if below else record[RIGHT]
    return ~code


@inlined_kernel
def leaf_equals(block: Block, tree: int, leaf: int, point: np.ndarray) -> bool:
    """Whether the leaf's point equals ``point`` in every coordinate."""
    stored = block.points[block.leaf[tree, leaf, LEAF_POINT]]
    for i in range(point.shape[0]):
        if stored[i] != point[i]:
            return False
    return True


@inlined_kernel
def _new_leaf(block: Block, tree: int, slot: int, parent: int) -> int:
    integers = block.tree[tree]
    leaf = integers[LEAF_FREE]
    if leaf == NOTHING:
        leaf = integers[LEAF_FRESH]
        integers[LEAF_FRESH] = leaf + 1
    else:
        integers[LEAF_FREE] = block.leaf[tree, leaf, LEAF_PARENT]
    block.leaf[tree, leaf, LEAF_POINT] = slot
    block.leaf[tree, leaf, LEAF_MASS] = 1
    block.leaf[tree, leaf, LEAF_PARENT] = parent
    return leaf


@inlined_kernel
def _new_node(block: Block, tree: int) -> int:
    integers = block.tree[tree]
    node = integers[NODE_FREE]
    if node == NOTHING:
        node = integers[NODE_FRESH]
        integers[NODE_FRESH] = node + 1
    else:
        integers[NODE_FREE] = block.node_integers[tree, node, PARENT]
    return node


@inlined_kernel
def parent_of(block: Block, tree: int, code: int) -> int:
    """The inner node above ``code``, or NOTHING for the root."""
    if code >= 0:
        return block.node_integers[tree, code, PARENT]
    return block.leaf[tree, ~code, LEAF_PARENT]


@inlined_kernel
def set_parent(block: Block, tree: int, code: int, parent: int) -> None:
    """Hang ``code`` below ``parent`` (the other direction of the link is the caller's)."""
    if code >= 0:
        block.node_integers[tree, code, PARENT] = parent
    else:
        block.leaf[tree, ~code, LEAF_PARENT] = parent


@inlined_kernel
def mass_of(block: Block, tree: int, code: int) -> int:
    """Samples at or below ``code``, duplicates counted."""
    if code >= 0:
        return block.node_integers[tree, code, MASS]
    return block.leaf[tree, ~code, LEAF_MASS]


@inlined_kernel
def replace_child(block: Block, tree: int, parent: int, old: int, new: int) -> None:
    """Put ``new`` where ``old`` hung below ``parent``, or at the root when ``parent`` is NOTHING."""
    if parent == NOTHING:
        block.tree[tree, ROOT] = new
    elif block.node_integers[tree, parent, LEFT] == old:
        block.node_integers[tree, parent, LEFT] = new
    else:
        block.node_integers[tree, parent, RIGHT] = new
    set_parent(block, tree, new, parent)


@inlined_kernel
def _add_mass_above(block: Block, tree: int, parent: int) -> None:
    while parent != NOTHING:
        block.node_integers[tree, parent, MASS] += 1
        parent = block.node_integers[tree, parent, PARENT]


@inlined_kernel
def _highest_separating_cut(
    block: Block, tree: int, leaf: int, point: np.ndarray, lower: np.ndarray, upper: np.ndarray
) -> tuple[int, int, np.float32]:
    """(code, dimension, value): the highest place where a cut drawn now separates ``point`` from what is there."""
    code = ~leaf
    best_code, best_dimension, best_value = code, 0, np.float32(0.0)
    while True:
        if code >= 0 and contains(block.node[tree, code], point):
            break
        copy_box(block, tree, code, lower, upper)
        dimension, value = cut_extended_box(
            lower, upper, point, next_uniform(block.streams, tree, CUT_STREAM)
        )
        x = point[dimension]
        if (x <= value < lower[dimension]) or (x > value >= upper[dimension]):
            best_code, best_dimension, best_value = code, dimension, value
        parent = parent_of(block, tree, code)
        if parent == NOTHING:
            break
        code = parent
    return best_code, best_dimension, best_value


@inlined_kernel
def insert_point(
    block: Block, tree: int, point: np.ndarray, slot: int, lower: np.ndarray, upper: np.ndarray
) -> int:
    """Insert ``point``, stored in ``slot``, and return its leaf.

    That is a new leaf, or the leaf of an equal point, which keeps its own slot. ``lower`` and ``upper`` are scratch,
    (d,) float32 each.
    """
    if block.tree[tree, ROOT] == EMPTY_ROOT:
        leaf = _new_leaf(block, tree, slot, NOTHING)
        block.tree[tree, ROOT] = ~leaf
        return leaf
    leaf = find_leaf(block, tree, point)
    if leaf_equals(block, tree, leaf, point):
        block.leaf[tree, leaf, LEAF_MASS] += 1
        _add_mass_above(block, tree, block.leaf[tree, leaf, LEAF_PARENT])
        return leaf
    sibling, dimension, value = _highest_separating_cut(block, tree, leaf, point, lower, upper)
    node = _new_node(block, tree)
    new_leaf = _new_leaf(block, tree, slot, node)
    replace_child(block, tree, parent_of(block, tree, sibling), sibling, node)
    set_parent(block, tree, sibling, node)
    record = block.node_integers[tree, node]
    record[MASS] = mass_of(block, tree, sibling) + 1
    record[CUT_DIMENSION] = dimension
    block.node[tree, node, CUT_VALUE] = value
    if point[dimension] <= value:
        record[LEFT], record[RIGHT] = ~new_leaf, sibling
    else:
        record[LEFT], record[RIGHT] = sibling, ~new_leaf
    box_from_children(block, tree, node, ~new_leaf, sibling)
    above = record[PARENT]
    _add_mass_above(block, tree, above)
    while above != NOTHING and not contains(block.node[tree, above], point):
        extend(block, tree, above, point)
        above = block.node_integers[tree, above, PARENT]
    return new_leaf
