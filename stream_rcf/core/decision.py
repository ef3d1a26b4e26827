"""From how unlikely an event is to an alert with a grade, or to the reason why it is none, by the alert budget."""

from __future__ import annotations

import numpy as np

from stream_rcf.core.arithmetic import log
from stream_rcf.core.corrections import correct_signal
from stream_rcf.core.kernel import inlined_kernel, kernel
from stream_rcf.core.layout import CANDIDATES_IN_A_ROW, Block
from stream_rcf.core.likelihood import SIGNALS_OF_FOREST, STALE, bearable
from stream_rcf.core.model import Model
from stream_rcf.core.reasons import Reason
from stream_rcf.core.rules import EventRules, highest_sensitivity, sensitivity_of, spared_score
from stream_rcf.core.scratch import Scratch
from stream_rcf.core.tails import JOINT, rarity_in
from stream_rcf.core.threshold import GRADE_STEPS

FULL_GRADE_LOG = 4.605170185988091  # ln 100: an event so many times rarer than the budget needs has grade 1
# However much feedback asks for: no signal may be an alert that is as frequent as what is no news.
MOST_BEARABLE = STALE / 2.0
_NONE, _RULE = int(Reason.NONE), int(Reason.RULE)


@kernel
def decide_by_budget(
    block: Block, model: Model, score: float, rules: EventRules, event: int, scratch: Scratch
) -> tuple[float, int]:
    """(grade, reason): grade 0 where no signal is as unlikely as the budget asks for, or all that are were corrected.

    The reason is that of the rarest signal which was corrected, NONE where there is none. Leaves in
    ``scratch.is_alert`` (dimensions + 1,) which signals make the alert.
    """
    usual = bearable(block, model)
    scratch.is_alert[:] = False
    least = _least(scratch.rarity, model.dimensions + 1)
    # What is learned of the stream does not hang on feedback: a row is of events that are unlikely without it.
    block.integers[CANDIDATES_IN_A_ROW] = block.integers[CANDIDATES_IN_A_ROW] + 1 if least <= usual else 0
    most_bearable = _with_feedback(usual, highest_sensitivity(rules, event))
    if least > most_bearable:
        return 0.0, _NONE
    has_feature = False
    for feature in range(model.dimensions):
        sensitivity = sensitivity_of(block, model, feature, scratch.rises[feature], rules, event, scratch)
        has_feature = has_feature or scratch.rarity[feature] <= _with_feedback(usual, sensitivity)
    grade, reason, rarest_corrected = 0.0, _NONE, 1.0
    for signal in range(model.dimensions + 1):
        rarity = scratch.rarity[signal]
        if rarity > most_bearable:
            continue
        rises = signal < model.dimensions and scratch.rises[signal]
        sensitivity = sensitivity_of(block, model, signal, rises, rules, event, scratch)
        bearable_rarity = _with_feedback(usual, sensitivity)
        if signal == model.dimensions and bearable_rarity < rarity <= usual:
            # Feedback on what made the most of the forest's score must not hide the rest of it.
            left = spared_score(model, rules, event, scratch)
            if SIGNALS_OF_FOREST * rarity_in(block, model.channels, JOINT, left, scratch.believed) <= usual:
                bearable_rarity = usual
        if rarity <= bearable_rarity:
            correction = correct_signal(
                block, model, signal, bearable_rarity, has_feature, score, rules, event, scratch
            )
        elif rarity <= usual:
            correction = _RULE
        else:
            continue
        if correction == _NONE:
            scratch.is_alert[signal] = True
            grade = max(grade, _grade_of_rarity(rarity, bearable_rarity))
        elif rarity < rarest_corrected:
            rarest_corrected, reason = rarity, correction
    return grade, reason if grade == 0.0 else _NONE


@inlined_kernel
def _with_feedback(bearable_rarity: float, sensitivity: float) -> float:
    """The probability below which a signal is an alert, by the sensitivity that feedback gave it."""
    if sensitivity <= 1.0:
        return bearable_rarity * sensitivity
    return max(bearable_rarity, min(bearable_rarity * sensitivity, MOST_BEARABLE))


@inlined_kernel
def _least(rarities: np.ndarray, count: int) -> float:
    least = 1.0
    for signal in range(count):
        least = min(least, rarities[signal])
    return least


@inlined_kernel
def _grade_of_rarity(rarity: float, wanted: float) -> float:
    """Grade 1/16 to 1 of an event at most as frequent as ``wanted``, by how much rarer it is."""
    if rarity <= 0.0:
        return 1.0
    return min(1.0, (1.0 + np.floor(log(wanted / rarity) / FULL_GRADE_LOG * GRADE_STEPS)) / GRADE_STEPS)
