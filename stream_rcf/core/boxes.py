"""Bounding boxes: per coordinate the least and the greatest value of all points below a node.

A box is made on the way up from a leaf, out of the points themselves: the samples of a subtree stand side by side, so
that this costs little more than reading a stored box would. Only boxes of more than ``KEPT_ABOVE`` samples are kept, in
a pool with room for some of them; which ones are kept changes the speed and no result.

The growing box is scratch, (2 * LANES * chunks,) float32: for each chunk of eight coordinates the lower border, then
the upper. Lanes beyond the last coordinate hold whatever lay behind the points, and are masked where they would count.
"""

from __future__ import annotations

import numpy as np

from stream_rcf.core.kernel import inlined_kernel, kernel
from stream_rcf.core.lanes import (
    LANE_BYTES,
    LANES,
    add,
    all_zero,
    any_touches,
    greater,
    lesser,
    load_lanes,
    masked,
    no_lanes,
    store_lanes,
    subtract,
    two_sums,
)
from stream_rcf.core.layout import FREE, FRESH, NO_BOX, REFUSED, Block
from stream_rcf.core.memory import address_of, load_float, load_half
from stream_rcf.core.model import Model
from stream_rcf.core.nodes import box_of, with_box
from stream_rcf.core.store import record_of
from stream_rcf.core.walk import first_of, is_left, mass_of, slot_of

TOGETHER = 4  # points, the last one again where there are fewer: cheaper than to mispredict how many
BORDERS = 2 * LANE_BYTES  # bytes of one chunk of a box


@inlined_kernel
def point_address(block: Block, model: Model, tree: int, position: int) -> int:
    """Where the point of the sample at ``position`` lies."""
    return address_of(block.store) + record_of(block, tree, position) * (4 * model.dimensions)


@inlined_kernel
def is_equal(model: Model, point: int, other: int, mask: int) -> bool:
    """Whether two points are equal in every coordinate; all three are addresses."""
    for chunk in range(0, model.chunks * LANE_BYTES, LANE_BYTES):
        difference = subtract(load_lanes(point + chunk), load_lanes(other + chunk))
        if not all_zero(masked(difference, load_lanes(mask + chunk))):
            return False
    return True


@inlined_kernel
def begin_box(model: Model, box: int, point: int) -> None:
    """The box of one point."""
    for chunk in range(model.chunks):
        values = load_lanes(point + chunk * LANE_BYTES)
        store_lanes(box + chunk * BORDERS, values)
        store_lanes(box + chunk * BORDERS + LANE_BYTES, values)


@inlined_kernel
def copy_box(model: Model, target: int, source: int) -> None:
    """Copy a box from one address to another."""
    for chunk in range(0, BORDERS * model.chunks, LANE_BYTES):
        store_lanes(target + chunk, load_lanes(source + chunk))


@inlined_kernel
def grow_box(block: Block, model: Model, tree: int, box: int, child: int, parent: int) -> int:
    """Make the box of the place ``child`` that of the place ``parent``; returns the kept box's number, or NO_BOX."""
    kept = box_of(model, block.node[tree, slot_of(parent)])
    if kept != NO_BOX:
        copy_box(model, box, address_of(block.pool) + kept * (BORDERS * model.chunks))
    else:
        merge_sibling(block, model, tree, box, child, parent)
    return kept


@inlined_kernel
def merge_sibling(block: Block, model: Model, tree: int, box: int, child: int, parent: int) -> None:
    """Grow the box to hold everything below ``parent`` that is not below ``child``.

    Without a branch for the side on which the child lies: it cannot be predicted.
    """
    left = is_left(parent, child)
    begin = first_of(parent) + left * mass_of(child)
    end = begin + mass_of(parent) - mass_of(child)
    kept = NO_BOX
    if end - begin > block.kept_above:
        slot = slot_of(parent) + 1 + left * (mass_of(child) - 1)
        kept = box_of(model, block.node[tree, slot])
    if kept != NO_BOX:
        pool = address_of(block.pool) + kept * (BORDERS * model.chunks)
        for chunk in range(0, BORDERS * model.chunks, BORDERS):
            upper = greater(load_lanes(box + chunk + LANE_BYTES), load_lanes(pool + chunk + LANE_BYTES))
            store_lanes(box + chunk, lesser(load_lanes(box + chunk), load_lanes(pool + chunk)))
            store_lanes(box + chunk + LANE_BYTES, upper)
    else:
        merge_samples(block, model, tree, box, begin, end)


@inlined_kernel
def merge_small_sibling(block: Block, model: Model, tree: int, box: int, child: int, parent: int) -> None:
    """The same for a parent of at most ``KEPT_ABOVE`` samples: no box below it is kept."""
    begin = first_of(parent) + is_left(parent, child) * mass_of(child)
    merge_samples(block, model, tree, box, begin, begin + mass_of(parent) - mass_of(child))


@inlined_kernel
def merge_samples(block: Block, model: Model, tree: int, box: int, begin: int, end: int) -> None:
    """Grow the box to hold the samples ``begin`` to ``end - 1``, at least one."""
    if block.high_offset.shape[1] > 0:
        for position in range(begin, end):
            _merge_point(model, box, point_address(block, model, tree, position))
    else:
        _merge_points(block, model, tree, box, begin, end)


@inlined_kernel
def _merge_points(block: Block, model: Model, tree: int, box: int, begin: int, end: int) -> None:
    """Grow the box to hold the samples ``begin`` to ``end - 1``; of a store that is not wide."""
    row = address_of(block.offset) + tree * block.offset.shape[1] * 2
    record_bytes = 4 * model.dimensions
    for chunk in range(model.chunks):
        at = box + chunk * BORDERS
        lower, upper = load_lanes(at), load_lanes(at + LANE_BYTES)
        start = address_of(block.store) + chunk * LANE_BYTES
        last = row + 2 * (end - 1)
        for offset in range(row + 2 * begin, row + 2 * end, 2 * TOGETHER):
            values = load_lanes(start + load_half(offset) * record_bytes)
            second = load_lanes(start + load_half(min(offset + 2, last)) * record_bytes)
            third = load_lanes(start + load_half(min(offset + 4, last)) * record_bytes)
            fourth = load_lanes(start + load_half(min(offset + 6, last)) * record_bytes)
            lower = lesser(lower, lesser(lesser(values, second), lesser(third, fourth)))
            upper = greater(upper, greater(greater(values, second), greater(third, fourth)))
        store_lanes(at, lower)
        store_lanes(at + LANE_BYTES, upper)


@inlined_kernel
def _merge_point(model: Model, box: int, point: int) -> None:
    for chunk in range(model.chunks):
        at = box + chunk * BORDERS
        values = load_lanes(point + chunk * LANE_BYTES)
        store_lanes(at, lesser(load_lanes(at), values))
        store_lanes(at + LANE_BYTES, greater(load_lanes(at + LANE_BYTES), values))


@inlined_kernel
def keep_box(block: Block, model: Model, tree: int, place: int, box: int) -> None:
    """Keep the box just made of ``place``, if it is large enough and the pool has room."""
    if mass_of(place) <= block.kept_above or model.box_bits == 0:
        return
    number = block.pool_state[FREE]
    if number != NO_BOX:
        block.pool_state[FREE] = np.int64(block.pool[number, 0])
    elif block.pool_state[FRESH] < block.pool.shape[0]:
        number = block.pool_state[FRESH]
        block.pool_state[FRESH] = number + 1
    else:
        block.pool_state[REFUSED] += 1
        return
    copy_box(model, address_of(block.pool) + number * (BORDERS * model.chunks), box)
    slot = slot_of(place)
    block.node[tree, slot] = with_box(model, block.node[tree, slot], number)


@inlined_kernel
def drop_box(block: Block, model: Model, tree: int, slot: int) -> None:
    """Forget the kept box of the node in ``slot``."""
    word = block.node[tree, slot]
    number = box_of(model, word)
    if number != NO_BOX:
        block.pool[number, 0] = np.float32(block.pool_state[FREE])  # exact: numbers have at most 15 bits
        block.pool_state[FREE] = number
        block.node[tree, slot] = with_box(model, word, NO_BOX)


@inlined_kernel
def kept_box(block: Block, model: Model, word: int) -> int:
    """The address of the kept box of the node with this word, or 0."""
    number = box_of(model, word)
    return address_of(block.pool) + number * (BORDERS * model.chunks) if number != NO_BOX else 0


@inlined_kernel
def extend_box(model: Model, box: int, point: int) -> None:
    """Grow a box to hold a point."""
    _merge_point(model, box, point)


@inlined_kernel
def border(box: int, dimension: int) -> tuple[np.float32, np.float32]:
    """The (lower, upper) border of the box at address ``box`` in one coordinate."""
    at = box + (dimension // LANES) * BORDERS + (dimension % LANES) * 4
    return load_float(at), load_float(at + LANE_BYTES)


@inlined_kernel
def is_on_border(model: Model, box: int, point: int, mask: int) -> bool:
    """Whether a point that the box holds touches one of its sides; all three are addresses."""
    for chunk in range(model.chunks):
        at = box + chunk * BORDERS
        values, counted = load_lanes(point + chunk * LANE_BYTES), load_lanes(mask + chunk * LANE_BYTES)
        if any_touches(values, load_lanes(at), load_lanes(at + LANE_BYTES), counted):
            return True
    return False


@inlined_kernel
def _positive(value: np.float32) -> np.float32:
    return value if value > np.float32(0.0) else np.float32(0.0)


@inlined_kernel
def gaps(model: Model, box: int, point: int, mask: int) -> tuple[float, float]:
    """(how far the point lies outside the box, the sum of the box's sides), both over all coordinates, in float32.

    Algorithm reference, section 4.6. Sums run over coordinates i, i + 8, ... of each lane and then over the lanes.
    """
    if model.point_dimensions == 1:  # the same number, without the other lanes
        lower, upper, value = load_float(box), load_float(box + LANE_BYTES), load_float(point)
        outside = np.float64(_positive(lower - value) + _positive(value - upper))
        side = np.float64(upper - lower)
        return (outside, side) if outside + side < np.inf else wide_gaps(model, box, point)
    distance, sides, zero = no_lanes(), no_lanes(), no_lanes()
    for chunk in range(model.chunks):
        lower = load_lanes(box + chunk * BORDERS)
        upper = load_lanes(box + chunk * BORDERS + LANE_BYTES)
        values = load_lanes(point + chunk * LANE_BYTES)
        counted = load_lanes(mask + chunk * LANE_BYTES)
        outside = add(greater(zero, subtract(lower, values)), greater(zero, subtract(values, upper)))
        distance = add(distance, masked(outside, counted))
        sides = add(sides, masked(subtract(upper, lower), counted))
    total_distance, total_sides = two_sums(distance, sides)
    if not total_distance + total_sides < np.inf:
        return wide_gaps(model, box, point)
    return total_distance, total_sides


@kernel
def wide_gaps(model: Model, box: int, point: int) -> tuple[float, float]:
    """The same in float64: for shares of the distance, and for values so large that float32 sums overflow."""
    distance = 0.0
    sides = 0.0
    for i in range(model.point_dimensions):
        lower, upper = border(box, i)
        value = np.float64(load_float(point + 4 * i))
        distance += max(0.0, np.float64(lower) - value) + max(0.0, value - np.float64(upper))
        sides += np.float64(upper) - np.float64(lower)
    return distance, sides
