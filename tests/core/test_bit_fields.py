"""Fields of bits: what was written comes back, and past the end there is nothing but zeros."""

from __future__ import annotations

import random

import numpy as np

from stream_rcf.core.bit_fields import PADDING
from tests.core.bit_field_kernels import NUMBER, read_all, write_all


def drawn_fields(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Values and widths, every width at every place in a byte."""
    draw = random.Random(1)
    widths = [draw.choice([NUMBER, *range(33)]) for _ in range(count)]
    lengths = [draw.randrange(64) if width == NUMBER else width for width in widths]
    values = [
        draw.choice([draw.getrandbits(length), (1 << length) - 1]) if length else 0 for length in lengths
    ]
    return np.array(values, np.int64), np.array(widths, np.int64)


def test_fields_come_back_whatever_lay_in_the_memory() -> None:
    values, widths = drawn_fields(20_000)
    data = np.full(20_000 * 9, 255, np.uint8)
    size = write_all(data, values, widths)
    data[(size + 7) // 8 :] = 0
    found = np.zeros_like(values)
    assert read_all(data, 8 * (len(data) - PADDING), widths, found) == size
    assert found.tolist() == values.tolist()


def test_fields_stand_lowest_bit_first_one_behind_the_other() -> None:
    values, widths = np.array([0b101, 0b11, 0, 1]), np.array([3, 5, 4, 1])
    data = np.full(16, 255, np.uint8)
    assert write_all(data, values, widths) == 13
    assert data[:2].tolist() == [0b00011_101, 0b0001_0000]


def test_past_the_end_there_are_zeros_and_the_position_goes_on() -> None:
    values, widths = drawn_fields(500)
    data = np.zeros(500 * 9, np.uint8)
    size = write_all(data, values, widths)
    for end in range(0, size, 120):  # bytes
        cut = np.concatenate([data[: end // 8], np.zeros(PADDING, np.uint8)])
        found = np.full_like(values, -1)
        position = read_all(cut, end, widths, found)
        places = np.cumsum(np.where(widths == NUMBER, 0, widths))
        assert position >= places[-1]
        assert (found >= 0).all()
        assert found[-1] == 0 or widths[-1] == NUMBER or end >= size
