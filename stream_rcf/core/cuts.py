"""Random cuts: a dimension drawn in proportion to its side, a value uniform within it (paper, definition 1)."""

from __future__ import annotations

import numpy as np

from stream_rcf.core.kernel import inlined_kernel

MINUS_INFINITY = np.float32(-np.inf)  # the direction in which to look for the next lower float32


@inlined_kernel
def cut_extended_box(
    lower: np.ndarray, upper: np.ndarray, point: np.ndarray, uniform: float
) -> tuple[int, np.float32]:
    """Cut the box ``lower``, ``upper`` grown to hold ``point``, which must lie outside it: (dimension, value).

    The value is below the grown box's upper border, so that neither side is ever empty.
    """
    d = point.shape[0]
    total = 0.0
    for i in range(d):
        total += np.float64(max(upper[i], point[i])) - np.float64(min(lower[i], point[i]))
    rest = uniform * total
    dimension = 0
    for i in range(d):
        low = min(lower[i], point[i])
        high = max(upper[i], point[i])
        side = np.float64(high) - np.float64(low)
        if side > 0.0:
            if rest <= side:
                value = np.float32(np.float64(low) + rest)
                if value >= high:
                    value = np.nextafter(high, MINUS_INFINITY)
                return i, value
            rest -= side
            dimension = i
    high = max(upper[dimension], point[dimension])  # rounding carried the walk past the last side
    return dimension, np.nextafter(high, MINUS_INFINITY)
