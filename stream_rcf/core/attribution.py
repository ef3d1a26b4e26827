"""Directional attribution: which coordinate made the score, by lying above or below what was seen.

Algorithm reference, section 6. Non-negative shares, (d, 2): column 0 above, column 1 below; they sum to the score.
"""

from __future__ import annotations

import numpy as np

from stream_rcf.core.boxes import (
    begin_box,
    border,
    gaps,
    grow_box,
    is_equal,
    merge_sibling,
    point_address,
    wide_gaps,
)
from stream_rcf.core.kernel import inlined_kernel, kernel
from stream_rcf.core.layout import Block
from stream_rcf.core.memory import address_of, load_float
from stream_rcf.core.model import Model
from stream_rcf.core.scoring import seen_score
from stream_rcf.core.scratch import Scratch
from stream_rcf.core.walk import first_of, mass_of, walk_to_leaf

ABOVE, BELOW = 0, 1


@inlined_kernel
def _fill(shares: np.ndarray, value: float) -> None:
    for i in range(shares.shape[0]):
        shares[i, ABOVE] = value
        shares[i, BELOW] = value


@inlined_kernel
def _scale(shares: np.ndarray, factor: float) -> None:
    for i in range(shares.shape[0]):
        shares[i, ABOVE] *= factor
        shares[i, BELOW] *= factor


@inlined_kernel
def total_of(shares: np.ndarray) -> float:
    """The sum over coordinates and directions."""
    total = 0.0
    for i in range(shares.shape[0]):
        total += shares[i, ABOVE] + shares[i, BELOW]
    return total


@inlined_kernel
def _blend(model: Model, shares: np.ndarray, box: int, point: int, kept: float, added: float) -> None:
    """Keep ``kept`` of the shares so far and spread ``added`` over the coordinates by their gaps."""
    distance, _ = wide_gaps(model, box, point)
    for i in range(model.point_dimensions):
        lower, upper = border(box, i)
        value = np.float64(load_float(point + 4 * i))
        above = max(0.0, value - np.float64(upper))
        below = max(0.0, np.float64(lower) - value)
        shares[i, ABOVE] = shares[i, ABOVE] * kept + above / distance * added
        shares[i, BELOW] = shares[i, BELOW] * kept + below / distance * added


@kernel
def attribute_tree(block: Block, model: Model, tree: int, point: int, scratch: Scratch) -> None:
    """Set ``scratch.shares`` (d, 2) for one tree.

    From the leaf upward. Where the point equals its leaf no box leaves it out, so the direction is taken from shadow
    boxes, those that the way's siblings alone would make, and scaled back to the score.
    """
    shares, way = scratch.shares, scratch.ways[0]
    box, mask = address_of(scratch.box), address_of(scratch.mask)
    depth = walk_to_leaf(block, model, tree, point, way)
    leaf = way[depth]
    stored = point_address(block, model, tree, first_of(leaf))
    _fill(shares, 0.0)
    if is_equal(model, point, stored, mask):
        _attribute_seen(block, model, tree, point, depth, scratch)
    else:
        begin_box(model, box, stored)
        _blend(model, shares, box, point, 0.0, scratch.inverse[depth])
        for level in range(depth - 1, -1, -1):
            grow_box(block, model, tree, box, way[level + 1], way[level])
            distance, sides = gaps(model, box, point, mask)
            if distance <= 0.0:
                break
            separation = distance / (sides + distance)
            added = separation * scratch.inverse[level]
            _blend(model, shares, box, point, 1.0 - separation, added)
    _scale(shares, scratch.log2_table[block.size[tree]])


@inlined_kernel
def _attribute_seen(block: Block, model: Model, tree: int, point: int, depth: int, scratch: Scratch) -> None:
    """The shares of a point equal to the leaf at the end of the way, at ``depth``."""
    shares, way = scratch.shares, scratch.ways[0]
    box, mask = address_of(scratch.box), address_of(scratch.mask)
    score = seen_score(depth, mass_of(way[depth]), block.size[tree], scratch)
    _fill(shares, score / (2.0 * model.point_dimensions))
    if depth == 0:
        return
    leaf, parent = way[depth], way[depth - 1]
    beside = first_of(parent)
    if beside == first_of(leaf):
        beside += mass_of(leaf)
    begin_box(model, box, point_address(block, model, tree, beside))
    for level in range(depth - 1, -1, -1):
        merge_sibling(block, model, tree, box, way[level + 1], way[level])
        distance, sides = gaps(model, box, point, mask)
        if distance <= 0.0:
            break
        separation = distance / (sides + distance)
        _blend(model, shares, box, point, 1.0 - separation, separation * scratch.inverse[level])
    _scale(shares, score / total_of(shares))


@kernel
def attribute_point(block: Block, model: Model, point: int, scratch: Scratch) -> None:
    """Set ``scratch.total`` (d, 2) to the mean over all trees."""
    _fill(scratch.total, 0.0)
    for tree in range(model.trees):
        attribute_tree(block, model, tree, point, scratch)
        for i in range(model.point_dimensions):
            scratch.total[i, ABOVE] += scratch.shares[i, ABOVE]
            scratch.total[i, BELOW] += scratch.shares[i, BELOW]
    _scale(scratch.total, 1.0 / model.trees)


@kernel
def relevant_shares(total: np.ndarray, dimensions: int, shares: np.ndarray) -> None:
    """Shares per feature, summing to 1, of the record within the shingle that made most of the score.

    ``total`` (shingle_size * dimensions, 2), ``shares`` (dimensions,). Algorithm reference, section 6, last lines.
    """
    best = -1.0
    start = 0
    for first in range(total.shape[0] - dimensions, -1, -dimensions):
        amount = total_of(total[first : first + dimensions])
        if amount > best:  # of equals the newest record
            best = amount
            start = first
    for feature in range(dimensions):
        shares[feature] = (total[start + feature, ABOVE] + total[start + feature, BELOW]) / best
