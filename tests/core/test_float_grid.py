"""float32 as whole numbers, and the code for a value of an interval."""

from __future__ import annotations

import math
import random
import struct

import numpy as np
import pytest

from stream_rcf.core.range_coder import RANGE, RANGE_BITS, new_coder
from tests.core.coder_kernels import decode_value, encode_value, rank, value_of

GREATEST = float(np.finfo(np.float32).max)
LEAST = 2.0**-149
LANDMARKS = [-GREATEST, -1.0, -(2.0**-126), -LEAST, 0.0, LEAST, 2.0**-126, 0.1, 1.0, 16777216.0, GREATEST]


def single(value: float) -> np.float32:
    return np.float32(value)


def next_after(value: float, steps: int) -> float:
    for _ in range(abs(steps)):
        value = float(np.nextafter(single(value), single(math.copysign(math.inf, steps))))
    return value + 0.0  # no -0.0


def bits(value: float) -> bytes:
    return struct.pack("<f", value)


def test_ranks_ascend_without_a_gap() -> None:
    for landmark in LANDMARKS[1:-1]:
        around = [next_after(landmark, steps) for steps in range(-3, 4)]
        assert [rank(single(value)) for value in around] == [rank(single(landmark)) + s for s in range(-3, 4)]


@pytest.mark.parametrize("value", LANDMARKS)
def test_a_rank_gives_its_value_back(value: float) -> None:
    assert bits(float(value_of(rank(single(value))))) == bits(value)


def test_both_zeros_have_one_rank_and_come_back_as_0() -> None:
    assert rank(single(0.0)) == rank(single(-0.0)) == 0
    assert bits(float(value_of(0))) == bits(0.0)


def through(value: float, lower: float, upper: float) -> tuple[float, float]:
    """A value written and read, and the bits it took."""
    coder = new_coder(np.zeros(40, np.uint8), 0)
    size = encode_value(coder, single(value), single(lower), single(upper))
    taken = RANGE_BITS + 8 * (size - 1) - math.log2(coder.state[RANGE])
    return float(decode_value(new_coder(coder.data[:size].copy(), 0), single(lower), single(upper))), taken


def test_the_ends_of_every_interval_between_landmarks_come_back() -> None:
    for i, lower in enumerate(LANDMARKS):
        for upper in LANDMARKS[i + 1 :]:
            for value in (lower, min(next_after(lower, 1), next_after(upper, -1)), next_after(upper, -1)):
                assert bits(through(value, lower, upper)[0]) == bits(value)


def test_any_value_of_any_interval_comes_back() -> None:
    draw = random.Random(3)
    for _ in range(3000):
        scale = 10.0 ** draw.randrange(-44, 38)
        lower, value, upper = sorted(float(single(draw.gauss(0, 1) * scale)) + 0.0 for _ in range(3))
        if draw.random() < 0.2:
            upper = next_after(lower, draw.randrange(1, 4))
            value = lower
        if lower <= value < upper:
            assert bits(through(value, lower, upper)[0]) == bits(value)


def test_an_interval_of_one_value_costs_nothing() -> None:
    assert through(3.0, 3.0, next_after(3.0, 1)) == (3.0, 0.0)


def test_near_zero_a_uniform_value_costs_no_more_than_elsewhere() -> None:
    """Between -1 and 1 lie 2**31 floats, but a value from the half beyond 0.5 is one of 2**24: 25 bits, not 31."""
    draw = random.Random(4)
    sizes = [through(float(single(draw.uniform(0.5, 1.0))), -1.0, 1.0)[1] for _ in range(100)]
    assert max(sizes) < 25.01


def test_nonsense_gives_a_value_of_the_interval() -> None:
    draw = random.Random(5)
    for _ in range(2000):
        i, j = sorted(draw.sample(range(len(LANDMARKS)), 2))
        coder = new_coder(np.frombuffer(bytearray(draw.randbytes(draw.randrange(12))), np.uint8), 0)
        value = float(decode_value(coder, single(LANDMARKS[i]), single(LANDMARKS[j])))
        assert LANDMARKS[i] <= value < LANDMARKS[j]
