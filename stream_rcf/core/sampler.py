"""Time-decayed reservoir sampling: each tree keeps the smallest priorities it has drawn, in a max-heap.

Algorithm reference, section 3 (weighted sampling of Efraimidis and Spirakis, 2006, in log space). The priority is
``log(-log(u)) - sequence * decay``: the younger a point, the smaller, so old points are evicted first on average.
Priorities are float64: in float32 their steps grow past the differences that matter after some ten million events.
"""

from __future__ import annotations

import numpy as np

from stream_rcf.core.arithmetic import exp, log
from stream_rcf.core.kernel import inlined_kernel

# The limit is carried from event to event by multiplication; rounding makes it err by far less than this.
REJECTION_MARGIN = 1.001


@inlined_kernel
def priority(uniform: float, sequence: int, decay: float) -> float:
    """The priority of a point; ``uniform`` strictly between 0 and 1."""
    return log(-log(uniform)) - sequence * decay


@inlined_kernel
def limit_of(greatest: float, next_sequence: int, decay: float) -> float:
    """What ``-log(u)`` of the next point must stay below to replace the ``greatest`` priority of a full sample."""
    return exp(greatest + next_sequence * decay)


@inlined_kernel
def surely_rejected(uniform: float, limit: float) -> bool:
    """Whether no logarithm is needed to see that the point is not taken, as nine times in ten.

    ``-log(u) >= 1 - u``, so a point with ``1 - u`` above the limit cannot be below it; the margin covers rounding.
    """
    return 1.0 - uniform > limit * REJECTION_MARGIN


@inlined_kernel
def heap_push(weight: np.ndarray, leaf: np.ndarray, size: int, new_weight: float, new_leaf: int) -> None:
    """Add an entry to a heap of ``size`` entries that has room for one more."""
    i = size
    while i > 0:
        above = (i - 1) // 2
        if weight[above] >= new_weight:
            break
        weight[i] = weight[above]
        leaf[i] = leaf[above]
        i = above
    weight[i] = new_weight
    leaf[i] = new_leaf


@inlined_kernel
def heap_pop(weight: np.ndarray, leaf: np.ndarray, size: int) -> int:
    """Remove the entry of the largest priority from a heap of ``size`` entries and return its leaf."""
    removed = leaf[0]
    last = size - 1
    moved_weight = weight[last]
    moved_leaf = leaf[last]
    i = 0
    while True:
        child = 2 * i + 1
        if child >= last:
            break
        if child + 1 < last and weight[child + 1] > weight[child]:
            child += 1
        if moved_weight >= weight[child]:
            break
        weight[i] = weight[child]
        leaf[i] = leaf[child]
        i = child
    weight[i] = moved_weight
    leaf[i] = moved_leaf
    return removed
