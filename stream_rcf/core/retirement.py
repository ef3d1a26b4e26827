"""Idle keys begin anew: what a key knew before a long pause may say nothing about what comes after it.

Whether a key was idle is told by its own events' timestamps alone, so it does not hang on clocks, batches or restarts.
"""

from __future__ import annotations

import numpy as np

from stream_rcf.core.block import KeyBlock
from stream_rcf.core.kernel import inlined_kernel, kernel
from stream_rcf.core.layout import (
    BEGAN_ANEW,
    EVENTS_SEEN,
    FRESH,
    HEADER_WORDS,
    KEY_SEED,
    LATEST_TIMESTAMP,
    NEVER,
    NEXT_ID,
    POOL_STATE,
    RECORD_TIMESTAMP,
    STORED,
    TAIL_BINS,
    TIME_DECAY,
    Block,
)
from stream_rcf.core.model import Model
from stream_rcf.core.units import begin_units


@inlined_kernel
def is_longer_after(later: int, earlier: int, milliseconds: int) -> bool:
    """Whether ``later`` lies further than that behind ``earlier``, which it is no earlier than: any two int64."""
    return bool(np.uint64(later) - np.uint64(earlier) > np.uint64(milliseconds))  # int64 could overflow


@inlined_kernel
def record_word(model: Model) -> int:
    """Which word of the header has the latest timestamp of a record, which is an event or a window of them."""
    return RECORD_TIMESTAMP if model.windows.length_ms > 0 else LATEST_TIMESTAMP


@inlined_kernel
def retire_if_idle(block: Block, model: Model, timestamp: int) -> bool:
    """Note the time of the record that comes next; whether the key began anew because it came so late after the others.

    Counted from the greatest timestamp seen, so that an event that is late itself retires nothing. Timestamps may be
    any int64. A key without records that has a latest timestamp is one whose state was let go while it was idle.
    """
    word = record_word(model)
    is_empty, latest = block.integers[EVENTS_SEEN] == 0, block.integers[word]
    block.integers[word] = max(latest, timestamp)
    if model.retire_after_ms == 0:
        return False
    if is_empty:
        return latest != NEVER
    if timestamp <= latest:
        return False
    if not is_longer_after(timestamp, latest, model.retire_after_ms):
        return False
    begin_anew(block, model)
    return True


@kernel
def begin_anew(block: Block, model: Model) -> None:
    """Forget everything but the key's seed and its latest timestamps. The block keeps its capacities.

    Open windows and their events' ids may be ahead of the records by a batch: windows.py lets those go by itself.
    """
    next_id = block.integers[NEXT_ID]
    for word in range(STORED, HEADER_WORDS):
        if word not in (KEY_SEED, LATEST_TIMESTAMP, RECORD_TIMESTAMP):
            block.integers[word] = 0
    block.integers[POOL_STATE + FRESH] = 1
    block.floats[TIME_DECAY] = model.decay
    for tree in range(model.trees):
        block.size[tree] = 0
    for word in range(block.baseline.shape[0]):  # its size among them: what is in the sample counts no more
        block.baseline[word] = 0.0
    for row in range(block.tail.shape[0]):
        block.episode[row, 0] = block.episode[row, 1] = 0
        for place in range(TAIL_BINS):
            block.tail[row, place] = 0.0
    for channel in range(model.channels):
        block.level[channel] = 0.0
    if model.windows.length_ms > 0:
        block.integers[NEXT_ID] = next_id
    else:
        for place in range(model.remembered_ids):
            block.recent_id[place] = 0
    for kind in range(block.peak.shape[0]):
        block.peak[kind, 0] = block.peak[kind, 1] = 0.0
    begin_units(block)
    for feature in range(model.pasts):
        for word in range(model.past_words):
            block.past[feature, word] = 0.0


def retired_block(model: Model, key_seed: int, latest_timestamp: int) -> KeyBlock:
    """What is left of a key whose state is let go while it is idle: it is as if ``begin_anew`` had been called early.

    Its next event gives what it would have given, provided that it comes more than ``retire_after_ms`` after
    ``latest_timestamp``.
    """
    block = KeyBlock(model, key_seed)
    block.header()[LATEST_TIMESTAMP] = latest_timestamp
    block.header()[RECORD_TIMESTAMP] = BEGAN_ANEW
    return block
