"""The quick saved form of a key's records: their runs, and their values in fields of few bits.

A value is written by the number of its float32 in ascending order (see float_grid.py), less that of the value before
it; zeros that end the numbers of all values of a feature are left out, as whole numbers and halves have many. Every
``GROUP`` differences have fields as wide as the widest of them.
"""

from __future__ import annotations

import numpy as np

from stream_rcf.core.bit_fields import read_bits, read_number, write_bits, write_number
from stream_rcf.core.float_grid import rank_of, value_at
from stream_rcf.core.kernel import inlined_kernel, kernel
from stream_rcf.core.layout import RUNS, STORED, Block
from stream_rcf.core.memory import lowest_bit
from stream_rcf.core.model import Model
from stream_rcf.core.packed_store import is_run_possible, is_store_whole
from stream_rcf.core.range_coder import bit_length

GROUP = 32  # records
WIDTH_BITS = 6  # of the width of a group's fields, 0 to 32
SHIFT_BITS = 5  # of the number of zeros left out
MOST_ZEROS = 31
RANK_BITS = 32
RANK_MASK = (1 << RANK_BITS) - 1
SIGN = 1 << (RANK_BITS - 1)
INFINITY_RANK = 255 << 23  # of the first number that is not finite


@kernel
def write_runs(data: int, position: int, block: Block) -> int:
    """Write the runs of records; returns the position behind them."""
    runs, stored = block.integers[RUNS], block.integers[STORED]
    event = 0
    for run in range(runs):
        end = block.run_first[run + 1] if run + 1 < runs else stored
        length = end - block.run_first[run]
        position = write_number(data, position, block.run_event[run] - event)
        position = write_number(data, position, length)
        event = block.run_event[run] + length
    return position


@kernel
def read_runs(data: int, position: int, end: int, block: Block, model: Model) -> tuple[bool, int]:
    """Read the runs of a block whose counts are set; whether they are possible, and the position behind them."""
    event, record, length = 0, 0, 0
    for run in range(block.integers[RUNS]):
        gap, position = read_number(data, position, end)
        length, position = read_number(data, position, end)
        if not is_run_possible(block, run, event, record, gap, length):
            return False, position
        block.run_first[run] = record
        block.run_event[run] = event + gap
        record += length
        event += gap + length
    return is_store_whole(block, model, event, record, length), position


@inlined_kernel
def _folded(difference: int) -> int:
    """The difference of two ranks modulo 2**32, the least first: 0, -1, 1, -2, 2 ... as 0, 1, 2, 3, 4 ..."""
    wrapped = ((difference + SIGN) & RANK_MASK) - SIGN
    return ((wrapped << 1) ^ (wrapped >> 63)) & RANK_MASK


@inlined_kernel
def _unfolded(number: int) -> int:
    return (number >> 1) ^ -(number & 1)


@inlined_kernel
def _zeros_at_the_end(block: Block, model: Model, feature: int) -> int:
    """How many bits at the end are zero in the rank of every value."""
    bits = 0
    for record in range(block.integers[STORED]):
        bits |= rank_of(block.store[record * model.dimensions + feature])
    return min(MOST_ZEROS, lowest_bit(bits))


@kernel
def write_values(data: int, position: int, block: Block, model: Model, numbers: np.ndarray) -> int:
    """Write the records' values; ``numbers`` (GROUP,) int64 is scratch. Returns the position behind them."""
    stored = block.integers[STORED]
    for feature in range(model.dimensions):
        zeros = _zeros_at_the_end(block, model, feature)
        position = write_bits(data, position, zeros, SHIFT_BITS)
        before = 0
        for first in range(0, stored, GROUP):
            count, widest = min(GROUP, stored - first), 0
            for i in range(count):
                rank = rank_of(block.store[(first + i) * model.dimensions + feature]) >> zeros
                numbers[i] = _folded(rank - before)
                widest |= numbers[i]
                before = rank
            width = bit_length(widest)
            position = write_bits(data, position, width, WIDTH_BITS)
            for i in range(count):
                position = write_bits(data, position, numbers[i], width)
    return position


@kernel
def read_values(data: int, position: int, end: int, block: Block, model: Model) -> tuple[bool, int]:
    """Read the values of a block whose counts are set; whether all are finite, and the position behind them."""
    stored = block.integers[STORED]
    finite = True
    for feature in range(model.dimensions):
        zeros = read_bits(data, position, SHIFT_BITS, end)
        position += SHIFT_BITS
        most = (INFINITY_RANK - 1) >> zeros
        before = 0
        for first in range(0, stored, GROUP):
            width = min(RANK_BITS, read_bits(data, position, WIDTH_BITS, end))
            position += WIDTH_BITS
            for record in range(first, min(first + GROUP, stored)):
                rank = before + _unfolded(read_bits(data, position, width, end))
                rank = ((rank + SIGN) & RANK_MASK) - SIGN
                position += width
                finite &= -most <= rank <= most
                before = rank
                block.store[record * model.dimensions + feature] = value_at(
                    min(max(rank, -most), most) << zeros
                )
    return finite, position
