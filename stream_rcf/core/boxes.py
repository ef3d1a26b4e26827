"""Bounding boxes of inner nodes: per coordinate the least and the greatest value of all points below."""

from __future__ import annotations

import numpy as np

from stream_rcf.core.kernel import inlined_kernel
from stream_rcf.core.layout import BOX, LEAF_POINT, RANGE_SUM, Block


@inlined_kernel
def sum_sides(block: Block, tree: int, node: int) -> None:
    """Recompute the sum of the box's sides, always in coordinate order, so that equal boxes have equal sums."""
    record = block.node[tree, node]
    d = block.shingle.shape[0]
    total = 0.0
    for i in range(d):
        total += np.float64(record[BOX + d + i]) - np.float64(record[BOX + i])
    block.node_doubles[tree, node, RANGE_SUM] = total


@inlined_kernel
def contains(record: np.ndarray, point: np.ndarray) -> bool:
    """Whether the box of a node's record holds ``point``, borders included."""
    d = point.shape[0]
    for i in range(d):
        if point[i] < record[BOX + i] or point[i] > record[BOX + d + i]:
            return False
    return True


@inlined_kernel
def strictly_contains(record: np.ndarray, point: np.ndarray) -> bool:
    """Whether ``point`` lies inside the box and touches no border."""
    d = point.shape[0]
    for i in range(d):
        if point[i] <= record[BOX + i] or point[i] >= record[BOX + d + i]:
            return False
    return True


@inlined_kernel
def extend(block: Block, tree: int, node: int, point: np.ndarray) -> None:
    """Grow the node's box to hold ``point``."""
    record = block.node[tree, node]
    d = point.shape[0]
    for i in range(d):
        record[BOX + i] = min(record[BOX + i], point[i])
        record[BOX + d + i] = max(record[BOX + d + i], point[i])
    sum_sides(block, tree, node)


@inlined_kernel
def copy_box(block: Block, tree: int, code: int, lower: np.ndarray, upper: np.ndarray) -> None:
    """Write the box of an inner node, or of the leaf ``~code``, to ``lower`` and ``upper``, (d,) float32 each."""
    d = lower.shape[0]
    if code >= 0:
        for i in range(d):
            lower[i] = block.node[tree, code, BOX + i]
            upper[i] = block.node[tree, code, BOX + d + i]
    else:
        point = block.points[block.leaf[tree, ~code, LEAF_POINT]]
        for i in range(d):
            lower[i] = point[i]
            upper[i] = point[i]


@inlined_kernel
def merge_box(block: Block, tree: int, code: int, lower: np.ndarray, upper: np.ndarray) -> None:
    """Grow the box ``lower``, ``upper`` to hold that of ``code``."""
    d = lower.shape[0]
    if code >= 0:
        for i in range(d):
            lower[i] = min(lower[i], block.node[tree, code, BOX + i])
            upper[i] = max(upper[i], block.node[tree, code, BOX + d + i])
    else:
        point = block.points[block.leaf[tree, ~code, LEAF_POINT]]
        for i in range(d):
            lower[i] = min(lower[i], point[i])
            upper[i] = max(upper[i], point[i])


@inlined_kernel
def box_from_children(block: Block, tree: int, node: int, left: int, right: int) -> None:
    """Set the node's box to the union of its children's."""
    d = block.shingle.shape[0]
    record = block.node[tree, node]
    lower = record[BOX : BOX + d]
    upper = record[BOX + d : BOX + 2 * d]
    copy_box(block, tree, left, lower, upper)
    merge_box(block, tree, right, lower, upper)
    sum_sides(block, tree, node)
