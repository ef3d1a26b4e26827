"""Random cuts: a dimension drawn in proportion to its side, a value uniform within it (paper, definition 1)."""

from __future__ import annotations

import numpy as np

from stream_rcf.core.boxes import border
from stream_rcf.core.kernel import inlined_kernel, kernel
from stream_rcf.core.memory import load_float

MINUS_INFINITY = np.float32(-np.inf)  # the direction in which to look for the next lower float32


@inlined_kernel
def _extended_side(box: int, point: int, dimension: int) -> tuple[np.float32, np.float32]:
    lower, upper = border(box, dimension)
    value = load_float(point + 4 * dimension)
    return min(lower, value), max(upper, value)


@kernel
def cut_extended_box(box: int, point: int, point_dimensions: int, uniform: float) -> tuple[int, np.float32]:
    """Cut the box at address ``box`` grown to hold the point at ``point``, which lies outside it: (dimension, value).

    The value is below the grown box's upper border, so that neither side is ever empty.
    """
    total = 0.0
    for i in range(point_dimensions):
        low, high = _extended_side(box, point, i)
        total += np.float64(high) - np.float64(low)
    rest = uniform * total
    dimension = 0
    for i in range(point_dimensions):
        low, high = _extended_side(box, point, i)
        side = np.float64(high) - np.float64(low)
        if side > 0.0:
            if rest <= side:
                value = np.float32(np.float64(low) + rest)
                if value >= high:
                    value = np.nextafter(high, MINUS_INFINITY)
                return i, value
            rest -= side
            dimension = i
    _, high = _extended_side(box, point, dimension)  # rounding carried the walk past the last side
    return dimension, np.nextafter(high, MINUS_INFINITY)


@inlined_kernel
def separates(box: int, point: int, dimension: int, value: np.float32) -> bool:
    """Whether the cut leaves the whole box on one side and the point on the other."""
    lower, upper = border(box, dimension)
    x = load_float(point + 4 * dimension)
    return (x <= value < lower) or (x > value >= upper)
