"""Numbers in fields of as many bits as they need, one behind the other: as quick to read and write as memory.

The first bit of a field is the lowest one of its byte that is still free. A position is a number of bits from the
start. Where a writer stands is handed on from call to call and nowhere kept, so that it stays in a register.
"""

from __future__ import annotations

from stream_rcf.core.kernel import inlined_kernel, kernel
from stream_rcf.core.memory import load_word, store_word
from stream_rcf.core.range_coder import bit_length

MOST_BITS = 32  # of one field: with what lies before it in its first byte it stays within a word
PADDING = 8  # bytes behind the last field: a field is read and written as part of a word
LENGTH_BITS = 6  # of the length of a number of up to 63 bits


@inlined_kernel
def write_bits(data: int, position: int, value: int, width: int) -> int:
    """Write the ``width`` bits of ``value``, 0 to ``MOST_BITS``, at ``position``; returns the position behind them.

    ``data`` is an address; what lay behind the field is lost.
    """
    at, shift = data + (position >> 3), position & 7
    store_word(at, (load_word(at) & ((1 << shift) - 1)) | (value << shift))
    return position + width


@inlined_kernel
def read_bits(data: int, position: int, width: int, end: int) -> int:
    """The field of ``width`` bits at ``position``; zeros from the position ``end`` on, which is that of a byte.

    ``data`` is an address, with ``PADDING`` zeros behind ``end``. Whoever reads looks at last whether it went past.
    """
    at = min(position, end)
    return (load_word(data + (at >> 3)) >> (at & 7)) & ((1 << width) - 1)


@kernel
def write_number(data: int, position: int, value: int) -> int:
    """Write any number from 0 to 2**63 - 1: how many bits it has, and all of them but the first."""
    length = bit_length(value)
    position = write_bits(data, position, length, LENGTH_BITS)
    low = min(max(length - 1, 0), MOST_BITS)
    position = write_bits(data, position, value & ((1 << low) - 1), low)
    high = max(length - 1 - low, 0)
    return write_bits(data, position, (value >> low) & ((1 << high) - 1), high)


@kernel
def read_number(data: int, position: int, end: int) -> tuple[int, int]:
    """What ``write_number`` wrote, from 0 to 2**63 - 1 whatever the bits are, and the position behind it."""
    length = read_bits(data, position, LENGTH_BITS, end)
    if length == 0:
        return 0, position + LENGTH_BITS
    position += LENGTH_BITS
    low = min(length - 1, MOST_BITS)
    value = read_bits(data, position, low, end)
    position += low
    high = length - 1 - low
    value |= read_bits(data, position, high, end) << low
    return value | (1 << (length - 1)), position + high
