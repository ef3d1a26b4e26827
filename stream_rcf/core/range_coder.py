"""An arithmetic coder: numbers as fractions of one range, so that each costs what its probability says, to the bit.

After G. N. N. Martin, "Range encoding", 1979, with bytes carried back when ``low`` overflows. Chances of bits adapt as
they are met, each context for itself: the mean of what it saw, of about the last ``LONGEST_MEMORY`` bits.

A decoder never fails in the middle: past the end of the bytes it reads zeros, and what no encoder writes it notes.
``is_whole`` says at the end whether all was as an encoder left it. Till then what was decoded may be nonsense, but
every number is in the range that was asked for.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from llvmlite import ir
from numba import types

from stream_rcf.core.kernel import inlined_kernel, intrinsic, kernel

RANGE_BITS = 56  # so that a carry and a multiplication stay within a positive int64
WHOLE_RANGE = 1 << RANGE_BITS
LEAST_RANGE = 1 << (RANGE_BITS - 8)  # below it the uppermost byte no longer changes but by a carry
BELOW_FIRST_BYTE = LEAST_RANGE - 1
CODE_BYTES = RANGE_BITS // 8
GREATEST_TOTAL = 1 << 32  # of shares: a share is then known to 2**-16 of itself
CHANCE_BITS = 16
LEAST_CHANCE = 32  # of 2**16: no bit costs more than 11 bits, or less than a thousandth of one
EVEN_CHANCE = 1 << (CHANCE_BITS - 1)
LONGEST_MEMORY = 255
LENGTH_CONTEXTS = 64  # of one code for numbers
MOST_BITS = 32  # written at once

# Words of a coder's state.
LOW, RANGE, POSITION, IS_IMPOSSIBLE = 0, 1, 2, 3
STATE_WORDS = 4

_ADAPTATION = np.array([(1 << CHANCE_BITS) // (seen + 2) for seen in range(LONGEST_MEMORY + 1)], np.int64)


class Coder(NamedTuple):
    """What is written or read, and how far."""

    data: np.ndarray  # (bytes,) uint8
    state: (
        np.ndarray
    )  # (STATE_WORDS,) int64; while decoding LOW is how far the code lies above the range's lower end
    chances: np.ndarray  # (contexts, 2) int64: of a bit that is 0, of 2**CHANCE_BITS; bits seen


def new_coder(data: np.ndarray, contexts: int) -> Coder:
    """A coder over ``data``, (bytes,) uint8, ready to encode; ``begin_decoding`` makes it ready to decode."""
    state = np.array([0, WHOLE_RANGE, 0, 0], np.int64)
    chances = np.zeros((contexts, 2), np.int64)
    chances[:, 0] = EVEN_CHANCE
    return Coder(data, state, chances)


@intrinsic
def bit_length(_context: Any, value: Any) -> Any:
    """Bits of a non-negative int64 without leading zeros: 0 for 0, 63 at the most."""

    def generate(_target: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        leading_zeros = builder.ctlz(arguments[0], ir.Constant(ir.IntType(1), 0))
        return builder.sub(ir.Constant(ir.IntType(64), 64), leading_zeros)

    return types.int64(types.int64), generate


@inlined_kernel
def forget_chances(coder: Coder, first: int, last: int) -> None:
    """Begin anew in the contexts ``first`` to ``last - 1``."""
    for context in range(first, last):
        coder.chances[context, 0] = EVEN_CHANCE
        coder.chances[context, 1] = 0


@inlined_kernel
def _learn(coder: Coder, context: int, bit: int) -> None:
    chance, seen = coder.chances[context, 0], coder.chances[context, 1]
    chance += (((1 - bit) << CHANCE_BITS) - chance) * _ADAPTATION[seen] >> CHANCE_BITS
    coder.chances[context, 0] = min(max(chance, LEAST_CHANCE), (1 << CHANCE_BITS) - LEAST_CHANCE)
    coder.chances[context, 1] = min(seen + 1, LONGEST_MEMORY)


@inlined_kernel
def _put_byte(coder: Coder, byte: int) -> None:
    """Write a byte; beyond the end only count it."""
    position = coder.state[POSITION]
    if position < coder.data.shape[0]:
        coder.data[position] = byte
    coder.state[POSITION] = position + 1


@kernel
def _carry(coder: Coder) -> None:
    """Add one to the bytes written, as to one long number."""
    position = min(coder.state[POSITION], coder.data.shape[0]) - 1
    while position >= 0 and coder.data[position] == 255:  # the first byte cannot overflow: all is below one
        coder.data[position] = 0
        position -= 1
    if position >= 0:
        coder.data[position] += 1


@inlined_kernel
def _narrow(coder: Coder, start: int, width: int) -> None:
    """Keep of the range what begins at ``start`` above its lower end."""
    low = coder.state[LOW] + start
    if low >= WHOLE_RANGE:
        low -= WHOLE_RANGE
        _carry(coder)
    while width < LEAST_RANGE:
        _put_byte(coder, low >> (RANGE_BITS - 8))
        low = (low & BELOW_FIRST_BYTE) << 8
        width <<= 8
    coder.state[LOW] = low
    coder.state[RANGE] = width


@inlined_kernel
def encode_share(coder: Coder, start: int, size: int, total: int) -> None:
    """Write something whose probability is ``size / total``; what comes before it has ``start``. All below 2**32."""
    step = coder.state[RANGE] // total
    _narrow(coder, step * start, step * size)


@inlined_kernel
def encode_uniform(coder: Coder, value: int, total: int) -> None:
    """Write one of ``total`` equally probable numbers, from 0; ``total`` at most ``GREATEST_TOTAL``."""
    if total > 1:
        encode_share(coder, value, 1, total)


@inlined_kernel
def encode_bits(coder: Coder, value: int, count: int) -> None:
    """Write the ``count`` bits of ``value``, at most ``MOST_BITS``."""
    step = coder.state[RANGE] >> count
    _narrow(coder, step * value, step)


@inlined_kernel
def encode_bit(coder: Coder, context: int, bit: int) -> None:
    """Write a bit with the chances of its context."""
    width = coder.state[RANGE]
    zero = (width >> CHANCE_BITS) * coder.chances[context, 0]
    if bit:
        _narrow(coder, zero, width - zero)
    else:
        _narrow(coder, 0, zero)
    _learn(coder, context, bit)


@kernel
def encode_number(coder: Coder, context: int, value: int) -> None:
    """Write any number from 0 to 2**63 - 1: how many bits it has, which is learned, and they.

    It uses the ``LENGTH_CONTEXTS`` contexts from ``context`` on.
    """
    length = bit_length(value)
    place = 1
    for level in range(5, -1, -1):
        bit = (length >> level) & 1
        encode_bit(coder, context + place, bit)
        place = 2 * place + bit
    rest = length - 1
    if rest > MOST_BITS:
        encode_bits(coder, (value >> MOST_BITS) & ((1 << (rest - MOST_BITS)) - 1), rest - MOST_BITS)
        rest = MOST_BITS
    if rest > 0:
        encode_bits(coder, value & ((1 << rest) - 1), rest)


@kernel
def finish_encoding(coder: Coder) -> int:
    """Write what tells the last range from its neighbours; returns how many bytes there are, or would be."""
    low = coder.state[LOW] + BELOW_FIRST_BYTE
    if low >= WHOLE_RANGE:
        low -= WHOLE_RANGE
        _carry(coder)
    _put_byte(coder, low >> (RANGE_BITS - 8))  # the zeros that follow need not be written
    return coder.state[POSITION]


@inlined_kernel
def _next_byte(coder: Coder) -> int:
    position = coder.state[POSITION]
    coder.state[POSITION] = position + 1
    return int(coder.data[position]) if position < coder.data.shape[0] else 0


@kernel
def begin_decoding(coder: Coder) -> None:
    """Read the first bytes."""
    code = 0
    for _ in range(CODE_BYTES):
        code = (code << 8) | _next_byte(coder)
    coder.state[LOW] = code
    coder.state[RANGE] = WHOLE_RANGE


@inlined_kernel
def _follow(coder: Coder, start: int, width: int) -> None:
    """Narrow the range as the encoder did; the code must lie within."""
    code = coder.state[LOW] - start
    while width < LEAST_RANGE:
        code = (code << 8) | _next_byte(coder)
        width <<= 8
    coder.state[LOW] = code
    coder.state[RANGE] = width


@inlined_kernel
def decode_target(coder: Coder, total: int) -> int:
    """A number below ``total`` that lies in the share written, from its start on; ``take_share`` must follow."""
    target = coder.state[LOW] // (coder.state[RANGE] // total)
    if target >= total:  # in what the division left over, where no share lies
        coder.state[IS_IMPOSSIBLE] = 1
        target = total - 1
        coder.state[LOW] = (coder.state[RANGE] // total) * target
    return target


@inlined_kernel
def take_share(coder: Coder, start: int, size: int, total: int) -> None:
    """Go on behind the share that held the target."""
    step = coder.state[RANGE] // total
    _follow(coder, step * start, step * size)


@inlined_kernel
def decode_uniform(coder: Coder, total: int) -> int:
    """Read what ``encode_uniform`` wrote: from 0 to ``total - 1``."""
    if total <= 1:
        return 0
    value = decode_target(coder, total)
    take_share(coder, value, 1, total)
    return value


@inlined_kernel
def decode_bits(coder: Coder, count: int) -> int:
    """Read what ``encode_bits`` wrote."""
    step = coder.state[RANGE] >> count
    value = coder.state[LOW] // step
    if value >> count:
        coder.state[IS_IMPOSSIBLE] = 1
        value = (1 << count) - 1
        coder.state[LOW] = step * value
    _follow(coder, step * value, step)
    return value


@inlined_kernel
def decode_bit(coder: Coder, context: int) -> int:
    """Read what ``encode_bit`` wrote."""
    width = coder.state[RANGE]
    zero = (width >> CHANCE_BITS) * coder.chances[context, 0]
    bit = int(coder.state[LOW] >= zero)
    if bit:
        _follow(coder, zero, width - zero)
    else:
        _follow(coder, 0, zero)
    _learn(coder, context, bit)
    return bit


@kernel
def decode_number(coder: Coder, context: int) -> int:
    """Read what ``encode_number`` wrote: from 0 to 2**63 - 1."""
    place = 1
    for _ in range(6):
        place = 2 * place + decode_bit(coder, context + place)
    length = place - LENGTH_CONTEXTS
    if length == 0:
        return 0
    rest = length - 1
    value = 1
    if rest > MOST_BITS:
        value = (value << (rest - MOST_BITS)) | decode_bits(coder, rest - MOST_BITS)
        rest = MOST_BITS
    if rest > 0:
        value = (value << rest) | decode_bits(coder, rest)
    return value


@inlined_kernel
def is_whole(coder: Coder) -> bool:
    """Whether the bytes were those of an encoder, and all of them."""
    unread = coder.data.shape[0] + CODE_BYTES - 1 - coder.state[POSITION]
    return unread == 0 and coder.state[IS_IMPOSSIBLE] == 0
