"""One kernel call for a batch of events over any number of keys: score against the past, judge, then learn."""

from __future__ import annotations

import numpy as np

from stream_rcf.core.ahead import aim, aim_at_nothing, fetch_header
from stream_rcf.core.arithmetic import log
from stream_rcf.core.attribution import attribute_point, relevant_shares
from stream_rcf.core.baseline import follow, learn_usual
from stream_rcf.core.kernel import inlined_kernel, kernel
from stream_rcf.core.layout import (
    EVENTS_SEEN,
    LATEST_TIMESTAMP,
    RUN_LENGTH,
    RUN_STARTED_AT,
    STORED,
    Block,
    Model,
    open_block,
)
from stream_rcf.core.likelihood import bearable, note_gap, rarity_of
from stream_rcf.core.reasons import Reason
from stream_rcf.core.retirement import retire_if_idle
from stream_rcf.core.sampling import ORDINARY_WEIGHT, pass_by, sample_point
from stream_rcf.core.scoring import score_point
from stream_rcf.core.scratch import Scratch
from stream_rcf.core.store import append_record, latest_point
from stream_rcf.core.threshold import (
    GRADE_STEPS,
    ROUND_OFF,
    confidence_of,
    grade_of,
    learn_score,
    threshold_and_span,
)

# Columns of the results.
SCORE, THRESHOLD, GRADE, CONFIDENCE, LIKELIHOOD = 0, 1, 2, 3, 4
NUMBERS = 5
REASON, SEEN, FIRST_ANOMALOUS = 0, 1, 2

_NONE = int(Reason.NONE)
_SHINGLE_FILLING = int(Reason.SHINGLE_FILLING)
_WARMING_UP = int(Reason.WARMING_UP)
_BELOW_FIRST_GRADE = int(Reason.BELOW_FIRST_GRADE)
_IDLE_KEY_RETIRED = int(Reason.IDLE_KEY_RETIRED)
_WITHIN_BUDGET = int(Reason.WITHIN_BUDGET)
FULL_GRADE_LOG = 4.605170185988091  # ln 100: an event so many times rarer than the budget needs has grade 1


@inlined_kernel
def is_ready(block: Block, model: Model) -> bool:
    """Whether a score means something: enough events, and at least one whole shingle in every tree."""
    return block.integers[EVENTS_SEEN] >= model.output_after and block.size[0] > 0


@inlined_kernel
def learn_shingle(block: Block, model: Model, weight: float, scratch: Scratch) -> None:
    """Count the event whose record was just appended, and sample its shingle once that is whole."""
    block.integers[EVENTS_SEEN] += 1
    if block.integers[EVENTS_SEEN] < model.shingle_size:
        return
    if weight > 0.0:
        sample_point(block, model, block.integers[STORED] - model.shingle_size, weight, scratch)
    else:
        pass_by(block, model)


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
        score = score_point(block, model, latest_point(block, model, block.integers[STORED]), scratch)
        grade = grade_of(score, threshold, span, known, model.lower_threshold)
        if grade == 0.0 and score >= threshold:
            if score >= threshold * (1.0 + ROUND_OFF):
                reason = _BELOW_FIRST_GRADE
            threshold = score
        learn_score(block, model, score)
    numbers[LIKELIHOOD] = 0.0
    if model.channels > 0:
        rarity = rarity_of(block, model, score, scratch)
        learn_usual(block, model)
        numbers[LIKELIHOOD] = 1.0 - rarity
        if model.alert_budget > 0.0:
            above = grade > 0.0
            grade = _grade_of_rarity(rarity, bearable(block, model)) if score > 0.0 else 0.0
            if above and grade == 0.0:
                reason = _WITHIN_BUDGET
            elif grade > 0.0:
                reason = _NONE
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


@inlined_kernel
def _grade_of_rarity(rarity: float, wanted: float) -> float:
    """Grade 1/16 to 1 of an event at most as frequent as ``wanted``, by how much rarer it is; 0 of others."""
    if rarity > wanted:
        return 0.0
    if rarity <= 0.0:
        return 1.0
    return min(1.0, (1.0 + np.floor(log(wanted / rarity) / FULL_GRADE_LOG * GRADE_STEPS)) / GRADE_STEPS)


@inlined_kernel
def _look_ahead(
    model: Model, addresses: np.ndarray, order: np.ndarray, place: int, ahead: np.ndarray
) -> None:
    """Aim at the block of the event after the one at ``place``, if it is another; of the one after that, the header."""
    last = order.shape[0] - 1
    coming = addresses[order[min(place + 1, last)]]
    if coming == addresses[order[place]]:
        aim_at_nothing(ahead)
    else:
        aim(coming, model, ahead)
        fetch_header(addresses[order[min(place + 2, last)]])


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
    ``numbers`` (m, NUMBERS) score, threshold, grade, confidence, likelihood; ``integers`` (m, 3) reason, events seen,
    start of the run of anomalies; ``shares`` (m, dimensions) attribution by feature, set where the grade is above 0.
    Every block must have room for its events in this batch.
    """
    for place in range(order.shape[0]):
        i = order[place]
        block = open_block(addresses[i], model)
        _look_ahead(model, addresses, order, place, scratch.ahead)
        latest, has_latest = block.integers[LATEST_TIMESTAMP], block.integers[EVENTS_SEEN] > 0
        is_retired = retire_if_idle(block, model, timestamps[i])
        if model.channels > 0:
            if has_latest and not is_retired:
                note_gap(block, max(0.0, np.float64(timestamps[i]) - np.float64(latest)))
            follow(block, model, values[i])
        append_record(block, model, values[i], block.integers[EVENTS_SEEN])
        _judge(block, model, timestamps[i], scratch, numbers[i], integers[i])
        if is_retired:
            integers[i, REASON] = _IDLE_KEY_RETIRED
        if numbers[i, GRADE] > 0.0:
            attribute_point(block, model, latest_point(block, model, block.integers[STORED]), scratch)
            relevant_shares(scratch.total, model.dimensions, shares[i])
        learn_shingle(block, model, ORDINARY_WEIGHT, scratch)
        numbers[i, CONFIDENCE] = confidence_of(block, model)
        integers[i, SEEN] = block.integers[EVENTS_SEEN]
