"""Eight float32 at once: the documented order of sums, and masks that hide whatever lies beneath."""

from __future__ import annotations

import numpy as np
import pytest

from tests.core.direct_kernels import all_lanes_zero, keep_masked, sums

ALL_BITS = 0xFFFFFFFF


def documented_sum(values: np.ndarray) -> float:
    """((0+4)+(2+6)) + ((1+5)+(3+7)), each step rounded to float32."""
    quarters = values[:4] + values[4:]
    halves = quarters[:2] + quarters[2:]
    return float(halves[0] + halves[1])


def test_sums_are_taken_in_the_documented_order() -> None:
    """Rounding makes the order visible: most of these sums differ from those taken from left to right."""
    random = np.random.default_rng(8)
    other_order = 0
    for _ in range(500):
        first, second = (random.normal(size=(2, 8)) * 10.0 ** random.integers(-4, 5, (2, 8))).astype(
            np.float32
        )
        assert sums(first, second) == (documented_sum(first), documented_sum(second))
        in_turn = np.float32(0.0)
        for value in first:
            in_turn = in_turn + value
        other_order += float(in_turn) != documented_sum(first)
    assert other_order > 100


def test_sums_that_overflow_are_infinite() -> None:
    most = np.full(8, np.finfo(np.float32).max, np.float32)
    assert sums(most, -most) == (np.inf, -np.inf)


@pytest.mark.parametrize("hidden", [np.nan, np.inf, -np.inf, -0.0, 1e-45, 3.0])
def test_a_masked_lane_is_zero_whatever_it_held(hidden: float) -> None:
    for lane in range(8):
        values = np.full(8, hidden, np.float32)
        mask = np.zeros(8, np.uint32)
        values[lane], mask[lane] = -2.5, ALL_BITS
        keep_masked(values, mask)
        expected = np.zeros(8, np.float32)
        expected[lane] = -2.5
        assert values.tobytes() == expected.tobytes()


def test_lanes_are_all_zero_only_without_any_other_number() -> None:
    assert all_lanes_zero(np.zeros(8, np.float32))
    assert all_lanes_zero(np.full(8, -0.0, np.float32))
    for lane in range(8):
        for value in (1.0, -1.0, 1e-45, np.inf, np.nan):
            values = np.zeros(8, np.float32)
            values[lane] = value
            assert not all_lanes_zero(values)
