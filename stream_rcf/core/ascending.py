"""A place in numbers that ascend."""

from __future__ import annotations

import numpy as np

from stream_rcf.core.kernel import inlined_kernel


@inlined_kernel
def last_at_most(ascending: np.ndarray, count: int, value: int) -> int:
    """The place of the last of the first ``count`` numbers, at least one, that is not above ``value``; else 0."""
    low, high = 0, count
    while high - low > 1:
        middle = (low + high) // 2
        if ascending[middle] <= value:
            low = middle
        else:
            high = middle
    return low
