"""Kernels that write and read lists of fields, as the tests of `core/bit_fields.py` need them."""

from __future__ import annotations

import numpy as np

from stream_rcf.core.bit_fields import read_bits, read_number, write_bits, write_number
from stream_rcf.core.kernel import kernel
from stream_rcf.core.memory import address_of

NUMBER = -1  # in place of a width


@kernel
def write_all(data: np.ndarray, values: np.ndarray, widths: np.ndarray) -> int:
    """Write each value, (n,) int64, with its width, or as a number; returns how many bits that takes."""
    position = 0
    for i in range(values.shape[0]):
        if widths[i] == NUMBER:
            position = write_number(address_of(data), position, values[i])
        else:
            position = write_bits(address_of(data), position, values[i], widths[i])
    return position


@kernel
def read_all(data: np.ndarray, end: int, widths: np.ndarray, values: np.ndarray) -> int:
    """Read a value of each width, up to the bit ``end``; returns the position behind them."""
    position = 0
    for i in range(values.shape[0]):
        if widths[i] == NUMBER:
            values[i], position = read_number(address_of(data), position, end)
        else:
            values[i] = read_bits(address_of(data), position, widths[i], end)
            position += widths[i]
    return position
