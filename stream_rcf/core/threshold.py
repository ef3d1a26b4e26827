"""From scores to a threshold, a grade and a confidence, per key (algorithm reference, sections 9, 10 and 11.1).

Three decayed statistics: of the scores, of their changes, and of how far scores fall below their mean. Kept in
Welford's form: sums of squares lose all digits when the mean is large against the deviation.
"""

from __future__ import annotations

import numpy as np

from stream_rcf.core.arithmetic import exp
from stream_rcf.core.kernel import kernel
from stream_rcf.core.layout import (
    CHANGE_STATISTIC,
    EVENTS_SEEN,
    FALL_STATISTIC,
    PREVIOUS_SCORE,
    SCORE_STATISTIC,
    SCORES_SEEN,
    Block,
)
from stream_rcf.core.model import Model

# Scores above count as 2 in the statistics, so that a big anomaly does not lift the threshold.
SCORE_CAP = 2.0
# Scores before a key's own statistics begin to count; they count fully after twice as many.
MINIMUM_SCORES = 10
LOW_MEAN = 0.9  # below this mean score the key is quiet, and the lower threshold follows it down
LEAST_Z_FACTOR = 2.0
ROUND_OFF = 1e-9  # relative: a score this little above the threshold is not above it
SQRT2 = 1.4142135623730951
GRADE_STEPS = 16.0  # grades are multiples of 1/16
FULL_GRADE_AT = 0.8  # of the deviation span above the threshold: 20 steps to the span, 16 of them to grade 1
FULL_CONFIDENCE = 20.0  # decayed weight lambda * events at which confidence is 1 to double precision


@kernel
def _learn(floats: np.ndarray, at: int, value: float, discount: float) -> None:
    """Add ``value`` to the statistic (weight, mean, sum of squared deviations) at ``floats[at]``."""
    weight = (1.0 - discount) * floats[at] + 1.0
    difference = value - floats[at + 1]
    mean = floats[at + 1] + difference / weight
    floats[at + 2] = (1.0 - discount) * floats[at + 2] + difference * (value - mean)
    floats[at] = weight
    floats[at + 1] = mean


@kernel
def _deviation(floats: np.ndarray, at: int) -> float:
    if floats[at] <= 0.0:
        return 0.0
    return np.sqrt(max(0.0, floats[at + 2] / floats[at]))


@kernel
def threshold_and_span(block: Block, model: Model) -> tuple[float, float, bool]:
    """(threshold, deviation span above it, whether the span is known) from the scores before this one."""
    floats = block.floats
    count = block.integers[SCORES_SEEN]
    mean = floats[SCORE_STATISTIC + 1]
    spread = _deviation(floats, SCORE_STATISTIC)
    change = _deviation(floats, CHANGE_STATISTIC)
    fall = SQRT2 * _deviation(floats, FALL_STATISTIC)
    lower = model.lower_threshold
    if count >= 2 * MINIMUM_SCORES and mean < LOW_MEAN:
        lower = model.lower_threshold * mean / LOW_MEAN
    if count < MINIMUM_SCORES:
        return max(model.initial_threshold, lower), 0.0, False
    trust = min(1.0, (count - MINIMUM_SCORES) / MINIMUM_SCORES)
    c = model.score_differencing
    if model.shingle_size == 1:
        longer = min(fall, spread)
    else:
        longer = c * min(spread, max(change, fall)) + (1.0 - c) * change
    span = (max(LEAST_Z_FACTOR, model.z_factor) - 1.0) * longer + spread
    usual = trust * (mean + span) + (1.0 - trust) * model.initial_threshold
    return max(lower, usual), span, True


@kernel
def grade_of(score: float, threshold: float, span: float, ready: bool, lower_threshold: float) -> float:
    """Grade 0 to 1 in steps of 1/16: 0 below the threshold, 1 from ``0.8 * span`` above it."""
    if score < threshold * (1.0 + ROUND_OFF):
        return 0.0
    if not ready:
        excess = min(1.0, max(0.0, (score - lower_threshold) / lower_threshold))
    elif span <= 0.0:
        excess = 1.0
    else:
        excess = min(1.0, (score - threshold) / span)
    return min(1.0, np.floor(excess * GRADE_STEPS / FULL_GRADE_AT) / GRADE_STEPS)


@kernel
def learn_score(block: Block, model: Model, score: float) -> None:
    """Let a score above 0 change the statistics."""
    floats = block.floats
    capped = min(score, SCORE_CAP)
    mean = floats[SCORE_STATISTIC + 1]
    if mean - capped > 0.0:
        _learn(floats, FALL_STATISTIC, mean - capped, model.decay / 2.0)
    _learn(floats, SCORE_STATISTIC, capped, model.decay)
    _learn(floats, CHANGE_STATISTIC, score - floats[PREVIOUS_SCORE], model.anomaly_rate)
    if model.shingle_size > 1:
        # For single records the change statistic follows the score itself, as in the reference.
        floats[PREVIOUS_SCORE] = score
    block.integers[SCORES_SEEN] += 1


@kernel
def confidence_of(block: Block, model: Model) -> float:
    """Share of the decayed weight that was seen after warm-up, 0 to 1, events up to now counted."""
    seen = block.integers[EVENTS_SEEN]
    weight = model.decay * seen
    if model.decay == 0.0:  # nothing is forgotten: the limit of the formula below
        return max(0.0, 1.0 - model.output_after / seen) if seen > 0 else 0.0
    if weight >= FULL_CONFIDENCE:
        return 1.0
    if weight <= 0.0:
        return 0.0
    warm_up = exp(model.decay * min(seen, model.output_after))
    return max(0.0, (exp(weight) - warm_up) / (exp(weight) - 1.0))
