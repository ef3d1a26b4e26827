"""One kernel call for a batch of events over any number of keys: score against the past, judge, then learn."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from stream_rcf.core.arithmetic import exp
from stream_rcf.core.attribution import attribute_point, relevant_shares
from stream_rcf.core.deletion import delete_sample
from stream_rcf.core.insertion import insert_point
from stream_rcf.core.kernel import inlined_kernel, kernel
from stream_rcf.core.layout import (
    EVENTS_SEEN,
    LEAF_POINT,
    NOTHING,
    RUN_LENGTH,
    RUN_STARTED_AT,
    SIZE,
    Block,
    Model,
    open_block,
)
from stream_rcf.core.points import add_point, release_point, shift_shingle
from stream_rcf.core.random_stream import next_uniform
from stream_rcf.core.reasons import Reason
from stream_rcf.core.sampler import heap_pop, heap_push, limit_of, priority, surely_rejected
from stream_rcf.core.scoring import Walk, score_point
from stream_rcf.core.threshold import ROUND_OFF, confidence_of, grade_of, learn_score, threshold_and_span

SAMPLER_STREAM = 0  # column of the tree's random streams

# Columns of the results.
SCORE, THRESHOLD, GRADE, CONFIDENCE = 0, 1, 2, 3
REASON, SEEN, FIRST_ANOMALOUS = 0, 1, 2

_NONE = int(Reason.NONE)
_SHINGLE_FILLING = int(Reason.SHINGLE_FILLING)
_WARMING_UP = int(Reason.WARMING_UP)
_BELOW_FIRST_GRADE = int(Reason.BELOW_FIRST_GRADE)


class Scratch(NamedTuple):
    """Working memory of one call, so that no event allocates."""

    lower: np.ndarray  # (d,) float32
    upper: np.ndarray  # (d,) float32
    shares: np.ndarray  # (d, 2) float64
    total: np.ndarray  # (d, 2) float64
    log2_table: np.ndarray  # (sample_size + 1,) float64: log2(mass + 1)
    walk: Walk


@inlined_kernel
def is_ready(block: Block, model: Model) -> bool:
    """Whether a score means something: enough events, and at least one whole shingle in every tree."""
    return block.integers[EVENTS_SEEN] >= model.output_after and block.tree[0, SIZE] > 0


@kernel
def sample_point(block: Block, model: Model, point: np.ndarray, scratch: Scratch) -> None:
    """Offer ``point``, a whole shingle, to every tree: evict, insert, count references."""
    sequence = block.integers[EVENTS_SEEN] - model.shingle_size
    slot = NOTHING
    growth = exp(model.decay)
    for tree in range(model.trees):
        uniform = next_uniform(block.streams, tree, SAMPLER_STREAM)
        size = block.tree[tree, SIZE]
        if size < model.sample_size:
            weight = priority(uniform, sequence, model.decay)
            next_uniform(block.streams, tree, SAMPLER_STREAM)  # the initial acceptance, certain for now
        else:
            limit = block.limits[tree]
            block.limits[tree] = limit * growth
            if surely_rejected(uniform, limit):
                continue
            weight = priority(uniform, sequence, model.decay)
            if weight >= block.heap_weight[tree, 0]:
                continue
            evicted = heap_pop(block.heap_weight[tree], block.heap_leaf[tree], size)
            release_point(block, delete_sample(block, tree, evicted))
            size -= 1
        if slot == NOTHING:
            slot = add_point(block, point)
        leaf = insert_point(block, tree, point, slot, scratch.lower, scratch.upper)
        block.references[block.leaf[tree, leaf, LEAF_POINT]] += 1
        heap_push(block.heap_weight[tree], block.heap_leaf[tree], size, weight, leaf)
        block.tree[tree, SIZE] = size + 1
        if size + 1 == model.sample_size:
            block.limits[tree] = limit_of(block.heap_weight[tree, 0], sequence + 1, model.decay)
    if slot != NOTHING and block.references[slot] == 0:
        # Every tree that took the point already had its equal.
        block.references[slot] = 1
        release_point(block, slot)


@inlined_kernel
def learn_shingle(block: Block, model: Model, scratch: Scratch) -> None:
    """Count the event whose record was just shifted in, and sample its shingle once that is whole."""
    block.integers[EVENTS_SEEN] += 1
    if block.integers[EVENTS_SEEN] >= model.shingle_size:
        sample_point(block, model, block.shingle, scratch)


@kernel
def _judge(
    block: Block, model: Model, timestamp: int, scratch: Scratch, numbers: np.ndarray, integers: np.ndarray
) -> None:
    """Score the shingle against the past, and set threshold, grade and reason."""
    threshold, span, known = threshold_and_span(block, model)
    score = 0.0
    grade = 0.0
    reason = _NONE
    if block.integers[EVENTS_SEEN] + 1 < model.shingle_size:
        reason = _SHINGLE_FILLING
    elif not is_ready(block, model):
        reason = _WARMING_UP
    else:
        score = score_point(block, block.shingle, scratch.log2_table, scratch.walk)
        grade = grade_of(score, threshold, span, known, model.lower_threshold)
        if grade == 0.0 and score >= threshold:
            if score >= threshold * (1.0 + ROUND_OFF):
                reason = _BELOW_FIRST_GRADE
            threshold = score
        learn_score(block, model, score)
    if grade > 0.0:
        if block.integers[RUN_LENGTH] == 0:
            block.integers[RUN_STARTED_AT] = timestamp
        block.integers[RUN_LENGTH] += 1
    else:
        block.integers[RUN_LENGTH] = 0
    numbers[SCORE] = score
    numbers[THRESHOLD] = threshold
    numbers[GRADE] = grade
    integers[REASON] = reason
    integers[FIRST_ANOMALOUS] = block.integers[RUN_STARTED_AT]


@kernel
def process_batch(
    model: Model,
    addresses: np.ndarray,
    order: np.ndarray,
    values: np.ndarray,
    timestamps: np.ndarray,
    scratch: Scratch,
    numbers: np.ndarray,
    integers: np.ndarray,
    shares: np.ndarray,
) -> None:
    """Process event ``i`` of ``order`` (m,) int64 with the block at ``addresses[i]``, one after the other.

    ``values`` (m, dimensions) float64, finite in float32; ``timestamps`` (m,) int64, epoch ms. Results by event:
    ``numbers`` (m, 4) score, threshold, grade, confidence; ``integers`` (m, 3) reason, events seen, start of the run of
    anomalies; ``shares`` (m, dimensions) attribution by feature, set where the grade is above 0.
    Every block must have room for its events in this batch.
    """
    for i in order:
        block = open_block(addresses[i], model)
        shift_shingle(block.shingle, values[i], model.dimensions)
        _judge(block, model, timestamps[i], scratch, numbers[i], integers[i])
        if numbers[i, GRADE] > 0.0:
            attribute_point(
                block,
                block.shingle,
                scratch.log2_table,
                scratch.total,
                scratch.shares,
                scratch.lower,
                scratch.upper,
            )
            relevant_shares(scratch.total, model.dimensions, shares[i])
        learn_shingle(block, model, scratch)
        numbers[i, CONFIDENCE] = confidence_of(block, model)
        integers[i, SEEN] = block.integers[EVENTS_SEEN]
