"""Directional attribution: which coordinate made the score, by lying above or below what was seen.

Algorithm reference, section 6. Non-negative shares, (d, 2): column 0 above, column 1 below; they sum to the score.
"""

from __future__ import annotations

import numpy as np

from stream_rcf.core.boxes import copy_box, merge_box
from stream_rcf.core.insertion import find_leaf, leaf_equals, parent_of
from stream_rcf.core.kernel import kernel
from stream_rcf.core.layout import (
    LEAF_MASS,
    LEAF_POINT,
    LEFT,
    NOTHING,
    RIGHT,
    ROOT,
    SIZE,
    Block,
)
from stream_rcf.core.scoring import seen_score

ABOVE, BELOW = 0, 1


@kernel
def _gaps(lower: np.ndarray, upper: np.ndarray, point: np.ndarray) -> tuple[float, float]:
    """(distance outside the box, sum of its sides)."""
    distance = 0.0
    sides = 0.0
    for i in range(point.shape[0]):
        distance += max(0.0, np.float64(point[i]) - np.float64(upper[i]))
        distance += max(0.0, np.float64(lower[i]) - np.float64(point[i]))
        sides += np.float64(upper[i]) - np.float64(lower[i])
    return distance, sides


@kernel
def _blend(
    shares: np.ndarray,
    lower: np.ndarray,
    upper: np.ndarray,
    point: np.ndarray,
    kept: float,
    share_of_gap: float,
) -> None:
    """Keep ``kept`` of the shares so far and add each coordinate's gap times ``share_of_gap``."""
    for i in range(point.shape[0]):
        above = max(0.0, np.float64(point[i]) - np.float64(upper[i]))
        below = max(0.0, np.float64(lower[i]) - np.float64(point[i]))
        shares[i, ABOVE] = shares[i, ABOVE] * kept + above * share_of_gap
        shares[i, BELOW] = shares[i, BELOW] * kept + below * share_of_gap


@kernel
def attribute_tree(
    block: Block,
    tree: int,
    point: np.ndarray,
    log2_table: np.ndarray,
    shares: np.ndarray,
    lower: np.ndarray,
    upper: np.ndarray,
) -> None:
    """Set ``shares`` (d, 2) for one tree; ``lower`` and ``upper`` are scratch, (d,) float32 each.

    From the leaf upward. Where the point equals its leaf no box leaves it out, so the direction is taken from shadow
    boxes, those that the path's siblings alone would make, and scaled back to the score.
    """
    d = point.shape[0]
    tree_mass = block.tree[tree, SIZE]
    leaf = find_leaf(block, tree, point)
    code = ~leaf
    depth = _depth_of(block, tree, code)
    duplicate = leaf_equals(block, tree, leaf, point)
    score = 0.0
    shares[:, :] = 0.0
    if duplicate:
        score = seen_score(depth, block.leaf[tree, leaf, LEAF_MASS], tree_mass, log2_table)
        shares[:, :] = score / (2.0 * d)
    else:
        stored = block.points[block.leaf[tree, leaf, LEAF_POINT]]
        distance, _ = _gaps(stored, stored, point)
        _blend(shares, stored, stored, point, 0.0, 1.0 / ((depth + 1.0) * distance))
    shadow_is_empty = True
    while code != block.tree[tree, ROOT]:
        parent = parent_of(block, tree, code)
        depth -= 1
        if duplicate:
            left = block.node_integers[tree, parent, LEFT]
            sibling = block.node_integers[tree, parent, RIGHT] if left == code else left
            if shadow_is_empty:
                copy_box(block, tree, sibling, lower, upper)
                shadow_is_empty = False
            else:
                merge_box(block, tree, sibling, lower, upper)
        else:
            copy_box(block, tree, parent, lower, upper)
        code = parent
        distance, sides = _gaps(lower, upper, point)
        if distance <= 0.0:
            break  # this box holds the point, and so do all above it
        separation = distance / (sides + distance)
        _blend(shares, lower, upper, point, 1.0 - separation, 1.0 / ((sides + distance) * (depth + 1.0)))
    if duplicate:
        shares *= score / shares.sum()
    shares *= log2_table[tree_mass]


@kernel
def _depth_of(block: Block, tree: int, code: int) -> int:
    depth = 0
    parent = parent_of(block, tree, code)
    while parent != NOTHING:
        depth += 1
        parent = parent_of(block, tree, parent)
    return depth


@kernel
def attribute_point(
    block: Block,
    point: np.ndarray,
    log2_table: np.ndarray,
    total: np.ndarray,
    shares: np.ndarray,
    lower: np.ndarray,
    upper: np.ndarray,
) -> None:
    """Set ``total`` (d, 2) to the mean over all trees; ``shares`` (d, 2) is scratch like ``lower`` and ``upper``."""
    trees = block.tree.shape[0]
    total[:, :] = 0.0
    for tree in range(trees):
        attribute_tree(block, tree, point, log2_table, shares, lower, upper)
        total += shares
    total /= trees


@kernel
def relevant_shares(total: np.ndarray, dimensions: int, shares: np.ndarray) -> None:
    """Shares per feature, summing to 1, of the record within the shingle that made most of the score.

    ``total`` (shingle_size * dimensions, 2), ``shares`` (dimensions,). Algorithm reference, section 6, last lines.
    """
    best = -1.0
    start = 0
    for first in range(total.shape[0] - dimensions, -1, -dimensions):
        amount = total[first : first + dimensions].sum()
        if amount > best:  # of equals the newest record
            best = amount
            start = first
    for feature in range(dimensions):
        shares[feature] = (total[start + feature, ABOVE] + total[start + feature, BELOW]) / best
