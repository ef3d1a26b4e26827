"""What makes of an unlikely event no alert: each correction looks at one signal, so that none masks another.

Ideas of section 11 of the algorithm reference; scores and likelihoods are never altered. A mode that is known, or what
was forecast, needs none here: values that come again and again are no longer rare (tails.py).
"""

from __future__ import annotations

import numpy as np

from stream_rcf.core.attribution import attribute_point, total_of
from stream_rcf.core.baseline import present
from stream_rcf.core.kernel import inlined_kernel, kernel
from stream_rcf.core.layout import (
    BASELINE_SIZE,
    CANDIDATES_IN_A_ROW,
    EVENTS_SEEN,
    LATEST_ALERT_EVENT,
    STORED,
    Block,
)
from stream_rcf.core.likelihood import SIGNALS_OF_FOREST
from stream_rcf.core.model import SCALES, Model
from stream_rcf.core.reasons import Correction, Reason
from stream_rcf.core.rules import EventRules, has_rules, is_held, unruled_score
from stream_rcf.core.scratch import Scratch
from stream_rcf.core.store import latest_point
from stream_rcf.core.tails import JOINT, rarity_in

_REPEATED, _NOISE = int(Correction.REPEATED), int(Correction.NOISE)
_SHINGLE = int(Correction.SHINGLE)

_NONE = int(Reason.NONE)
_ALREADY_ALERTED, _DRIFT = int(Reason.ALREADY_ALERTED), int(Reason.DRIFT)
_IS_NOISE, _ANOMALY_IN_SHINGLE = int(Reason.NOISE), int(Reason.ANOMALY_IN_SHINGLE)
_RULE = int(Reason.RULE)

DRIFT_EVENTS = 20  # so many unlikely events in a row are a new level rather than an anomaly that goes on
# Of the largest magnitude: a feature that spans less is constant as far as 32-bit numbers can tell, with some to spare.
NOISE_SHARE = 2.0**-20


@kernel
def correct_signal(
    block: Block,
    model: Model,
    signal: int,
    bearable_rarity: float,
    has_feature: bool,
    score: float,
    rules: EventRules,
    event: int,
    scratch: Scratch,
) -> int:
    """Why the unlikely ``signal`` is no alert, as a number of ``Reason``; NONE where it is one.

    ``bearable_rarity``: an alert is no less rare. ``has_feature``: whether a feature by itself is unlikely too.
    ``score``: the forest's. ``event``: the number of the event in its batch, whose ``rules`` these are.
    """
    corrections = model.corrections
    if signal < model.dimensions:
        if is_held(block, model, signal, scratch.rises[signal], rules, event, scratch):
            return _RULE
    elif has_rules(rules, event):
        left = unruled_score(block, model, score, rules, event, scratch)
        if (
            SIGNALS_OF_FOREST * rarity_in(block, model.channels, JOINT, left, scratch.believed)
            > bearable_rarity
        ):
            return _RULE
    if corrections & _REPEATED and not scratch.is_news[signal]:
        return _DRIFT if block.integers[CANDIDATES_IN_A_ROW] >= DRIFT_EVENTS else _ALREADY_ALERTED
    if corrections & _NOISE and _is_noise(block, model, signal):
        return _IS_NOISE
    if signal == model.dimensions:
        if corrections & _SHINGLE and not has_feature and _is_echo(block, model, bearable_rarity, scratch):
            return _ANOMALY_IN_SHINGLE
        return _NONE
    return _NONE


@inlined_kernel
def _is_noise(block: Block, model: Model, signal: int) -> bool:
    """Whether the feature, or each one where the signal is the forest's, is constant but for its last bits."""
    first, last = signal, signal + 1
    if signal == model.dimensions:
        first, last = 0, model.dimensions
    size = int(block.baseline[BASELINE_SIZE])
    for feature in range(first, last):
        channel = feature * len(SCALES)
        value = np.float64(present(block, channel))
        lowest, highest = value, value
        if size > 0:
            lowest = min(value, np.float64(block.usual[channel, 0]))
            highest = max(value, np.float64(block.usual[channel, size - 1]))
        if highest - lowest > NOISE_SHARE * max(abs(lowest), abs(highest)):
            return False
    return True


@inlined_kernel
def _is_echo(block: Block, model: Model, bearable_rarity: float, scratch: Scratch) -> bool:
    """Whether the records since the last alert alone would not make the forest's score unlikely.

    Their part of the score counts as if the whole shingle were like them.
    """
    latest, seen = block.integers[LATEST_ALERT_EVENT], block.integers[EVENTS_SEEN]
    fresh = seen + 1 - latest  # records of the shingle that the last alert did not see
    if latest == 0 or fresh >= model.shingle_size:
        return False
    attribute_point(block, model, latest_point(block, model, block.integers[STORED]), scratch)
    part = total_of(scratch.total[model.point_dimensions - fresh * model.dimensions :])
    corrected = part * model.shingle_size / fresh
    rarity = rarity_in(block, model.channels, JOINT, corrected, scratch.believed)
    return SIGNALS_OF_FOREST * rarity > bearable_rarity
