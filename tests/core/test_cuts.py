"""Random cuts: the kernel against its twin, at the ends of float32, and in distribution."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream_rcf.core.lanes import LANES
from stream_rcf.core.model import model_of
from stream_rcf.core.parameters import DetectorParameters, ForestParameters
from stream_rcf.core.scratch import new_scratch
from tests.core.direct_kernels import cut
from tests.oracle.naive_tree import Point, cut_in_gap, outside_and_sides
from tests.oracle.random_stream import RandomStream

FINITE = st.floats(width=32, allow_nan=False, allow_infinity=False).map(lambda x: x + 0.0)
UNIFORMS = st.one_of(
    st.sampled_from([2.0**-53, 0.5, 1.0 - 2.0**-53]),
    st.integers(0, 2**52 - 1).map(lambda k: (k + 0.5) * 2.0**-52),
)


def in_lanes(values: Point, width: int) -> np.ndarray:
    """The values, with something behind the last that must not count."""
    array = np.full(width, 1e30, np.float32)
    array[: len(values)] = values
    return array


def kernel_cut(low: Point, high: Point, point: Point, uniform: float) -> tuple[bool, int, float]:
    """Whether the kernel's cut of the box extended by `point` parts the two, and its dimension and value then."""
    forest = ForestParameters(dimensions=len(point), shingle_size=1)
    model = model_of(DetectorParameters(tuple(f"feature_{i}" for i in range(len(point))), forest))
    width = LANES * model.chunks
    borders = [in_lanes(corner, width).reshape(-1, LANES) for corner in (low, high)]
    box = np.ascontiguousarray(np.stack(borders, axis=1)).ravel()
    parts, dimension, value = cut(box, in_lanes(point, width), new_scratch(model).mask, model, uniform)
    return bool(parts), int(dimension), float(value)


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
    parts, dimension, value = kernel_cut(low, high, point, uniform)
    outside, sides = outside_and_sides(low, high, point)
    rest = uniform * (sides + outside) - sides
    assert parts == (rest >= 0)
    if not parts:
        return
    assert (dimension, value) == cut_in_gap(low, high, point, rest)
    if point[dimension] < low[dimension]:
        assert point[dimension] <= value < low[dimension]
    else:
        assert high[dimension] <= value < point[dimension]


@pytest.mark.parametrize("uniform", [2.0**-53, 0.25, 0.5, 1.0 - 2.0**-53])
def test_between_neighbouring_numbers_the_cut_is_the_lower_one(uniform: float) -> None:
    below, above = np.float32(1.0), np.nextafter(np.float32(1.0), np.float32(2.0))
    for low, point in ((below, above), (above, below)):
        _, dimension, value = kernel_cut((float(low),), (float(low),), (float(point),), uniform)
        assert (dimension, value) == (0, 1.0)


def test_a_walk_that_rounding_carries_past_the_last_gap_takes_the_last_gap() -> None:
    side = float(np.float32(2.0**-24 * 1.01))  # each is rounded up in the float32 sum, five times
    point = (1.0, side, side, side, side, side, 0.0)
    zero = (0.0,) * 7
    just_below = float(np.nextafter(np.float32(side), np.float32(0.0)))
    assert kernel_cut(zero, zero, point, 1.0 - 2.0**-53)[1:] == (5, just_below)


def test_sides_of_the_largest_numbers_do_not_overflow() -> None:
    most = float(np.finfo(np.float32).max)
    assert kernel_cut((-most, -most), (-most, -most), (most, most), 0.25) == (True, 0, 0.0)
    assert kernel_cut((-most, -most), (-most, -most), (most, most), 0.75) == (True, 1, 0.0)


def test_only_gaps_are_cut_each_in_proportion_to_its_length() -> None:
    low, high, point = (0.0, -1.0, 2.0, 7.0), (1.0, 1.0, 2.0, 7.5), (3.0, 0.0, 2.0, 3.0)
    gaps = np.array([2.0, 0.0, 0.0, 4.0])
    stream, draws = RandomStream(20260101), 40_000
    cuts = [kernel_cut(low, high, point, stream.uniform()) for _ in range(draws)]
    counts = np.bincount([dimension for parts, dimension, _ in cuts if parts], minlength=4)
    expected = counts.sum() * gaps / gaps.sum()
    assert counts[1] == counts[2] == 0
    wide = gaps > 0
    chi_squared = ((counts - expected)[wide] ** 2 / expected[wide]).sum()
    assert chi_squared < 15.2  # 1 degree of freedom, one in ten thousand


def test_cut_values_are_uniform_within_the_gap() -> None:
    stream = RandomStream(20260102)
    cuts = [kernel_cut((0.0, 0.0), (1.0, 2.0), (4.0, -3.0), stream.uniform()) for _ in range(30_000)]
    for dimension, low in ((0, 1.0), (1, -3.0)):
        values = np.array([value for parts, chosen, value in cuts if parts and chosen == dimension])
        counts = np.histogram(values, bins=20, range=(low, low + 3.0))[0]
        assert counts.sum() == len(values)
        expected = len(values) / 20
        chi_squared = ((counts - expected) ** 2 / expected).sum()
        assert chi_squared < 50.8  # 19 degrees of freedom, one in ten thousand


def test_a_point_is_separated_from_a_box_with_the_documented_probability() -> None:
    low, high, point = (0.0, 0.0), (2.0, 1.0), (3.0, -0.5)
    probability = (1.0 + 0.5) / (3.0 + 1.5)  # reference, 4.6: the gaps, of the extended box's sides
    stream, draws = RandomStream(20260103), 40_000
    cut_off = sum(kernel_cut(low, high, point, stream.uniform())[0] for _ in range(draws))
    deviation = (draws * probability * (1 - probability)) ** 0.5
    assert abs(cut_off - draws * probability) < 4 * deviation
