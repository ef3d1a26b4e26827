"""The saved form of a key's records: which events they are, and their values.

Records come in runs of consecutive events; a run costs its length and the gap before it.

Of each feature all values are written one after the other as whole numbers, less what a running mean of them expects:
their cell in the finest grid that even the greatest has (see float_grid.py), or, if all are decimal fractions of a few
digits, the multiple of a power of ten. How fast the mean follows is tried out for each feature.
"""

from __future__ import annotations

import numpy as np

from stream_rcf.core.float_grid import (
    GREATEST_STEP,
    LEAST_STEP,
    MOST_CELLS,
    cell_of,
    first_rank,
    rank_of,
    step_exponent,
    value_at,
)
from stream_rcf.core.kernel import inlined_kernel, kernel
from stream_rcf.core.layout import EVENTS_SEEN, RUNS, STORED, Block
from stream_rcf.core.model import Model
from stream_rcf.core.range_coder import (
    LENGTH_CONTEXTS,
    Coder,
    bit_length,
    decode_number,
    decode_uniform,
    encode_number,
    encode_uniform,
    forget_chances,
)
from stream_rcf.core.units import from_unit, in_unit

GRIDS = GREATEST_STEP - LEAST_STEP + 1
MOST_DIGITS = 4  # behind the decimal point
FOLLOWINGS = 4  # the mean moves by 4**-following of what the value was off it
FRACTION_BITS = 8  # of the mean
MOST_MULTIPLE = 1 << 40  # of a decimal fraction; exact in float64 with all its digits

# Contexts: the gaps between runs, their lengths, the differences of values.
GAPS, LENGTHS, DIFFERENCES, STORE_CONTEXTS = 0, LENGTH_CONTEXTS, 2 * LENGTH_CONTEXTS, 3 * LENGTH_CONTEXTS


@kernel
def encode_runs(coder: Coder, block: Block) -> None:
    """Write the runs of records."""
    runs, stored = block.integers[RUNS], block.integers[STORED]
    event = 0
    for run in range(runs):
        end = block.run_first[run + 1] if run + 1 < runs else stored
        length = end - block.run_first[run]
        encode_number(coder, GAPS, block.run_event[run] - event)
        encode_number(coder, LENGTHS, length)
        event = block.run_event[run] + length


@inlined_kernel
def is_run_possible(block: Block, run: int, event: int, record: int, gap: int, length: int) -> bool:
    """Whether a run may follow ``gap`` events after the one number ``event - 1``, with the record number ``record``."""
    events, stored = block.integers[EVENTS_SEEN], block.integers[STORED]
    return 1 <= length <= stored - record and gap <= events - event and (gap > 0 or run == 0)


@inlined_kernel
def is_store_whole(block: Block, model: Model, event: int, record: int, length: int) -> bool:
    """Whether runs that end before ``event`` and ``record``, the last of this length, may be all that there are.

    Of single records the latest is not kept when no tree took it.
    """
    events = block.integers[EVENTS_SEEN]
    if event != events and (model.shingle_size > 1 or event > events):
        return False
    return record == block.integers[STORED] and length >= min(events, model.shingle_size - 1)


@kernel
def decode_runs(coder: Coder, block: Block, model: Model) -> bool:
    """Read the runs of a block whose counts are set; whether they ascend, cover its records and end with the latest."""
    event, record, length = 0, 0, 0
    for run in range(block.integers[RUNS]):
        gap, length = decode_number(coder, GAPS), decode_number(coder, LENGTHS)
        if not is_run_possible(block, run, event, record, gap, length):
            return False
        block.run_first[run] = record
        block.run_event[run] = event + gap
        record += length
        event += gap + length
    return is_store_whole(block, model, event, record, length)


@inlined_kernel
def _power_of_ten(digits: int) -> float:
    power = 1.0
    for _ in range(digits):
        power *= 10.0
    return power


@inlined_kernel
def _folded(difference: int) -> int:
    """0, -1, 1, -2, 2 ... as 0, 1, 2, 3, 4 ..."""
    return 2 * difference if difference >= 0 else -2 * difference - 1


@inlined_kernel
def _unfolded(number: int) -> int:
    return number // 2 if number % 2 == 0 else -(number // 2) - 1


@inlined_kernel
def _expected(mean: int) -> int:
    return (mean + (1 << (FRACTION_BITS - 1))) >> FRACTION_BITS


@inlined_kernel
def _followed(mean: int, whole: int, following: int) -> int:
    return mean + (((whole << FRACTION_BITS) - mean) >> (2 * following))


@inlined_kernel
def _value_in_store(block: Block, model: Model, record: int, feature: int) -> np.float32:
    """As it was seen, in no unit: that has the fewer digits, and as many bits."""
    return np.float32(from_unit(block, model, feature, block.store[record * model.dimensions + feature]))


@inlined_kernel
def _decimal_digits(block: Block, model: Model, feature: int) -> int:
    """How many digits behind the point all values of the feature have, or -1."""
    digits, power = 0, 1.0
    for record in range(block.integers[STORED]):
        value = _value_in_store(block, model, record, feature)
        while not _is_multiple(value, power):
            digits += 1
            power *= 10.0
            if digits > MOST_DIGITS:
                return -1
    return digits


@inlined_kernel
def _is_multiple(value: np.float32, power: float) -> bool:
    multiple = np.rint(np.float64(value) * power)
    return abs(multiple) < MOST_MULTIPLE and np.float32(multiple / power) == value


@inlined_kernel
def _grid_exponent(block: Block, model: Model, feature: int) -> int:
    exponent = LEAST_STEP
    for record in range(block.integers[STORED]):
        value = _value_in_store(block, model, record, feature)
        exponent = max(exponent, step_exponent(value, value))
    return exponent


@kernel
def _best_following(wholes: np.ndarray, count: int) -> int:
    """With which following the differences have the fewest bits."""
    best, fewest = 0, -1
    for following in range(FOLLOWINGS):
        mean, bits = 0, 0
        for i in range(count):
            bits += bit_length(_folded(wholes[i] - _expected(mean)))
            mean = _followed(mean, wholes[i], following)
        if fewest < 0 or bits < fewest:
            best, fewest = following, bits
    return best


@kernel
def encode_values(coder: Coder, block: Block, model: Model, wholes: np.ndarray) -> None:
    """Write the records' values; ``wholes`` (records,) int64 is scratch."""
    stored = block.integers[STORED]
    for feature in range(model.dimensions):
        forget_chances(coder, DIFFERENCES, DIFFERENCES + LENGTH_CONTEXTS)
        digits = _decimal_digits(block, model, feature)
        exponent = _grid_exponent(block, model, feature)
        power = _power_of_ten(digits)
        for record in range(stored):
            value = _value_in_store(block, model, record, feature)
            if digits >= 0:
                wholes[record] = int(np.rint(np.float64(value) * power))
            else:
                wholes[record] = cell_of(value, exponent)
        following = _best_following(wholes, stored)
        encode_uniform(coder, digits + 1, MOST_DIGITS + 2)
        encode_uniform(coder, exponent - LEAST_STEP, GRIDS)
        encode_uniform(coder, following, FOLLOWINGS)
        mean = 0
        for record in range(stored):
            whole = wholes[record]
            encode_number(coder, DIFFERENCES, _folded(whole - _expected(mean)))
            mean = _followed(mean, whole, following)
            if digits < 0:
                begin, end = first_rank(whole, exponent), first_rank(whole + 1, exponent)
                rank = rank_of(_value_in_store(block, model, record, feature))
                encode_uniform(coder, rank - begin, end - begin)


@kernel
def decode_values(coder: Coder, block: Block, model: Model) -> bool:
    """Read the values of a block whose counts are set; whether all are finite."""
    for feature in range(model.dimensions):
        forget_chances(coder, DIFFERENCES, DIFFERENCES + LENGTH_CONTEXTS)
        digits = decode_uniform(coder, MOST_DIGITS + 2) - 1
        exponent = decode_uniform(coder, GRIDS) + LEAST_STEP
        following = decode_uniform(coder, FOLLOWINGS)
        power = _power_of_ten(digits)
        most = MOST_MULTIPLE if digits >= 0 else MOST_CELLS
        mean = 0
        for record in range(block.integers[STORED]):
            difference = _unfolded(decode_number(coder, DIFFERENCES))
            whole = _expected(mean) + difference
            if abs(difference) > 2 * most + 1 or abs(whole) > most:
                return False
            mean = _followed(mean, whole, following)
            value = np.float32(whole / power)
            if digits < 0:
                begin, end = first_rank(whole, exponent), first_rank(whole + 1, exponent)
                value = value_at(begin + decode_uniform(coder, end - begin))
            if not np.isfinite(value):
                return False
            block.store[record * model.dimensions + feature] = np.float32(
                in_unit(block, model, feature, np.float64(value))
            ) + np.float32(0.0)
    return True
