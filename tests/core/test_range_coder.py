"""The arithmetic coder: every code by itself and mixed, at its edges, at its end, and over nonsense."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest

from stream_rcf.core.range_coder import GREATEST_TOTAL, Coder, new_coder
from tests.core.coder_kernels import (
    BIT,
    BITS,
    NUMBER,
    SHARE,
    TEST_CONTEXTS,
    UNIFORM,
    decode_symbols,
    encode_symbols,
)
from tests.oracle.naive_coder import NaiveCoder

Symbol = tuple[int, int, int]


def coder_over(data: bytes | int) -> Coder:
    """A coder over these bytes, or over so many empty ones."""
    return new_coder(np.frombuffer(bytearray(data), np.uint8), TEST_CONTEXTS)


def encoded(symbols: list[Symbol], room: int = 20_000) -> bytes:
    coder = coder_over(room)
    size = encode_symbols(coder, np.array(symbols, np.int64).reshape(-1, 3))
    return coder.data[:size].tobytes()


def decoded(data: bytes, symbols: list[Symbol]) -> tuple[bool, list[int]]:
    values = np.zeros(len(symbols), np.int64)
    whole = decode_symbols(coder_over(data), np.array(symbols, np.int64).reshape(-1, 3), values)
    return whole, values.tolist()


def any_symbol(draw: random.Random) -> Symbol:
    kind = draw.choice([BIT, BITS, UNIFORM, NUMBER])
    if kind == BIT:
        context = draw.randrange(3)
        return kind, int(draw.random() < (0.5, 0.002, 0.999)[context]), context
    if kind == BITS:
        count = draw.randrange(33)
        return kind, draw.choice([0, 2**count - 1, draw.randrange(2**count)]), count
    if kind == UNIFORM:
        total = draw.choice([1, 2, 3, 1000, GREATEST_TOTAL - 1, GREATEST_TOTAL, draw.randrange(1, 2**32)])
        return kind, draw.choice([0, total - 1, draw.randrange(total)]), total
    return kind, draw.choice([0, 1, 2**63 - 1, draw.randrange(2 ** draw.randrange(1, 64))]), 0


@pytest.mark.parametrize(
    "symbol",
    [
        *[(BIT, bit, 0) for bit in (0, 1)],
        *[(BITS, value, count) for count in (0, 1, 31, 32) for value in {0, 2**count - 1}],
        *[(UNIFORM, value, total) for total in (1, 2, 3, GREATEST_TOTAL) for value in {0, total - 1}],
        *[
            (NUMBER, value, 0)
            for n in (0, 1, 2, 31, 32, 33, 34, 63)
            for value in {2**n - 1, 2 ** max(0, n - 1)}
        ],
    ],
)
@pytest.mark.parametrize("times", [1, 300])
def test_each_code_alone_comes_back(symbol: Symbol, times: int) -> None:
    data = encoded([symbol] * times)
    assert decoded(data, [symbol] * times) == (True, [symbol[1]] * times)


def test_nothing_comes_back() -> None:
    assert decoded(encoded([]), []) == (True, [])


def test_mixed_symbols_come_back_and_are_the_twin_s_bytes() -> None:
    draw = random.Random(20261127)
    for _ in range(200):
        symbols = [any_symbol(draw) for _ in range(draw.randrange(300))]
        data = encoded(symbols)
        assert decoded(data, symbols) == (True, [value for _, value, _ in symbols])
        twin = NaiveCoder(TEST_CONTEXTS)
        for kind, value, argument in symbols:
            twin.write(kind, value, argument)
        assert twin.finish() == data


def test_a_carry_runs_through_many_bytes() -> None:
    """The greatest value of each total brings the lower end near one: what follows may carry all the way."""
    for last in range(2, 40):
        symbols = [(UNIFORM, 2**32 - 1, 2**32)] * 50 + [(UNIFORM, last - 1, last)] * 30
        assert decoded(encoded(symbols), symbols) == (True, [value for _, value, _ in symbols])


def test_shares_are_found_by_any_target_in_them() -> None:
    shares = [(SHARE, 0, 1), (SHARE, 1, 998), (SHARE, 999, 1)] * 40
    whole, targets = decoded(encoded(shares), shares)
    assert whole
    for (_, start, size), target in zip(shares, targets, strict=True):
        assert start <= target < start + size


def test_a_symbol_costs_what_its_probability_says() -> None:
    assert len(encoded([(UNIFORM, i % 1000, 1000) for i in range(8000)])) - math.log2(1000) * 1000 < 8
    rare = [(BIT, int(i % 100 == 0), 0) for i in range(8000)]
    entropy = -0.01 * math.log2(0.01) - 0.99 * math.log2(0.99)
    assert entropy * 1000 < len(encoded(rare)) < entropy * 1000 * 1.1 + 8


def test_too_little_room_is_counted_and_not_written_past() -> None:
    symbols = [(BITS, 12345, 20)] * 100
    enough = encoded(symbols)
    for room in (0, 1, 100, len(enough) - 1):
        coder = coder_over(room)
        assert encode_symbols(coder, np.array(symbols, np.int64)) == len(enough)
        assert len(coder.data) == room


def test_too_few_and_too_many_bytes_are_noticed() -> None:
    symbols = [(UNIFORM, i, 1000) for i in range(200)]
    data = encoded(symbols)
    assert not decoded(data + b"\0", symbols)[0]
    assert not any(decoded(data[:keep], symbols)[0] for keep in range(len(data)))


def test_nonsense_gives_numbers_that_were_asked_for() -> None:
    draw = random.Random(7)
    for _ in range(300):
        symbols = [any_symbol(draw) for _ in range(200)]
        kept = draw.choice([b"\xff" * 900, b"", b"\0" * 900, draw.randbytes(900)])
        _, values = decoded(kept, symbols)
        for (kind, _, argument), value in zip(symbols, values, strict=True):
            limit = argument if kind == UNIFORM else 2 ** {BIT: 1, BITS: argument, NUMBER: 63}[kind]
            assert 0 <= value < limit
