"""float32 values as whole numbers: for codes by which a value costs what its place in an interval says.

``rank_of`` numbers all finite values in ascending order, 0.0 (and -0.0) being 0. Ranks are dense near 0 and sparse far
from it, so a value uniform within an interval is not uniform in rank. Therefore a value is written as a cell of a grid
of equal steps, and as its rank within the cell: of values near the interval's greatest each has a cell of its own.
"""

from __future__ import annotations

import math

import numpy as np

from stream_rcf.core.kernel import inlined_kernel
from stream_rcf.core.memory import bits_of_float, low_float
from stream_rcf.core.range_coder import Coder, decode_uniform, encode_uniform

SIGN = 1 << 31
MANTISSA_BITS = 23
EXPONENT_MASK = 255
LEAST_STEP = -149  # exponent of the least float32 above 0
GREATEST_STEP = 104  # exponent of the step between the greatest two
MOST_CELLS = 1 << 24  # on either side of 0
_POWERS = np.array([math.ldexp(1.0, exponent) for exponent in range(LEAST_STEP, 1 - LEAST_STEP)], np.float64)


@inlined_kernel
def rank_of(value: np.float32) -> int:
    """The number of a float32 in ascending order: 0 for 0.0 and -0.0."""
    bits = bits_of_float(value)
    return bits if bits < SIGN else SIGN - bits


@inlined_kernel
def value_at(rank: int) -> np.float32:
    """The float32 with this number; never -0.0."""
    return low_float(rank if rank >= 0 else SIGN - rank)


@inlined_kernel
def step_exponent(lower: np.float32, upper: np.float32) -> int:
    """The power of two between neighbouring float32 where the interval from ``lower`` to ``upper`` is widest."""
    greatest = max(bits_of_float(lower) & (SIGN - 1), bits_of_float(upper) & (SIGN - 1))
    return max(1, greatest >> MANTISSA_BITS) - 1 + LEAST_STEP


@inlined_kernel
def _power_of_two(exponent: int) -> float:
    return _POWERS[exponent - LEAST_STEP]


@inlined_kernel
def cell_of(value: np.float32, exponent: int) -> int:
    """The cell that holds the value, in a grid with steps of ``2**exponent``: exact."""
    return int(np.floor(np.float64(value) * _power_of_two(-exponent)))


@inlined_kernel
def first_rank(cell: int, exponent: int) -> int:
    """The rank of the least value in the cell; of the last cell's end that of infinity."""
    return rank_of(np.float32(cell * _power_of_two(exponent)))


@inlined_kernel
def encode_between(coder: Coder, value: np.float32, lower: np.float32, upper: np.float32) -> None:
    """Write a value from ``lower`` on and below ``upper`` that is uniform there."""
    exponent = step_exponent(lower, upper)
    begin, end = rank_of(lower), rank_of(upper)
    first, last = cell_of(lower, exponent), cell_of(value_at(end - 1), exponent)
    cell = cell_of(value, exponent)
    encode_uniform(coder, cell - first, last - first + 1)
    begin, end = max(begin, first_rank(cell, exponent)), min(end, first_rank(cell + 1, exponent))
    encode_uniform(coder, rank_of(value) - begin, end - begin)


@inlined_kernel
def decode_between(coder: Coder, lower: np.float32, upper: np.float32) -> np.float32:
    """Read what ``encode_between`` wrote: from ``lower`` on and below ``upper``, whatever the bytes are."""
    exponent = step_exponent(lower, upper)
    begin, end = rank_of(lower), rank_of(upper)
    first, last = cell_of(lower, exponent), cell_of(value_at(end - 1), exponent)
    cell = first + decode_uniform(coder, last - first + 1)
    begin, end = max(begin, first_rank(cell, exponent)), min(end, first_rank(cell + 1, exponent))
    return value_at(begin + decode_uniform(coder, end - begin))
