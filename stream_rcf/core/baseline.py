"""What is usual for each feature by itself, at several scales: a sample of its past.

A channel is one feature averaged over one of the ``SCALES``. So a spike, a step and a slow shift each stand out in one
of them, where a point of the forest, which is many records long, dilutes them. All channels of a key share one
time-decayed reservoir of events (sampler.py); each keeps the values of those events in ascending order.
"""

from __future__ import annotations

import numpy as np

from stream_rcf.core.arithmetic import exp
from stream_rcf.core.kernel import inlined_kernel, kernel
from stream_rcf.core.layout import (
    BASELINE_BASE,
    BASELINE_EVENTS,
    BASELINE_LIMIT,
    BASELINE_SIZE,
    KEY_SEED,
    Block,
)
from stream_rcf.core.marginal import count_below
from stream_rcf.core.memory import address_of, move_bytes
from stream_rcf.core.model import SCALES, Model
from stream_rcf.core.random_stream import PRIORITY, event_word, tree_word, uniform_of
from stream_rcf.core.sampler import (
    base_move,
    bounded,
    decay_steps,
    draw_steps,
    limit_of,
    surely_rejected,
)
from stream_rcf.core.units import within_float32

FASTEST_RATES = tuple(1.0 / scale for scale in SCALES)


@inlined_kernel
def follow(block: Block, model: Model, values: np.ndarray) -> None:
    """Let the channels' averages take the record ``values`` (dimensions,) in."""
    events = block.baseline[BASELINE_EVENTS]
    block.baseline[BASELINE_EVENTS] = events + 1.0
    for feature in range(model.dimensions):
        value = np.float64(np.float32(values[feature]) + np.float32(0.0))
        for scale in range(len(SCALES)):
            channel = feature * len(SCALES) + scale
            # The plain mean until there are as many events as the scale is long.
            rate = max(FASTEST_RATES[scale], 1.0 / (events + 1.0))
            level = block.level[channel]
            # A difference from a level that is far larger would not give the value itself.
            block.level[channel] = value if rate == 1.0 else level + rate * (value - level)


@inlined_kernel
def present(block: Block, channel: int) -> np.float32:
    """The channel's average now, as its sample keeps it; -0.0 is 0.0."""
    # An average of float32 may round up beyond the largest.
    return np.float32(within_float32(block.level[channel])) + np.float32(0.0)


@kernel
def learn_usual(block: Block, model: Model) -> None:
    """Offer the present event to the reservoir."""
    baseline = block.baseline
    sequence = int(baseline[BASELINE_EVENTS]) - 1
    _move_base(block, model, sequence)
    size = int(baseline[BASELINE_SIZE])
    age = sequence - int(baseline[BASELINE_BASE])
    word = event_word(np.uint64(block.integers[KEY_SEED]), sequence)
    uniform = uniform_of(tree_word(word, model.trees, PRIORITY))  # as a further tree would draw
    if size == model.usual_size:
        limit = baseline[BASELINE_LIMIT]
        baseline[BASELINE_LIMIT] = limit * exp(model.decay)
        if surely_rejected(uniform, limit):
            return
    priority = bounded(draw_steps(uniform, 1.0) - decay_steps(model.decay, age))
    slot = size
    if size == model.usual_size:
        slot = _evicted(block, size)
        if priority >= block.usual_priority[slot]:
            return
        for channel in range(model.channels):
            _remove(block, channel, size, slot)
        size -= 1
    block.usual_priority[slot] = priority
    for channel in range(model.channels):
        _insert(block, channel, size, slot, present(block, channel))
    baseline[BASELINE_SIZE] = size + 1
    if size + 1 == model.usual_size:
        greatest = int(block.usual_priority[_evicted(block, size + 1)])
        baseline[BASELINE_LIMIT] = limit_of(greatest, model.decay, age + 1)


@inlined_kernel
def _move_base(block: Block, model: Model, sequence: int) -> None:
    """Let the base of the priorities follow, as that of the trees does."""
    events, steps = base_move(model.decay, sequence - int(block.baseline[BASELINE_BASE]))
    if events > 0:
        for slot in range(int(block.baseline[BASELINE_SIZE])):
            block.usual_priority[slot] = bounded(int(block.usual_priority[slot]) + steps)
        block.baseline[BASELINE_BASE] += events


@inlined_kernel
def _evicted(block: Block, size: int) -> int:
    """The slot with the highest priority, of equal ones the first."""
    found = 0
    for slot in range(1, size):
        if block.usual_priority[slot] > block.usual_priority[found]:
            found = slot
    return found


@inlined_kernel
def _remove(block: Block, channel: int, size: int, slot: int) -> None:
    """Take the value of the event in ``slot`` out of a channel's sample."""
    slots = block.usual_slot[channel]
    place = 0
    while slots[place] != slot:
        place += 1
    _move(block, channel, place + 1, place, size - place - 1)


@inlined_kernel
def _insert(block: Block, channel: int, size: int, slot: int, value: np.float32) -> None:
    """Put a value where it belongs in ascending order, before equal ones."""
    place = count_below(block.usual[channel], size, value)
    _move(block, channel, place, place + 1, size - place)
    block.usual[channel, place] = value
    block.usual_slot[channel, place] = slot


@inlined_kernel
def _move(block: Block, channel: int, source: int, target: int, count: int) -> None:
    values, slots = address_of(block.usual[channel]), address_of(block.usual_slot[channel])
    move_bytes(values + 4 * target, values + 4 * source, 4 * count)
    move_bytes(slots + 2 * target, slots + 2 * source, 2 * count)
