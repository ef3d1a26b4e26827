"""Time-decayed reservoir sampling: each tree keeps the smallest priorities it has drawn.

Algorithm reference, section 3 (weighted sampling of Efraimidis and Spirakis, 2006, in log space). A point's priority
is ``log(-log(u) / weight) - time_decay * sequence``: the younger a point, the smaller, so that old points are evicted
first on average.

Priorities are integers, in steps of 2**-24 above a base that follows the sequence: from time to time all grow by what
the base moved, exactly. So a sample after a billion events is drawn as finely as a young one. (In float32, as the
reference has them, the steps grow past the differences that matter after some ten million events.)
"""

from __future__ import annotations

import numpy as np

from stream_rcf.core.arithmetic import exp, log
from stream_rcf.core.kernel import inlined_kernel, kernel
from stream_rcf.core.layout import BASE_SEQUENCE, TIME_DECAY, Block
from stream_rcf.core.memory import COMPARED, address_of, equal_bits, lowest_bit
from stream_rcf.core.store import record_of

STEPS = 2.0**24  # per unit of the natural logarithm
GREATEST_PRIORITY = 2**31 - 1  # 128 units: what is older than everything else stays there, oldest first out
LEAST_PRIORITY = -(2**31)
BASE_SPAN = 16.0  # units of decay after which the base moves up
NEVER = 2**62  # events until the base moves when nothing decays
# The limit is carried from event to event by multiplication; rounding makes it err by far less than this.
REJECTION_MARGIN = 1.001


@inlined_kernel
def bounded(priority: int) -> int:
    """The priority within 32 bits."""
    return min(GREATEST_PRIORITY, max(LEAST_PRIORITY, priority))


@inlined_kernel
def decay_steps(time_decay: float, events: int) -> int:
    """Steps by which priorities sink in so many events."""
    return int(np.floor(time_decay * STEPS * events))


@inlined_kernel
def draw_steps(uniform: float, weight: float) -> int:
    """The random part of a priority, in steps; ``uniform`` strictly between 0 and 1, ``weight`` above 0."""
    return int(np.floor(log(-log(uniform) / weight) * STEPS + 0.5))


@inlined_kernel
def span_of(time_decay: float) -> int:
    """Events from one base to the next: at least one."""
    if time_decay <= 0.0:
        return NEVER
    return int(max(1.0, min(np.floor(BASE_SPAN / time_decay), 1e18)))


@inlined_kernel
def limit_of(greatest: int, time_decay: float, events_after_base: int) -> float:
    """What ``-log(u)`` of a point of weight 1 must stay below to replace the ``greatest`` priority of a full sample."""
    return exp((greatest + 2) / STEPS + time_decay * events_after_base)


@inlined_kernel
def surely_rejected(uniform: float, limit: float) -> bool:
    """Whether no logarithm is needed to see that the point is not taken, as nine times in ten.

    ``-log(u) >= 1 - u``, so a point with ``1 - u`` above the limit cannot be below it; the margin covers rounding.
    """
    return 1.0 - uniform > limit * REJECTION_MARGIN


@inlined_kernel
def admission(size: int, sample_size: int, initial_accept_fraction: float) -> float:
    """The probability that a sample which is not full takes a point in without giving one up."""
    filled = size / sample_size
    if filled < initial_accept_fraction:
        return 1.0
    if initial_accept_fraction >= 1.0:
        return 0.0
    return 1.0 - (filled - initial_accept_fraction) / (1.0 - initial_accept_fraction)


@kernel
def raise_priorities(block: Block, steps: int) -> None:
    """Add ``steps`` to every priority, as the base moves up."""
    for tree in range(block.size.shape[0]):
        for i in range(block.size[tree]):
            block.priority[tree, i] = bounded(int(block.priority[tree, i]) + steps)
        block.greatest[tree] = bounded(int(block.greatest[tree]) + steps)


@inlined_kernel
def base_move(time_decay: float, behind: int) -> tuple[int, int]:
    """(events by which a base that is so many ``behind`` moves up, steps by which priorities grow): whole spans."""
    span = span_of(time_decay)
    spans, steps = behind // span, decay_steps(time_decay, min(span, behind))
    return spans * span, min(spans, NEVER // (steps + 1)) * steps


@inlined_kernel
def move_base(block: Block, sequence: int) -> None:
    """Let the base follow, in whole spans, before the point number ``sequence`` is drawn."""
    events, steps = base_move(block.floats[TIME_DECAY], sequence - block.integers[BASE_SEQUENCE])
    if events > 0:
        raise_priorities(block, steps)
        block.integers[BASE_SEQUENCE] += events


@inlined_kernel
def greatest_priority(block: Block, tree: int) -> int:
    """The highest priority in the tree's sample, which is not empty."""
    row = block.priority[tree]
    highest = row[0]
    for i in range(1, block.size[tree]):
        highest = max(highest, row[i])
    return highest


@inlined_kernel
def next_evicted(block: Block, tree: int) -> int:
    """The position of the sample with the highest priority, of equal ones the oldest."""
    size, highest = int(block.size[tree]), int(block.greatest[tree])
    row = address_of(block.priority) + tree * block.priority.shape[1] * 4
    found, oldest = -1, 0
    for start in range(0, size, COMPARED):
        bits = equal_bits(row + 4 * start, highest)
        while bits != 0:
            position = start + lowest_bit(bits)
            if position < size:  # behind stand other trees, or other parts of the block
                record = record_of(block, tree, position)
                if found < 0 or record < oldest:
                    found, oldest = position, record
            bits &= bits - 1
    return found
