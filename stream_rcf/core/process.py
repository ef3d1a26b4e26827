"""One kernel call for a batch of events over any number of keys: score against the past, judge, then learn."""

from __future__ import annotations

import numpy as np

from stream_rcf.core.ahead import aim, aim_at_nothing, fetch_header
from stream_rcf.core.arrival import NO_ID, begin_shingle_after_gap, fill_missing, note_id, refused
from stream_rcf.core.baseline import follow, learn_usual
from stream_rcf.core.decision import decide_by_budget
from stream_rcf.core.event_arrays import EventArrays
from stream_rcf.core.expectation import forget_expectation
from stream_rcf.core.explanation import explain
from stream_rcf.core.incident import follow_incident, is_cooling_down
from stream_rcf.core.kernel import inlined_kernel, kernel
from stream_rcf.core.layout import (
    EVENTS_SEEN,
    INCIDENT_ALERTS,
    INCIDENT_EVENT,
    INCIDENT_STARTED_AT,
    SHINGLE_WAIT,
    STORED,
    Block,
    open_block,
)
from stream_rcf.core.likelihood import compare_with_own, judge_signals, note_gap, tell_news
from stream_rcf.core.model import Model
from stream_rcf.core.reasons import Reason
from stream_rcf.core.retirement import record_word, retire_if_idle
from stream_rcf.core.rules import unruled_score
from stream_rcf.core.sampling import ORDINARY_WEIGHT, pass_by, sample_point
from stream_rcf.core.scoring import score_point
from stream_rcf.core.scratch import Scratch
from stream_rcf.core.seasons import HOUR_MS
from stream_rcf.core.store import append_record, latest_point
from stream_rcf.core.threshold import (
    ROUND_OFF,
    confidence_of,
    grade_of,
    learn_score,
    threshold_and_span,
)
from stream_rcf.core.transforms import transform
from stream_rcf.core.units import in_units, settle_units

# Columns of the results.
SCORE, THRESHOLD, GRADE, CONFIDENCE, LIKELIHOOD = 0, 1, 2, 3, 4
NUMBERS = 5
REASON, SEEN, FIRST_ANOMALOUS, INCIDENT, ALERTS, RESOLVED = 0, 1, 2, 3, 4, 5
LEARNING = 6  # one of the next three: whether the event was learned, and whether as the first after a gap
INTEGERS = 7
NOT_LEARNED, LEARNED, LEARNED_AFTER_GAP = 0, 1, 2

_NONE = int(Reason.NONE)
_SHINGLE_FILLING = int(Reason.SHINGLE_FILLING)
_WARMING_UP = int(Reason.WARMING_UP)
_BELOW_FIRST_GRADE = int(Reason.BELOW_FIRST_GRADE)
_IDLE_KEY_RETIRED = int(Reason.IDLE_KEY_RETIRED)
_WITHIN_BUDGET = int(Reason.WITHIN_BUDGET)
_RULE = int(Reason.RULE)
_COOLDOWN = int(Reason.COOLDOWN)


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
    block: Block,
    model: Model,
    events: EventArrays,
    event: int,
    scratch: Scratch,
    numbers: np.ndarray,
    integers: np.ndarray,
) -> None:
    """Score the shingle against the past, and set threshold, grade and reason."""
    threshold, span, known = threshold_and_span(block, model)
    score = 0.0
    grade = 0.0
    reason = _NONE
    if block.integers[EVENTS_SEEN] + 1 < model.shingle_size or block.integers[SHINGLE_WAIT] > 0:
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
        judge_signals(block, model, score, scratch)
        rarest = tell_news(block, model, scratch)
        numbers[LIKELIHOOD] = 1.0 - compare_with_own(block, model, rarest, scratch)
        if model.alert_budget > 0.0 and score > 0.0:
            above = grade > 0.0
            grade, correction = decide_by_budget(block, model, score, events.rules, event, scratch)
            if grade > 0.0:
                reason = _NONE
            elif correction != _NONE:
                reason = correction
            elif above:
                reason = _WITHIN_BUDGET
    if model.alert_budget == 0.0 and grade > 0.0 and events.rules.muted.shape[0] > 0:
        left = unruled_score(block, model, score, events.rules, event, scratch)
        grade = grade_of(left, threshold, span, known, model.lower_threshold)
        if grade == 0.0:
            reason = _RULE
    if grade > 0.0 and is_cooling_down(block, model, events.timestamps[event]):
        grade, reason = 0.0, _COOLDOWN
    integers[RESOLVED] = follow_incident(block, grade > 0.0, events.timestamps[event])
    numbers[SCORE] = score
    numbers[THRESHOLD] = threshold
    numbers[GRADE] = grade
    integers[REASON] = reason
    integers[FIRST_ANOMALOUS] = block.integers[INCIDENT_STARTED_AT]
    integers[INCIDENT] = block.integers[INCIDENT_EVENT]
    integers[ALERTS] = block.integers[INCIDENT_ALERTS]


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
    events: EventArrays,
    scratch: Scratch,
    numbers: np.ndarray,
    integers: np.ndarray,
    details: np.ndarray,
) -> None:
    """Process event ``i`` of ``order`` (m,) int64 with the block at ``addresses[i]``, one after the other.

    Values that are missing are filled in in place. Results by event:
    ``numbers`` (m, NUMBERS) score, threshold, grade, confidence, likelihood; ``integers`` (m, INTEGERS) reason, events
    seen, of the latest incident its beginning, the number of its first event, its alerts, and whether this event ends
    it, and how the event was learned; ``details`` (m, dimensions, DETAILS), see ``explain``, set where the grade is
    above 0, or with ``explains_all`` the score. Every block must have room for its events in this batch.
    """
    for place in range(order.shape[0]):
        i = order[place]
        block = open_block(addresses[i], model)
        _look_ahead(model, addresses, order, place, scratch.ahead)
        timestamp, values = events.timestamps[i], events.values[i]
        identity = events.identities[i] if events.identities.shape[0] > 0 else NO_ID
        refusal = refused(block, model, timestamp, identity)
        latest, has_latest = block.integers[record_word(model)], block.integers[EVENTS_SEEN] > 0
        is_retired = refusal == _NONE and retire_if_idle(block, model, timestamp)
        if is_retired and has_latest:
            note_id(block, model, identity)  # forgotten with all else, though it is the new beginning's
        missing = 0
        if refusal == _NONE:
            missing, refusal = fill_missing(block, model, values)
        if refusal != _NONE:
            integers[i, REASON] = refusal
            numbers[i, THRESHOLD], _, _ = threshold_and_span(block, model)
            numbers[i, CONFIDENCE] = confidence_of(block, model)
            integers[i, SEEN] = block.integers[EVENTS_SEEN]
            integers[i, LEARNING] = NOT_LEARNED
            continue
        follows_gap = not is_retired and begin_shingle_after_gap(block, model, timestamp, latest)
        integers[i, LEARNING] = LEARNED_AFTER_GAP if follows_gap else LEARNED
        pause = timestamp - latest if has_latest and not is_retired else HOUR_MS
        seen = transform(
            block, model, values, timestamp, pause, follows_gap, scratch.offset, scratch.transformed
        )
        if model.channels > 0:
            if has_latest and not is_retired:
                note_gap(block, max(0.0, np.float64(timestamp) - np.float64(latest)))
            follow(block, model, seen)
        append_record(block, model, in_units(block, model, seen, scratch.scaled), block.integers[EVENTS_SEEN])
        forget_expectation(scratch)
        _judge(block, model, events, i, scratch, numbers[i], integers[i])
        if is_retired:
            integers[i, REASON] = _IDLE_KEY_RETIRED
        if numbers[i, GRADE] > 0.0 or (model.explains_all > 0 and numbers[i, SCORE] > 0.0):
            explain(block, model, numbers[i, GRADE] > 0.0, scratch, details[i])
        if model.channels > 0:
            learn_usual(block, model)
        # A record that is mostly made up teaches nothing, nor does a shingle that spans a gap.
        is_whole = 2 * missing <= model.dimensions and block.integers[SHINGLE_WAIT] == 0
        learn_shingle(block, model, ORDINARY_WEIGHT if is_whole else 0.0, scratch)
        block.integers[SHINGLE_WAIT] = max(0, block.integers[SHINGLE_WAIT] - 1)
        if model.units > 0:
            settle_units(block, model)
        numbers[i, CONFIDENCE] = confidence_of(block, model)
        integers[i, SEEN] = block.integers[EVENTS_SEEN]
