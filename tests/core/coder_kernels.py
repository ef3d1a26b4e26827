"""The arithmetic coder's inlined steps as kernels that a test can call: a list of symbols, written and read."""

from __future__ import annotations

import numpy as np

from stream_rcf.core.float_grid import decode_between, encode_between, rank_of, value_at
from stream_rcf.core.kernel import kernel
from stream_rcf.core.range_coder import (
    Coder,
    begin_decoding,
    decode_bit,
    decode_bits,
    decode_number,
    decode_target,
    decode_uniform,
    encode_bit,
    encode_bits,
    encode_number,
    encode_share,
    encode_uniform,
    finish_encoding,
    is_whole,
    take_share,
)

BIT, BITS, UNIFORM, NUMBER, SHARE = range(5)
TEST_CONTEXTS = 64 + 8  # those of numbers, then those of bits
FIRST_BIT_CONTEXT = 64


@kernel
def encode_symbols(coder: Coder, symbols: np.ndarray) -> int:
    """Write each row of ``symbols`` (n, 3) int64: kind, value, argument; returns the bytes it takes.

    The argument is a bit's context, how many bits, a total, nothing, or for a share its size: it starts at value.
    """
    for i in range(symbols.shape[0]):
        kind, value, argument = symbols[i, 0], symbols[i, 1], symbols[i, 2]
        if kind == BIT:
            encode_bit(coder, FIRST_BIT_CONTEXT + argument, value)
        elif kind == BITS:
            encode_bits(coder, value, argument)
        elif kind == UNIFORM:
            encode_uniform(coder, value, argument)
        elif kind == NUMBER:
            encode_number(coder, 0, value)
        else:
            encode_share(coder, value, argument, 1000)
    return finish_encoding(coder)


@kernel
def decode_symbols(coder: Coder, symbols: np.ndarray, values: np.ndarray) -> bool:
    """Read into ``values`` (n,) what ``symbols`` say but for their values; of a share a target in it."""
    begin_decoding(coder)
    for i in range(symbols.shape[0]):
        kind, value, argument = symbols[i, 0], symbols[i, 1], symbols[i, 2]
        if kind == BIT:
            values[i] = decode_bit(coder, FIRST_BIT_CONTEXT + argument)
        elif kind == BITS:
            values[i] = decode_bits(coder, argument)
        elif kind == UNIFORM:
            values[i] = decode_uniform(coder, argument)
        elif kind == NUMBER:
            values[i] = decode_number(coder, 0)
        else:
            values[i] = decode_target(coder, 1000)
            take_share(coder, value, argument, 1000)
    return is_whole(coder)


@kernel
def encode_value(coder: Coder, value: np.float32, lower: np.float32, upper: np.float32) -> int:
    """Write one value of an interval."""
    encode_between(coder, value, lower, upper)
    return finish_encoding(coder)


@kernel
def decode_value(coder: Coder, lower: np.float32, upper: np.float32) -> np.float32:
    """Read it."""
    begin_decoding(coder)
    return decode_between(coder, lower, upper)


@kernel
def rank(value: np.float32) -> int:
    """A float32's number."""
    return rank_of(value)


@kernel
def value_of(number: int) -> np.float32:
    """And back."""
    return value_at(number)
