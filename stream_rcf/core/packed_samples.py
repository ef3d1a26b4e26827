"""The saved form of a tree's sample: which points it holds, and with which priorities.

Mostly one number says it all: the place of the point that is evicted next, see redrawing.py. Of a sample that is not
what its key's seed draws, the points are written one by one, and if need be the priorities too.
"""

from __future__ import annotations

import numpy as np

from stream_rcf.core.kernel import kernel
from stream_rcf.core.layout import KEEPS_PRIORITIES, Block
from stream_rcf.core.range_coder import (
    LENGTH_CONTEXTS,
    Coder,
    decode_bit,
    decode_bits,
    decode_number,
    decode_uniform,
    encode_bit,
    encode_bits,
    encode_number,
    encode_uniform,
)
from stream_rcf.core.redrawing import (
    Points,
    entry_of,
    priority_of,
    record_in,
    redraw_sample,
    redrawn_priority,
)
from stream_rcf.core.sampler import LEAST_PRIORITY, next_evicted
from stream_rcf.core.store import record_of

PRIORITY_BITS = 32

# Contexts of the flags (is it as large as any, drawn as the seed says, are the priorities), and of gaps between points.
FULL, DRAWN, PRIORITIES_DRAWN, BETWEEN, SAMPLE_CONTEXTS = 0, 1, 2, 3, 3 + LENGTH_CONTEXTS


@kernel
def encode_sample(
    coder: Coder,
    context: int,
    block: Block,
    tree: int,
    most: int,
    points: Points,
    count: int,
    rows: np.ndarray,
) -> None:
    """Write a tree's sample, of at most ``most``, and leave its entries in ``rows[0]``, oldest first.

    ``rows`` (2, at least one more than records) int64; ``context`` is the first of ``SAMPLE_CONTEXTS``.
    """
    size = int(block.size[tree])
    encode_bit(coder, context + FULL, int(size == most))
    if size < most:
        encode_uniform(coder, size, most)
    if size == 0:
        return
    entries, held = rows[0], rows[1]
    for place in range(count):
        held[place] = -1
    for position in range(size):
        held[points.place[record_of(block, tree, position)]] = position
    last = points.place[record_of(block, tree, next_evicted(block, tree))]
    drawn = redraw_sample(points, count, tree, last, entries) == size
    for i in range(size if drawn else 0):
        position = held[points.place[record_in(entries[i])]]
        drawn &= position >= 0 and block.priority[tree, position] == priority_of(entries[i])
    encode_bit(coder, context + DRAWN, int(drawn))
    if drawn:
        encode_uniform(coder, last, count)
        return
    found, before, priorities_drawn = 0, -1, True
    for place in range(count):
        if held[place] >= 0:
            priority = int(block.priority[tree, held[place]])
            priorities_drawn &= redrawn_priority(points, place, tree) == priority
            entries[found] = entry_of(priority, points.record[place])
            found += 1
            encode_number(coder, context + BETWEEN, place - before - 1)
            before = place
    encode_bit(coder, context + PRIORITIES_DRAWN, int(priorities_drawn))
    for i in range(0 if priorities_drawn else size):
        encode_bits(coder, priority_of(entries[i]) - LEAST_PRIORITY, PRIORITY_BITS)


@kernel
def decode_sample(
    coder: Coder,
    context: int,
    block: Block,
    tree: int,
    most: int,
    points: Points,
    count: int,
    rows: np.ndarray,
) -> int:
    """Read a tree's sample, of at most ``most``, into ``rows[0]``, oldest first; returns its size, or -1 for none.

    Only a key that says so has other priorities than its seed draws.
    """
    size = most
    if not decode_bit(coder, context + FULL):
        size = decode_uniform(coder, most)
    if size == 0:
        return 0
    if size > count:
        return -1
    entries = rows[0]
    if decode_bit(coder, context + DRAWN):
        last = decode_uniform(coder, count)
        return size if redraw_sample(points, count, tree, last, entries) == size else -1
    place = -1
    for i in range(size):
        between = decode_number(coder, context + BETWEEN)
        if between >= count - place - 1:
            return -1
        place += between + 1
        entries[i] = entry_of(redrawn_priority(points, place, tree), points.record[place])
    if not decode_bit(coder, context + PRIORITIES_DRAWN):
        if block.integers[KEEPS_PRIORITIES] == 0:
            return -1
        for i in range(size):
            priority = decode_bits(coder, PRIORITY_BITS) + LEAST_PRIORITY
            entries[i] = entry_of(priority, record_in(entries[i]))
    return size
