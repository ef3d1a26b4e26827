"""Random cuts: a dimension drawn in proportion to its side, a value uniform within it (paper, definition 1).

Of a box extended by a point outside it only one kind of cut matters: one that separates the two. That is a cut within
one of the gaps between them, so one number says both: whether the cut falls in a gap at all, and where. The
distribution is that of drawing the whole cut and looking (algorithm reference, 4.3 and 4.6).
"""

from __future__ import annotations

import numpy as np

from stream_rcf.core.boxes import border
from stream_rcf.core.kernel import inlined_kernel, kernel
from stream_rcf.core.memory import load_float

MINUS_INFINITY = np.float32(-np.inf)  # the direction in which to look for the next lower float32


@inlined_kernel
def rest_of_cut(uniform: float, distance: float, sides: float) -> float:
    """Where the cut falls along the extended box's sides, the box's own first: beyond them, from 0 on, it separates."""
    return uniform * (sides + distance) - sides


@kernel
def cut_gap(box: int, point: int, point_dimensions: int, rest: float) -> tuple[int, np.float32]:
    """(dimension, value) of the cut at ``rest`` along the gaps, in coordinate order.

    ``box`` and ``point`` are addresses; the point lies outside the box. The value leaves the box on one side and the
    point on the other, whatever rounding does: it is at least the lower end of the gap and below the upper.
    """
    dimension = 0
    for i in range(point_dimensions):
        lower, upper = border(box, i)
        value = np.float64(load_float(point + 4 * i))
        gap = max(np.float64(lower) - value, value - np.float64(upper))
        if gap > 0.0:
            dimension = i
            if rest <= gap:
                break
            rest -= gap
    lower, upper = border(box, dimension)
    x = load_float(point + 4 * dimension)
    low = x if x < lower else upper
    high = lower if x < lower else x
    cut = np.float32(np.float64(low) + rest)
    if cut >= high:
        cut = np.nextafter(high, MINUS_INFINITY)
    return dimension, cut
