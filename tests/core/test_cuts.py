"""Random cuts: the kernel against its twin, at the ends of float32, and in distribution."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream_rcf.core.lanes import LANES
from tests.core.direct_kernels import cut
from tests.oracle.naive_tree import Point, random_cut, separates
from tests.oracle.random_stream import RandomStream

FINITE = st.floats(width=32, allow_nan=False, allow_infinity=False).map(lambda x: x + 0.0)
UNIFORMS = st.one_of(
    st.sampled_from([2.0**-53, 0.5, 1.0 - 2.0**-53]),
    st.integers(0, 2**52 - 1).map(lambda k: (k + 0.5) * 2.0**-52),
)


@dataclass
class Fixed(RandomStream):
    """A stream that always draws one number."""

    value: float

    def uniform(self) -> float:
        return self.value


def in_lanes(values: Point, width: int) -> np.ndarray:
    """The values, with something behind the last that must not count."""
    array = np.full(width, 1e30, np.float32)
    array[: len(values)] = values
    return array


def kernel_cut_and_side(low: Point, high: Point, point: Point, uniform: float) -> tuple[int, float, bool]:
    """The kernel's cut of the box extended by `point`, and whether it parts the two."""
    width = -(-len(point) // LANES) * LANES
    borders = [in_lanes(corner, width).reshape(-1, LANES) for corner in (low, high)]
    box = np.ascontiguousarray(np.stack(borders, axis=1)).ravel()
    dimension, value, parts = cut(box, in_lanes(point, width), len(point), uniform)
    return int(dimension), float(value), bool(parts)


def kernel_cut(low: Point, high: Point, point: Point, uniform: float) -> tuple[int, float]:
    """The kernel's cut alone."""
    return kernel_cut_and_side(low, high, point, uniform)[:2]


@st.composite
def boxes_and_points(draw: st.DrawFn) -> tuple[Point, Point, Point]:
    """A box, possibly flat, and a point outside it."""
    dimensions = draw(st.sampled_from([1, 2, 3, 6, 8, 9, 17]))
    pool = draw(st.lists(FINITE, min_size=2, max_size=6, unique=True))
    corners = st.lists(st.sampled_from(pool), min_size=dimensions, max_size=dimensions)
    first, second, point = draw(corners), draw(corners), draw(corners)
    low, high = tuple(map(min, first, second)), tuple(map(max, first, second))
    if all(a <= x <= b for a, x, b in zip(low, point, high, strict=True)):
        low = high = tuple(pool[0] for _ in range(dimensions))
        point = [*point[:-1], pool[1]]
    return low, high, tuple(point)


@settings(derandomize=True, deadline=None, max_examples=400, database=None)
@given(boxes_and_points(), UNIFORMS)
def test_a_cut_equals_its_twins_and_leaves_neither_side_empty(
    box: tuple[Point, Point, Point], uniform: float
) -> None:
    low, high, point = box
    dimension, value, parts = kernel_cut_and_side(low, high, point, uniform)
    assert (dimension, value) == random_cut(low, high, point, Fixed(uniform))
    assert parts == separates(dimension, value, low, high, point)
    assert min(low[dimension], point[dimension]) <= value < max(high[dimension], point[dimension])


@pytest.mark.parametrize("uniform", [2.0**-53, 0.25, 0.5, 1.0 - 2.0**-53])
def test_between_neighbouring_numbers_the_cut_is_the_lower_one(uniform: float) -> None:
    below, above = np.float32(1.0), np.nextafter(np.float32(1.0), np.float32(2.0))
    assert kernel_cut((float(below),), (float(below),), (float(above),), uniform) == (0, 1.0)
    assert kernel_cut((float(above),), (float(above),), (float(below),), uniform) == (0, 1.0)


def test_a_walk_that_rounding_carries_past_the_last_side_takes_the_last_side_above_zero() -> None:
    side = float(np.float32(2.0**-53 * 1.01))  # each is rounded up to 2**-52 in the sum, five times
    point = (1.0, side, side, side, side, side, 0.0)
    zero = (0.0,) * 7
    just_below = float(np.nextafter(np.float32(side), np.float32(0.0)))
    assert kernel_cut(zero, zero, point, 1.0 - 2.0**-53) == (5, just_below)
    assert random_cut(zero, zero, point, Fixed(1.0 - 2.0**-53)) == (5, just_below)


def test_sides_of_the_largest_numbers_do_not_overflow() -> None:
    most = float(np.finfo(np.float32).max)
    assert kernel_cut((-most, -most), (-most, -most), (most, most), 0.25) == (0, 0.0)
    assert kernel_cut((-most, -most), (-most, -most), (most, most), 0.75) == (1, 0.0)


def test_a_flat_side_is_never_cut() -> None:
    dimensions = {
        kernel_cut((0.0, 5.0, 0.0), (1.0, 5.0, 1.0), (2.0, 5.0, 0.5), (k + 0.5) / 200)[0] for k in range(200)
    }
    assert dimensions == {0, 2}


def test_dimensions_are_cut_in_proportion_to_their_sides() -> None:
    low, high, point = (0.0, -1.0, 2.0, 7.0), (1.0, 1.0, 2.0, 7.5), (3.0, 0.0, 2.0, 11.0)
    sides = np.array([3.0, 2.0, 0.0, 4.0])
    stream, draws = RandomStream(20260101), 60_000
    counts = np.bincount(
        [kernel_cut(low, high, point, stream.uniform())[0] for _ in range(draws)], minlength=4
    )
    expected = draws * sides / sides.sum()
    assert counts[2] == 0
    wide = sides > 0
    chi_squared = ((counts - expected)[wide] ** 2 / expected[wide]).sum()
    assert chi_squared < 18.4  # 2 degrees of freedom, one in ten thousand


def test_cut_values_are_uniform_within_the_side() -> None:
    stream = RandomStream(20260102)
    cuts = [kernel_cut((0.0, 0.0), (1.0, 2.0), (4.0, -2.0), stream.uniform()) for _ in range(40_000)]
    for dimension, low in ((0, 0.0), (1, -2.0)):
        values = np.array([value for chosen, value in cuts if chosen == dimension])
        counts = np.histogram(values, bins=20, range=(low, low + 4.0))[0]
        expected = len(values) / 20
        chi_squared = ((counts - expected) ** 2 / expected).sum()
        assert chi_squared < 50.8  # 19 degrees of freedom, one in ten thousand


def test_a_point_is_separated_from_a_box_with_the_documented_probability() -> None:
    low, high, point = (0.0, 0.0), (2.0, 1.0), (3.0, -0.5)
    probability = (1.0 + 0.5) / (
        3.0 + 1.5
    )  # algorithm reference, 4.6: what lies outside, of the extended box's sides
    stream, draws = RandomStream(20260103), 40_000
    cut_off = sum(kernel_cut_and_side(low, high, point, stream.uniform())[2] for _ in range(draws))
    deviation = (draws * probability * (1 - probability)) ** 0.5
    assert abs(cut_off - draws * probability) < 4 * deviation
