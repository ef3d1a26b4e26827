"""From how unlikely an event is to an alert with a grade, or to the reason why it is none, by the alert budget."""

from __future__ import annotations

import numpy as np

from stream_rcf.core.arithmetic import log
from stream_rcf.core.corrections import correct_signal
from stream_rcf.core.kernel import inlined_kernel, kernel
from stream_rcf.core.layout import CANDIDATES_IN_A_ROW, Block
from stream_rcf.core.likelihood import bearable
from stream_rcf.core.model import Model
from stream_rcf.core.reasons import Reason
from stream_rcf.core.rules import EventRules
from stream_rcf.core.scratch import Scratch
from stream_rcf.core.threshold import GRADE_STEPS

FULL_GRADE_LOG = 4.605170185988091  # ln 100: an event so many times rarer than the budget needs has grade 1
_NONE = int(Reason.NONE)


@kernel
def decide_by_budget(
    block: Block, model: Model, score: float, rules: EventRules, event: int, scratch: Scratch
) -> tuple[float, int]:
    """(grade, reason): grade 0 where no signal is as unlikely as the budget asks for, or all that are were corrected.

    The reason is that of the rarest signal which was corrected, NONE where there is none. Leaves in
    ``scratch.is_alert`` (dimensions + 1,) which signals make the alert.
    """
    bearable_rarity = bearable(block, model)
    scratch.is_alert[:] = False
    if _least(scratch.rarity, model.dimensions + 1) > bearable_rarity:
        block.integers[CANDIDATES_IN_A_ROW] = 0
        return 0.0, _NONE
    block.integers[CANDIDATES_IN_A_ROW] += 1
    has_feature = _least(scratch.rarity, model.dimensions) <= bearable_rarity
    rarest, reason, rarest_corrected = 1.0, _NONE, 1.0
    for signal in range(model.dimensions + 1):
        rarity = scratch.rarity[signal]
        if rarity > bearable_rarity:
            continue
        correction = correct_signal(
            block, model, signal, bearable_rarity, has_feature, score, rules, event, scratch
        )
        if correction == _NONE:
            scratch.is_alert[signal] = True
            rarest = min(rarest, rarity)
        elif rarity < rarest_corrected:
            rarest_corrected, reason = rarity, correction
    if rarest > bearable_rarity:
        return 0.0, reason
    return _grade_of_rarity(rarest, bearable_rarity), _NONE


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
