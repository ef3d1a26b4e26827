"""Several features on one scale: the forest sees each in a unit of its own, by how far its values are spread.

A random cut falls on a coordinate in proportion to its range, so of features in different units the forest would see
but the one with the largest numbers. Units are powers of two: to change one multiplies the records and the cuts of a
feature exactly, each sample stays on its side of each cut, and nothing of what was learned is lost.

The spread is told by the feature's own sample in the baseline: how far its middle four fifths reach; where those are
all equal, 98 in 100 of them; and else all.
"""

from __future__ import annotations

import numpy as np

from stream_rcf.core.kernel import inlined_kernel, kernel
from stream_rcf.core.lanes import LANES
from stream_rcf.core.layout import BASELINE_EVENTS, BASELINE_SIZE, STORED, Block, open_block
from stream_rcf.core.model import SCALES, Model
from stream_rcf.core.nodes import cut_value_of, dimension_of, with_cut_value
from stream_rcf.core.store import record_of

LARGEST_FLOAT32 = 3.4028234663852886e38
# No unit changes when that would bring a number of the store below or above these: its last bits would be lost.
LEAST_EXACT, MOST_EXACT = 2.0**-126, 2.0**126
LEAST_UNIT, MOST_UNIT = 2.0**-100, 2.0**100
# A unit is right when the spread is 1 to 2 of them; it changes only when that is off by half as much again, so that a
# spread near the border does not make it swing.
LEAST_SPREAD, MOST_SPREAD = 0.7, 2.8
FIRST_EVENTS = 8  # after which the spread is told at first, then whenever they have doubled, and from 256 on
EVENTS_BETWEEN = 256  # after so many each time
PARTS = 100  # of a sample: left out on either side are 10, 1 or 0 of them


@inlined_kernel
def within_float32(value: float) -> float:
    """The value, or the nearest that a float32 can hold."""
    return min(LARGEST_FLOAT32, max(-LARGEST_FLOAT32, value))


@inlined_kernel
def in_units(block: Block, model: Model, values: np.ndarray, scaled: np.ndarray) -> np.ndarray:
    """What the store keeps of ``values`` (dimensions,): they themselves, or ``scaled`` (dimensions,), which is set."""
    if model.units == 0:
        return values
    for feature in range(model.dimensions):
        scaled[feature] = in_unit(block, model, feature, np.float64(np.float32(values[feature])))
    return scaled


@inlined_kernel
def in_unit(block: Block, model: Model, feature: int, value: float) -> float:
    """What the store keeps of one value."""
    return value if model.units == 0 else within_float32(value / block.unit[feature])


@inlined_kernel
def from_unit(block: Block, model: Model, feature: int, stored: np.float32) -> float:
    """The value that the store keeps as ``stored``."""
    if model.units == 0:
        return np.float64(stored)
    return within_float32(np.float64(stored) * block.unit[feature])


@inlined_kernel
def begin_units(block: Block) -> None:
    """Let all units be 1, as long as nothing is known of the features."""
    for feature in range(block.unit.shape[0]):
        block.unit[feature] = 1.0


@kernel
def begin_units_at(address: int, model: Model) -> None:
    """The same for the block at ``address``."""
    begin_units(open_block(address, model))


@inlined_kernel
def _spread(block: Block, feature: int, parts: int) -> float:
    """How far apart the sample's values lie, ``parts`` in a hundred left out on either side."""
    sample, size = block.usual[feature * len(SCALES)], int(block.baseline[BASELINE_SIZE])
    left_out = size * parts // PARTS
    return np.float64(sample[size - 1 - left_out]) - np.float64(sample[left_out])


@kernel
def settle_units(block: Block, model: Model) -> None:
    """After an event was learned: bring the units up to date, where it is time."""
    events = int(block.baseline[BASELINE_EVENTS])
    is_doubled = events >= FIRST_EVENTS and events & (events - 1) == 0
    if not (events % EVENTS_BETWEEN == 0 or is_doubled) or block.baseline[BASELINE_SIZE] == 0.0:
        return
    for feature in range(model.dimensions):
        spread = _spread(block, feature, 10)
        if spread <= 0.0:
            spread = _spread(block, feature, 1)
        if spread <= 0.0:
            spread = _spread(block, feature, 0)
        spread /= model.weights[feature]
        if spread <= 0.0 or LEAST_SPREAD <= spread / block.unit[feature] <= MOST_SPREAD:
            continue
        unit = block.unit[feature]
        while spread < unit and unit > LEAST_UNIT:
            unit *= 0.5
        while spread >= 2.0 * unit and unit < MOST_UNIT:
            unit *= 2.0
        change_unit(block, model, feature, unit)


@kernel
def change_unit(block: Block, model: Model, feature: int, unit: float) -> bool:
    """Let the store keep a feature in another unit, a power of two, unless that is not exact; whether it does."""
    factor = block.unit[feature] / unit
    if not _is_exact(block, model, feature, factor):
        return False
    for record in range(block.integers[STORED]):
        place = record * model.dimensions + feature
        block.store[place] = np.float32(np.float64(block.store[place]) * factor)
    for tree in range(model.trees):
        for slot in range(int(block.size[tree]) - 1):
            word = block.node[tree, slot]
            if dimension_of(model, word) % model.dimensions == feature:
                cut = np.float32(np.float64(cut_value_of(word)) * factor)
                block.node[tree, slot] = with_cut_value(word, cut)
    _change_boxes(block, model, feature, factor)
    block.unit[feature] = unit
    return True


@inlined_kernel
def _stays_exact(value: np.float32, factor: float) -> bool:
    size = abs(np.float64(value)) * factor
    return bool(size == 0.0 or LEAST_EXACT <= size <= MOST_EXACT)


@inlined_kernel
def _are_exact(block: Block, model: Model, feature: int, factor: float, first: int, end: int) -> bool:
    for record in range(first, end):
        if not _stays_exact(block.store[record * model.dimensions + feature], factor):
            return False
    return True


@inlined_kernel
def _is_exact(block: Block, model: Model, feature: int, factor: float) -> bool:
    """Whether all records that are needed and all cuts of a feature keep all their bits when they are multiplied.

    What else is in the store hangs on when room was last made in it, and must decide nothing.
    """
    stored = block.integers[STORED]
    if not _are_exact(block, model, feature, factor, max(0, stored - model.shingle_size + 1), stored):
        return False
    for tree in range(model.trees):
        for position in range(int(block.size[tree])):
            record = record_of(block, tree, position)
            if not _are_exact(block, model, feature, factor, record, record + model.shingle_size):
                return False
        for slot in range(int(block.size[tree]) - 1):
            word = block.node[tree, slot]
            if dimension_of(model, word) % model.dimensions == feature and not _stays_exact(
                cut_value_of(word), factor
            ):
                return False
    return True


@inlined_kernel
def _change_boxes(block: Block, model: Model, feature: int, factor: float) -> None:
    """The same for the boxes that are kept: their borders are values of records."""
    for box in range(block.pool.shape[0]):
        for coordinate in range(feature, model.point_dimensions, model.dimensions):
            lower = coordinate // LANES * 2 * LANES + coordinate % LANES
            for place in (lower, lower + LANES):
                block.pool[box, place] = np.float32(np.float64(block.pool[box, place]) * factor)
