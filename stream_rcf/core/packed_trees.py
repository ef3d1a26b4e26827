"""The saved form of a tree: its sample and its cuts. All else follows from them.

The cuts are written in preorder. A cut leads each sample to its side, so the samples below a place are known when its
cut is read: they give the box, and with it which cuts are possible at all. Where all samples are equal there is none;
else there is one, drawn again if it can be (see redrawn_cuts.py), or written as it was once drawn: a coordinate with
the probability of its side of the box, a value uniform within that.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from stream_rcf.core.boxes import BORDERS, border
from stream_rcf.core.float_grid import decode_between, encode_between
from stream_rcf.core.kernel import inlined_kernel, kernel
from stream_rcf.core.lanes import LANE_BYTES, LANES, greater, lesser, load_lanes, store_lanes
from stream_rcf.core.layout import BASE_SEQUENCE, EVENTS_SEEN, TIME_DECAY, Block
from stream_rcf.core.memory import address_of, load_float
from stream_rcf.core.model import Model
from stream_rcf.core.nodes import cut_value_of, dimension_of, node_word
from stream_rcf.core.packed_samples import SAMPLE_CONTEXTS, decode_sample, encode_sample
from stream_rcf.core.range_coder import Coder, decode_target, encode_share, take_share
from stream_rcf.core.redrawing import Points, new_points, priority_of, record_in
from stream_rcf.core.redrawn_cuts import (
    CUT_CONTEXTS,
    MOST_SAMPLES,
    NOT_REDRAWN,
    address_in,
    decode_redrawn,
    encode_redrawn,
)
from stream_rcf.core.sampler import greatest_priority, limit_of
from stream_rcf.core.store import set_record

FINEST_SHARE = (
    65535.0  # of the longest side of a box: how finely the probabilities of its coordinates are told apart
)
TREE_CONTEXTS = SAMPLE_CONTEXTS + CUT_CONTEXTS


class TreeScratch(NamedTuple):
    """Working memory for packing trees. ``n`` records, ``s`` samples of a tree, ``d`` point dimensions."""

    points: Points
    rows: np.ndarray  # (2, n + s + 1) int64: entries of samples, see redrawing.py
    places: np.ndarray  # (s + 2, 3) int64: (slot, first sample, mass) of what is still to be done
    box: np.ndarray  # (2 * LANES * chunks,) float32: see boxes.py
    mask: np.ndarray  # (LANES * chunks,) uint32: all bits set for each of the d coordinates
    shares: np.ndarray  # (d,) int64: of the probability of each coordinate
    drawn: np.ndarray  # (s,) int64: what the samples of a tree drew


def new_tree_scratch(model: Model, records: int) -> TreeScratch:
    """Working memory for a store of so many records."""
    lanes = LANES * model.chunks
    mask = np.zeros(lanes, np.uint32)
    mask[: model.point_dimensions] = 0xFFFFFFFF
    return TreeScratch(
        new_points(records),
        np.empty((2, records + model.sample_size + 1), np.int64),
        np.empty((model.sample_size + 2, 3), np.int64),
        np.zeros(2 * lanes, np.float32),
        mask,
        np.empty(model.point_dimensions, np.int64),
        np.empty(model.sample_size, np.int64),
    )


@inlined_kernel
def _box_samples(block: Block, model: Model, entries: np.ndarray, first: int, mass: int, box: int) -> None:
    """The box of the samples, two at a time, the last one again where there is but one."""
    last = first + mass - 1
    for chunk in range(model.chunks):
        start = chunk * LANE_BYTES
        lower = load_lanes(address_in(block, model, entries[first]) + start)
        upper = lower
        for i in range(first + 1, first + mass, 2):
            values = load_lanes(address_in(block, model, entries[i]) + start)
            second = load_lanes(address_in(block, model, entries[min(i + 1, last)]) + start)
            lower = lesser(lower, lesser(values, second))
            upper = greater(upper, greater(values, second))
        store_lanes(box + chunk * BORDERS, lower)
        store_lanes(box + chunk * BORDERS + LANE_BYTES, upper)


@inlined_kernel
def _share_coordinates(model: Model, box: int, shares: np.ndarray) -> int:
    """Set each coordinate's share of the probability; returns their sum, 0 if the box is a point."""
    longest = 0.0
    for i in range(model.point_dimensions):
        lower, upper = border(box, i)
        longest = max(longest, np.float64(upper) - np.float64(lower))
    if longest == 0.0:
        return 0
    finest, total = FINEST_SHARE / longest, 0
    for i in range(model.point_dimensions):
        lower, upper = border(box, i)
        side = np.float64(upper) - np.float64(lower)
        shares[i] = 1 + int(side * finest) if side > 0.0 else 0
        total += shares[i]
    return total


@inlined_kernel
def _split(
    block: Block, model: Model, rows: np.ndarray, first: int, mass: int, dimension: int, value: np.float32
) -> int:
    """Sort the samples by the side of the cut on which they lie, each side oldest first; how many are left of it."""
    entries, others = rows[0], rows[1]
    start, width = address_of(block.store) + 4 * dimension, 4 * model.dimensions
    left = 0
    for i in range(mass):  # without branches: the side cannot be predicted
        entry = entries[first + i]
        entries[first + left] = entry
        others[i - left] = entry
        left += load_float(start + record_in(entry) * width) <= value
    for i in range(mass - left):
        entries[first + left + i] = others[i]
    return left


@inlined_kernel
def _push(places: np.ndarray, pending: int, slot: int, first: int, mass: int) -> int:
    """Note what is to be done, unless it is a single sample; returns how much there is."""
    places[pending, 0], places[pending, 1], places[pending, 2] = slot, first, mass
    return pending + int(mass > 1)


@kernel
def encode_tree(
    coder: Coder,
    context: int,
    block: Block,
    model: Model,
    tree: int,
    most: int,
    count: int,
    scratch: TreeScratch,
) -> None:
    """Write a tree of at most ``most`` samples, with ``TREE_CONTEXTS`` contexts from ``context`` on.

    ``count`` points have been listed in ``scratch``.
    """
    points, rows, places = scratch.points, scratch.rows, scratch.places
    encode_sample(coder, context, block, tree, most, points, count, rows)
    box, mask = address_of(scratch.box), address_of(scratch.mask)
    cut_context = context + SAMPLE_CONTEXTS
    pending = _push(places, 0, 0, 0, int(block.size[tree]))
    while pending > 0:
        pending -= 1
        slot, first, mass = places[pending, 0], places[pending, 1], places[pending, 2]
        word = block.node[tree, slot]
        dimension, value = dimension_of(model, word), cut_value_of(word)
        is_written = False
        if mass <= MOST_SAMPLES:
            is_written = encode_redrawn(
                coder,
                cut_context,
                block,
                model,
                tree,
                points,
                rows[0],
                first,
                mass,
                box,
                mask,
                dimension,
                value,
            )
        else:
            _box_samples(block, model, rows[0], first, mass, box)
        if not is_written:
            total = _share_coordinates(model, box, scratch.shares)
            if total == 0:
                continue
            start = 0
            for i in range(dimension):
                start += scratch.shares[i]
            encode_share(coder, start, scratch.shares[dimension], total)
            lower, upper = border(box, dimension)
            encode_between(coder, value, lower, upper)
        left = _split(block, model, rows, first, mass, dimension, value)
        pending = _push(places, pending, slot + left, first + left, mass - left)
        pending = _push(places, pending, slot + 1, first, left)


@kernel
def decode_tree(
    coder: Coder,
    context: int,
    block: Block,
    model: Model,
    tree: int,
    most: int,
    count: int,
    scratch: TreeScratch,
) -> bool:
    """Read a tree of at most ``most`` samples into a block whose store is filled; whether it is one.

    Its rows have room for so many, and hold zeros so far. ``count`` points have been listed in ``scratch``.
    """
    points, rows, places = scratch.points, scratch.rows, scratch.places
    size = decode_sample(coder, context, block, tree, most, points, count, rows)
    if size < 0:
        return False
    box, mask = address_of(scratch.box), address_of(scratch.mask)
    cut_context = context + SAMPLE_CONTEXTS
    pending = _push(places, 0, 0, 0, size)
    while pending > 0:
        pending -= 1
        slot, first, mass = places[pending, 0], places[pending, 1], places[pending, 2]
        dimension, value = NOT_REDRAWN, np.float32(0.0)
        if mass <= MOST_SAMPLES:
            dimension, value = decode_redrawn(
                coder, cut_context, block, model, tree, points, rows[0], first, mass, box, mask
            )
        else:
            _box_samples(block, model, rows[0], first, mass, box)
        if dimension == NOT_REDRAWN:
            total = _share_coordinates(model, box, scratch.shares)
            if total == 0:
                continue  # equal samples: their slots hold zeros
            target = decode_target(coder, total)
            dimension, start = 0, 0
            while start + scratch.shares[dimension] <= target:
                start += scratch.shares[dimension]
                dimension += 1
            take_share(coder, start, scratch.shares[dimension], total)
            lower, upper = border(box, dimension)
            value = decode_between(coder, lower, upper)
        left = _split(block, model, rows, first, mass, dimension, value)
        if not 0 < left < mass:
            return False
        block.node[tree, slot] = node_word(model, value, left, dimension)
        pending = _push(places, pending, slot + left, first + left, mass - left)
        pending = _push(places, pending, slot + 1, first, left)
    _fill_sample(block, model, tree, size, rows[0])
    return True


@inlined_kernel
def _fill_sample(block: Block, model: Model, tree: int, size: int, entries: np.ndarray) -> None:
    """Set a tree's samples, which stand in leaf order."""
    for position in range(size):
        set_record(block, tree, position, record_in(entries[position]))
        block.priority[tree, position] = priority_of(entries[position])
    block.size[tree] = size
    settle_sample(block, model, tree)


@inlined_kernel
def settle_sample(block: Block, model: Model, tree: int) -> None:
    """Set what follows from a tree's samples: the greatest priority, and the limit of a full one."""
    size = block.size[tree]
    if size > 0:
        block.greatest[tree] = greatest_priority(block, tree)
    if size == model.sample_size:
        after_base = block.integers[EVENTS_SEEN] - model.shingle_size + 1 - block.integers[BASE_SEQUENCE]
        block.limit[tree] = limit_of(block.greatest[tree], block.floats[TIME_DECAY], after_base)
