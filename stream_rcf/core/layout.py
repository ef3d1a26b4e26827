"""The block of one key: where each part of its state lies in one contiguous piece of memory.

A tree is two rows of arrays without a single pointer. Its samples stand in the order of its leaves, left to right; its
nodes stand in preorder. The node that covers the samples ``[first, first + mass)`` and stands in slot ``s`` keeps how
many of them lie left of its cut, ``left``: then its left child covers ``[first, first + left)`` and stands in slot
``s + 1``, its right child covers the rest and stands in slot ``s + left``. A subtree of ``mass`` samples has
``mass - 1`` slots; a leaf is one sample, or several equal ones under a node whose ``left`` is 0. So a tree costs 14
bytes per sample, its parts lie side by side, and inserting or deleting moves a few hundred bytes.

Offsets of the parts are a pure function of the model and the capacities; the kernels and Python share it.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from stream_rcf.core.kernel import inlined_kernel, kernel
from stream_rcf.core.lanes import LANES
from stream_rcf.core.memory import view_at
from stream_rcf.core.model import MOST_USUAL, USUAL_PER_SAMPLE, Model

ALIGNMENT = 64  # bytes: a cache line; no part shares its first line with another
HEADER_WORDS = 40  # 8-byte words, integers first

# Integer words of the header: capacities, then what the block holds, then counters of the key.
BLOCK_BYTES, SAMPLE_CAPACITY, STORE_CAPACITY, RUN_CAPACITY, BOX_CAPACITY = 0, 1, 2, 3, 4
STORED, RUNS, POOL_STATE = 5, 6, 7
KEY_SEED, EVENTS_SEEN, BASE_SEQUENCE, KEEPS_PRIORITIES = 10, 11, 12, 13
SCORES_SEEN, INCIDENT_STARTED_AT, LATEST_TIMESTAMP = 14, 15, 16
# Events are numbered from 1 here, and 0 is none: the first of the latest incident, its alerts, the latest alert.
INCIDENT_EVENT, INCIDENT_ALERTS, LATEST_ALERT_EVENT, CANDIDATES_IN_A_ROW = 17, 18, 19, 20
SHINGLE_WAIT, NEXT_ID = 21, 22  # events until the shingle is whole again; where the next id is written
LATEST_ALERT_AT = 23  # epoch ms; means something once there was an alert
NEVER = -(2**63)  # LATEST_TIMESTAMP of a newborn key, no later than any event
# Where events are added up over windows: the start of the latest window that was closed. Saved with the open ones.
RECORD_TIMESTAMP = 39
# RECORD_TIMESTAMP of a key without records that is not newborn: no later than any window.
BEGAN_ANEW = NEVER + 1
# Words of the pool's state: the next number never used, the first one given back, how many boxes found no room.
FRESH, FREE, REFUSED = 0, 1, 2
POOL_WORDS = 3
# Floating point words of the header: three decayed statistics (weight, mean, squared deviations each), one score.
TIME_DECAY, SCORE_STATISTIC, CHANGE_STATISTIC, FALL_STATISTIC, PREVIOUS_SCORE = 24, 25, 28, 31, 34
HEADER_END = 35

TAIL_BINS = 80  # of scores from 1/2 to 16, sixteen to an octave
TAILS_OF_EVENTS = 2  # beside those of the channels: of the forest's scores, and of how rare the events are
# Words of the baseline's state, all float64.
BASELINE_SIZE, BASELINE_BASE, BASELINE_LIMIT, BASELINE_EVENTS = 0, 1, 2, 3
TAIL_UNIT, MARGINAL_WEIGHT, JOINT_WEIGHT = 4, 5, 6
PEAK_EVENTS, GAP_WEIGHT, GAP_MEAN = 7, 8, 9
BASELINE_WORDS = 10

NO_BOX = 0
KEPT_ABOVE = 32  # samples: fewer points are read about as fast as their box
WIDE_STORE = 2**16  # records; a store of more keeps the upper halves of offsets too
STORE_PADDING = LANES  # floats after the last record, so that its lanes can be loaded


class Capacities(NamedTuple):
    """What a block has room for."""

    samples: int  # of each tree
    records: int  # in the store
    runs: int  # of records of consecutive events
    boxes: int  # in the pool, the unused number 0 included


class Block(NamedTuple):
    """Views of one key's block: ``t`` trees, capacities ``c`` samples, ``p`` records, ``r`` runs, ``m`` boxes."""

    integers: Any  # (HEADER_WORDS,) int64
    floats: Any  # the same words as float64
    limit: Any  # (t,) float64: see sampler.limit_of; of full samples
    size: Any  # (t,) int32: samples
    greatest: Any  # (t,) int32: the highest priority, the next to be evicted
    priority: Any  # (t, c) int32, in leaf order
    offset: Any  # (t, c) uint16, in leaf order: the record in the store where the sample's point begins
    high_offset: Any  # (t, c) uint16: the upper halves; (t, 0) unless the store is wide
    node: Any  # (t, c) int64, in preorder
    pool: Any  # (m, 2 * LANES * chunks) float32: boxes; of each chunk the lower border, then the upper
    pool_state: Any  # (POOL_WORDS,) int64, in the header
    kept_above: int  # samples below a node whose box is kept, where the pool has room
    baseline: Any  # (BASELINE_WORDS,) float64; of this and the next nine nothing for a forest alone
    level: Any  # (k,) float64: the value of each channel, k = model.channels
    tail: Any  # (k + 2, TAIL_BINS) float32: how often each score was seen, by channel; the forest's; the events'
    episode: Any  # (k + 2, 2) int32: events until it ends, and the bin of its highest score
    peak: Any  # (2 * dimensions + 1, 2) float64: see likelihood.py
    unit: Any  # (model.units,) float64: a power of two, in which the store keeps a feature: see units.py
    past: Any  # (model.pasts, model.past_words) float64: see transforms.py
    usual: Any  # (k, u) float32: the sample of each channel, in ascending order; u = usual_room(c)
    usual_slot: Any  # (k, u) uint16: which event of the sample each of them is from
    usual_priority: Any  # (u,) int32, by slot
    recent_id: Any  # (model.remembered_ids,) int64: see arrival.py
    run_first: Any  # (r,) int64: the record where a run of consecutive events begins
    run_event: Any  # (r,) int64: the number of that event, from 0
    store: Any  # (p * dimensions + STORE_PADDING,) float32: the records that points need, oldest first


@inlined_kernel
def _aligned(size: int) -> int:
    return (size + ALIGNMENT - 1) // ALIGNMENT * ALIGNMENT


@inlined_kernel
def usual_room(samples: int) -> int:
    """Events of the baseline's sample that a block with room for so many samples of each tree has room for."""
    return min(USUAL_PER_SAMPLE * samples, MOST_USUAL)


class Offsets(NamedTuple):
    """Bytes from the start of a block to its parts, and its end."""

    limit: int
    size: int
    greatest: int
    priority: int
    offset: int
    high_offset: int
    node: int
    pool: int
    baseline: int
    level: int
    tail: int
    episode: int
    peak: int
    unit: int
    past: int
    usual: int
    usual_slot: int
    usual_priority: int
    recent_id: int
    run_first: int
    run_event: int
    store: int
    end: int


@kernel
def section_offsets(
    trees: int,
    dimensions: int,
    chunks: int,
    channels: int,
    units: int,
    past_numbers: int,
    remembered_ids: int,
    samples: int,
    records: int,
    runs: int,
    boxes: int,
) -> Offsets:
    """Where the parts of a block lie."""
    limit = HEADER_WORDS * 8
    size = limit + 8 * trees
    greatest = size + 4 * trees
    priority = _aligned(greatest + 4 * trees)
    offset = _aligned(priority + 4 * trees * samples)
    high_offset = offset + 2 * trees * samples
    node = _aligned(high_offset + (2 * trees * samples if records > WIDE_STORE else 0))
    pool = _aligned(node + 8 * trees * samples)
    baseline = pool + (8 * LANES * chunks * boxes if boxes > 1 else 0)
    followed = 1 if channels > 0 else 0
    level = baseline + 8 * BASELINE_WORDS * followed
    tail = level + 8 * channels
    tails = channels + TAILS_OF_EVENTS * followed
    episode = tail + 4 * TAIL_BINS * tails
    peak = episode + 8 * tails
    unit = peak + 16 * (2 * dimensions + 1) * followed
    past = unit + 8 * units
    usual = past + 8 * past_numbers
    usual_priority = usual + 4 * channels * usual_room(samples)
    usual_slot = usual_priority + 4 * usual_room(samples) * followed
    recent_id = _aligned(usual_slot + 2 * channels * usual_room(samples))
    run_first = recent_id + 8 * remembered_ids
    run_event = run_first + 8 * runs
    store = _aligned(run_event + 8 * runs)
    end = _aligned(store + 4 * (records * dimensions + STORE_PADDING))
    return Offsets(
        limit,
        size,
        greatest,
        priority,
        offset,
        high_offset,
        node,
        pool,
        baseline,
        level,
        tail,
        episode,
        peak,
        unit,
        past,
        usual,
        usual_slot,
        usual_priority,
        recent_id,
        run_first,
        run_event,
        store,
        end,
    )


@inlined_kernel
def open_block(address: int, model: Model) -> Block:
    """Views of the block at ``address``, which must be alive and hold its capacities in its header."""
    integers = view_at(address, (HEADER_WORDS,), np.int64)
    c = integers[SAMPLE_CAPACITY]
    p = integers[STORE_CAPACITY]
    r = integers[RUN_CAPACITY]
    m = integers[BOX_CAPACITY]
    t, k = model.trees, model.channels
    followed = 1 if k > 0 else 0
    tails = k + TAILS_OF_EVENTS * followed
    u, h, i = model.units, model.pasts, model.remembered_ids
    at = section_offsets(t, model.dimensions, model.chunks, k, u, h * model.past_words, i, c, p, r, m)
    return Block(
        integers,
        view_at(address, (HEADER_WORDS,), np.float64),
        view_at(address + at.limit, (t,), np.float64),
        view_at(address + at.size, (t,), np.int32),
        view_at(address + at.greatest, (t,), np.int32),
        view_at(address + at.priority, (t, c), np.int32),
        view_at(address + at.offset, (t, c), np.uint16),
        view_at(address + at.high_offset, (t, c if p > WIDE_STORE else 0), np.uint16),
        view_at(address + at.node, (t, c), np.int64),
        view_at(address + at.pool, (m if m > 1 else 0, 2 * LANES * model.chunks), np.float32),
        view_at(address + 8 * POOL_STATE, (POOL_WORDS,), np.int64),
        KEPT_ABOVE,
        view_at(address + at.baseline, (BASELINE_WORDS * followed,), np.float64),
        view_at(address + at.level, (k,), np.float64),
        view_at(address + at.tail, (tails, TAIL_BINS), np.float32),
        view_at(address + at.episode, (tails, 2), np.int32),
        view_at(address + at.peak, ((2 * model.dimensions + 1) * followed, 2), np.float64),
        view_at(address + at.unit, (u,), np.float64),
        view_at(address + at.past, (h, model.past_words), np.float64),
        view_at(address + at.usual, (k, usual_room(c)), np.float32),
        view_at(address + at.usual_slot, (k, usual_room(c)), np.uint16),
        view_at(address + at.usual_priority, (usual_room(c) * followed,), np.int32),
        view_at(address + at.recent_id, (i,), np.int64),
        view_at(address + at.run_first, (r,), np.int64),
        view_at(address + at.run_event, (r,), np.int64),
        view_at(address + at.store, (p * model.dimensions + STORE_PADDING,), np.float32),
    )
