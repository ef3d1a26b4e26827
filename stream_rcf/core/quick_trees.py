"""The quick saved form of a tree: its samples in leaf order and its cuts in preorder, as they stand in its rows.

A sample is the number of its record, a cut how many samples lie left of it, its coordinate and its value. Priorities
are drawn again from the key's seed, unless the key keeps others. All numbers have as many bits as the greatest that is
possible there. Whether the cuts separate the samples is looked at when they are read.
"""

from __future__ import annotations

import numpy as np

from stream_rcf.core.bit_fields import read_bits, write_bits
from stream_rcf.core.boxes import TOGETHER, is_equal
from stream_rcf.core.kernel import inlined_kernel, kernel
from stream_rcf.core.layout import KEEPS_PRIORITIES, STORED, Block
from stream_rcf.core.memory import address_of, bits_of_float, load_float, low_float
from stream_rcf.core.model import CUT_VALUE_BITS, Model
from stream_rcf.core.nodes import cut_value_of, dimension_of, left_of, node_word
from stream_rcf.core.packed_samples import PRIORITY_BITS
from stream_rcf.core.packed_trees import TreeScratch, settle_sample
from stream_rcf.core.range_coder import bit_length
from stream_rcf.core.redrawing import NO_POINT, draw_again, sunk_and_raised
from stream_rcf.core.sampler import LEAST_PRIORITY
from stream_rcf.core.store import record_of, set_record


@inlined_kernel
def _record_bits(block: Block) -> int:
    return bit_length(max(0, block.integers[STORED] - 1))


@kernel
def write_tree(
    data: int, position: int, block: Block, model: Model, tree: int, most: int, scratch: TreeScratch
) -> int:
    """Write a tree of at most ``most`` samples; returns the position behind it."""
    size = int(block.size[tree])
    position = write_bits(data, position, size, bit_length(most))
    record_bits = _record_bits(block)
    for i in range(size):
        position = write_bits(data, position, record_of(block, tree, i), record_bits)
    for i in range(size if block.integers[KEEPS_PRIORITIES] else 0):
        priority = int(block.priority[tree, i])
        position = write_bits(data, position, priority - LEAST_PRIORITY, PRIORITY_BITS)
    masses = scratch.places
    masses[0, 0] = size
    slot = 0
    while slot < size - 1:
        mass, word = masses[slot, 0], block.node[tree, slot]
        left = left_of(model, word)
        position = write_bits(data, position, left, bit_length(mass - 1))
        if left == 0:  # equal samples
            slot += mass - 1
            continue
        position = write_bits(data, position, dimension_of(model, word), model.dimension_bits)
        value = cut_value_of(word) + np.float32(0.0)  # the same bytes for 0.0 and -0.0
        position = write_bits(data, position, bits_of_float(value), CUT_VALUE_BITS)
        _hand_down(masses, slot, 0, mass, left)
        slot += 1
    return position


@inlined_kernel
def _hand_down(places: np.ndarray, slot: int, first: int, mass: int, left: int) -> None:
    """Note in the slots below a cut how many samples each has, and the first one; a single sample has no slot.

    Without branches: the last row is for what has none.
    """
    nowhere = places.shape[0] - 1
    below = slot + 1 if left > 1 else nowhere
    places[below, 0], places[below, 1] = left, first
    below = slot + left if mass - left > 1 else nowhere
    places[below, 0], places[below, 1] = mass - left, first + left


@inlined_kernel
def _is_separated(
    samples: np.ndarray, first: int, mass: int, left: int, coordinates: int, value: np.float32
) -> bool:
    """Whether of ``mass`` samples just the first ``left`` ones lie left of the cut.

    ``coordinates`` is the address of the cut's coordinate in the point that begins with the first record. Four at a
    time, the last one again where there are fewer: cheaper than to mispredict how many.
    """
    edge, last = first + left, first + mass - 1
    wrong = 0
    for i in range(first, first + mass, TOGETHER):
        second, third, fourth = min(i + 1, last), min(i + 2, last), min(i + 3, last)
        wrong += int((load_float(coordinates + samples[i]) <= value) != (i < edge))
        wrong += int((load_float(coordinates + samples[second]) <= value) != (second < edge))
        wrong += int((load_float(coordinates + samples[third]) <= value) != (third < edge))
        wrong += int((load_float(coordinates + samples[fourth]) <= value) != (fourth < edge))
    return wrong == 0


@inlined_kernel
def _are_equal(model: Model, samples: np.ndarray, first: int, mass: int, store: int, mask: int) -> bool:
    """Whether all samples are the same point, the oldest first."""
    for i in range(first + 1, first + mass):
        before, sample = samples[i - 1], samples[i]
        if before >= sample or not is_equal(model, store + before, store + sample, mask):
            return False
    return True


@inlined_kernel
def _read_records(
    data: int, position: int, end: int, block: Block, tree: int, size: int, scratch: TreeScratch
) -> bool:
    """Read the records of a tree's samples into the second row of entries; whether they are points, no two the same."""
    stored, record_bits = block.integers[STORED], _record_bits(block)
    held_by, samples = scratch.rows[0], scratch.rows[1]
    wrong = 0
    for i in range(size):
        record = read_bits(data, position, record_bits, end)
        position += record_bits
        wrong += int(record >= stored)
        record = min(record, stored - 1)
        wrong += int(scratch.points.place[record] == NO_POINT) + int(held_by[record] == tree)
        held_by[record] = tree
        samples[i] = record
    return wrong == 0


@inlined_kernel
def _fill_sample(
    data: int, position: int, end: int, block: Block, tree: int, size: int, scratch: TreeScratch
) -> None:
    """Set the records and priorities of a tree's samples; the latter are read at ``position`` or drawn again."""
    points, samples = scratch.points, scratch.rows[1]
    for i in range(size):
        set_record(block, tree, i, samples[i])
    if block.integers[KEEPS_PRIORITIES] == 0:
        drawn = scratch.drawn
        for i in range(size):
            drawn[i] = np.int64(points.word[points.place[samples[i]]])
        draw_again(drawn, size, tree)
        for i in range(size):
            block.priority[tree, i] = sunk_and_raised(points, points.place[samples[i]], drawn[i])
        return
    for i in range(size):
        priority = read_bits(data, position, PRIORITY_BITS, end) + LEAST_PRIORITY
        position += PRIORITY_BITS
        block.priority[tree, i] = priority


@kernel
def read_tree(
    data: int, position: int, end: int, block: Block, model: Model, tree: int, most: int, scratch: TreeScratch
) -> tuple[bool, int]:
    """Read a tree of at most ``most`` samples into a block whose store is filled; whether it is one, and the position.

    Its rows have room for so many, and hold zeros so far. The points have been listed in ``scratch``; in its first row
    of entries no record's word is ``tree``.
    """
    size = read_bits(data, position, bit_length(most), end)
    position += bit_length(most)
    stored, samples, places = block.integers[STORED], scratch.rows[1], scratch.places
    if size > min(most, stored) or not _read_records(data, position, end, block, tree, size, scratch):
        return False, position
    position += size * _record_bits(block)
    _fill_sample(data, position, end, block, tree, size, scratch)
    position += size * PRIORITY_BITS * block.integers[KEEPS_PRIORITIES]
    for i in range(size):
        samples[i] *= 4 * model.dimensions
    store, mask = address_of(block.store), address_of(scratch.mask)
    places[0, 0], places[0, 1] = size, 0
    slot = 0
    while slot < size - 1:
        mass, first = places[slot, 0], places[slot, 1]
        left = read_bits(data, position, bit_length(mass - 1), end)
        position += bit_length(mass - 1)
        if left == 0:
            if not _are_equal(model, samples, first, mass, store, mask):
                return False, position
            slot += mass - 1
            continue
        dimension = read_bits(data, position, model.dimension_bits, end)
        position += model.dimension_bits
        value = low_float(read_bits(data, position, CUT_VALUE_BITS, end)) + np.float32(0.0)
        position += CUT_VALUE_BITS
        if left >= mass or dimension >= model.point_dimensions:
            return False, position
        if not _is_separated(samples, first, mass, left, store + 4 * dimension, value):
            return False, position
        block.node[tree, slot] = node_word(model, value, left, dimension)
        _hand_down(places, slot, first, mass, left)
        slot += 1
    block.size[tree] = size
    settle_sample(block, model, tree)
    return True, position
