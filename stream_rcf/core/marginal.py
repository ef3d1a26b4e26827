"""The score that a random cut forest of one number alone would give on average over all its trees, without a tree.

In one dimension random cuts can be drawn by giving each gap between neighbours in the sample a clock that rings at a
rate of its length: a subtree is cut in the gap whose clock rings first. The cut in a gap lies on the way to x if its
clock rings before those of all gaps between it and x, which happens with the probability (length of the gap) / (from x
to the gap's far end), and, as with all records, independently of the others. So the cuts on the way to x are a sum of
independent chances; the nearest gap on each side is certain to be cut. Of the others the mean is taken and their number
for a Poisson one, and the mean of 1 / (number of cuts) is the score of section 5 of the algorithm reference: a point
that is separated at depth k scores 1 / (k + 1). (Guha, Mishra, Roy and Schrijvers, ICML 2016, section 3.)
"""

from __future__ import annotations

import numpy as np

from stream_rcf.core.arithmetic import exp, log2
from stream_rcf.core.kernel import inlined_kernel, kernel
from stream_rcf.core.lanes import LANES, add, divide, lanes_of, load_lanes, no_lanes, subtract, two_sums
from stream_rcf.core.memory import address_of, load_float

# Below it the mean of 1 / (cuts) is taken from its series: the closed form would subtract nearly equal numbers.
FEW_CUTS = 1e-3


@kernel
def marginal_score(values: np.ndarray, size: int, x: np.float32) -> tuple[float, bool]:
    """The score of ``x`` against the sample, the first ``size`` of ``values`` (n,) float32 in ascending order.

    About 1 is ordinary, higher is stranger, ``log2(size + 1)`` the most; 0 for an empty sample. And whether ``x`` lies
    above the middle of the sample.
    """
    if size == 0:
        return 0.0, False
    below = count_below(values, size, x)
    up_to = below
    if below < size and values[below] == x:
        up_to = count_below(values, size, np.nextafter(x, np.float32(np.inf)))
    rises = below + up_to > size
    cuts = _cuts_below(values, below, x) + _cuts_above(values, up_to, size, x)
    certain = (1 if below > 0 else 0) + (1 if up_to < size else 0)
    equal = up_to - below
    if equal > 0:
        seen = 1.0 - equal / (2.0 * size)
        depth = certain + cuts + log2(equal + 1.0)
        # The mean of 1 / depth, to two terms.
        return seen * (1.0 + cuts / (depth * depth)) / depth * log2(size + 1.0), rises
    return _mean_inverse(certain, cuts) * log2(size + 1.0), rises


@inlined_kernel
def _mean_inverse(certain: int, cuts: float) -> float:
    """The mean of 1 / (``certain`` + N), 1 or 2, of a Poisson N of mean ``cuts``."""
    if certain == 1:
        return 1.0 - 0.5 * cuts if cuts < FEW_CUTS else (1.0 - exp(-cuts)) / cuts
    if cuts < FEW_CUTS:
        return 0.5 - cuts / 6.0
    return (1.0 - (1.0 - exp(-cuts)) / cuts) / cuts


@inlined_kernel
def count_below(values: np.ndarray, size: int, x: np.float32) -> int:
    """How many of the sample lie below ``x``."""
    low, high = 0, size
    while low < high:
        middle = (low + high) // 2
        if values[middle] < x:
            low = middle + 1
        else:
            high = middle
    return low


@inlined_kernel
def _cuts_below(values: np.ndarray, count: int, x: np.float32) -> float:
    """The mean number of cuts in the gaps between the first ``count`` values, all below ``x``."""
    start = address_of(values)
    return _cuts(start, start, start + 4, count - 1, x)


@inlined_kernel
def _cuts_above(values: np.ndarray, first: int, size: int, x: np.float32) -> float:
    """The mean number of cuts in the gaps between the values from ``first`` on, all above ``x``."""
    start = address_of(values) + 4 * first
    return _cuts(start + 4, start, start + 4, size - first - 1, x)


@inlined_kernel
def _cuts(far: int, low: int, high: int, gaps: int, x: np.float32) -> float:
    """The sum of ``gaps`` ratios (high - low) / |x - far|, of float32 side by side from these addresses on."""
    if gaps <= 0:
        return 0.0
    whole = gaps // LANES * LANES
    total, point = no_lanes(), lanes_of(x)
    for at in range(0, 4 * whole, 4 * LANES):
        length = subtract(load_lanes(high + at), load_lanes(low + at))
        total = add(total, divide(length, subtract(point, load_lanes(far + at))))
    ratios, _ = two_sums(total, total)
    for at in range(4 * whole, 4 * gaps, 4):
        length = load_float(high + at) - load_float(low + at)
        ratios += np.float64(length / (x - load_float(far + at)))
    ratios = abs(ratios)
    reach = max(abs(x - load_float(far)), abs(x - load_float(far + 4 * (gaps - 1))))
    if ratios < np.inf and reach < np.inf:
        return ratios
    ratios = 0.0  # differences beyond float32
    for at in range(0, 4 * gaps, 4):
        wide = np.float64(load_float(high + at)) - np.float64(load_float(low + at))
        ratios += wide / (np.float64(x) - np.float64(load_float(far + at)))
    return abs(ratios)
