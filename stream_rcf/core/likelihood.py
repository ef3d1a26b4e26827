"""The likelihood of an anomaly, which means the same on every key: how rare so strange an event is.

Every event gives some signals: each feature's rarest of its scales (baseline.py), and the forest's score. How rare each
is says its tail (tails.py). A signal that is no stranger than the strangest of the same kind shortly before tells
nothing new; kinds are told apart by feature and direction, so that a drop is seen behind a rise, and one feature behind
another.
"""

from __future__ import annotations

import numpy as np

from stream_rcf.core.arithmetic import log
from stream_rcf.core.baseline import present
from stream_rcf.core.kernel import inlined_kernel, kernel
from stream_rcf.core.layout import (
    BASELINE_EVENTS,
    BASELINE_SIZE,
    GAP_MEAN,
    GAP_WEIGHT,
    JOINT_WEIGHT,
    MARGINAL_WEIGHT,
    PEAK_EVENTS,
    TAIL_UNIT,
    Block,
)
from stream_rcf.core.marginal import marginal_score
from stream_rcf.core.model import SCALES, Model
from stream_rcf.core.scratch import Scratch
from stream_rcf.core.tails import (
    EVENT,
    EVENT_FALL,
    JOINT,
    MARGINAL,
    count_score,
    grow_unit,
    place_of,
    rarity_in,
)

NEWS_EVENTS = 50  # what was as strange within so many events, or up to twice as many, is no news
LEAST_RARITY = 1e-300  # whose inverse is still a number
OWN_SHARE = 0.5  # a key has twice its budget at most: by 1 it loses alerts that were right where many are
STALE = 0.01  # the probability of an event that is no news: it is never an alert
# The forest has a ninth of the alerts to itself: with more it costs more false ones than it finds, on one feature.
SIGNALS_OF_FOREST = 9.0
WEEK_MS = 7 * 24 * 3600 * 1000.0
GAP_MEMORY = 1.0 / 1024.0  # decay, by event, of the mean time between events
# Where events are so seldom that a week has fewer than this, the budget is for so many events instead.
LEAST_EVENTS_OF_A_WEEK = 2000.0
LEAST_FREQUENT = 1e-6  # however often events come: what is rarer is an alert


@kernel
def judge_signals(block: Block, model: Model, score: float, scratch: Scratch) -> None:
    """Set how rare each signal of the present event is, and whether it rises; then learn them.

    ``score`` is the forest's, 0 where it has none yet. ``scratch.rarity`` (dimensions + 1,): how often an event would
    have any signal so rare, between 0 and 1, and 1 while nothing can be said; last the forest's. ``scratch.channel``
    (dimensions,): the rarest channel of each feature. ``scratch.rises`` (dimensions,): whether its value lies in the
    upper half of its sample.
    """
    baseline = block.baseline
    grow_unit(block)
    size = int(baseline[BASELINE_SIZE])
    scratch.rarity[:] = 1.0
    scratch.rises[:] = False
    if baseline[BASELINE_EVENTS] > model.output_after:
        for feature in range(model.dimensions):
            for channel in range(feature * len(SCALES), (feature + 1) * len(SCALES)):
                strangeness, rises = marginal_score(block.usual[channel], size, present(block, channel))
                rarity = rarity_in(block, channel, MARGINAL, strangeness, scratch.believed)
                count_score(block, channel, strangeness, rarity)
                if model.signals * rarity < scratch.rarity[feature]:
                    scratch.rarity[feature] = model.signals * rarity
                    scratch.channel[feature], scratch.rises[feature] = channel, rises
        baseline[MARGINAL_WEIGHT] += baseline[TAIL_UNIT]
    if score > 0.0:
        row = model.channels
        rarity = rarity_in(block, row, JOINT, score, scratch.believed)
        count_score(block, row, score, rarity)
        scratch.rarity[model.dimensions] = min(1.0, SIGNALS_OF_FOREST * rarity)
        baseline[JOINT_WEIGHT] += baseline[TAIL_UNIT]


@kernel
def tell_news(block: Block, model: Model, scratch: Scratch) -> float:
    """Set which signals are news, ``scratch.is_news`` (dimensions + 1,); returns how rare the event is by them.

    A signal that is no news counts as no rarer than ``STALE``. The forest's must be rarer than all before it, since
    what it finds strange may be what a feature was found strange for.
    """
    baseline, peak = block.baseline, block.peak
    rarest, highest = 1.0, 0.0
    for kind in range(peak.shape[0]):
        highest = max(highest, peak[kind, 0], peak[kind, 1])
    for signal in range(model.dimensions + 1):
        kind = 2 * signal
        if signal < model.dimensions and not scratch.rises[signal]:
            kind += 1
        rarity = scratch.rarity[signal]
        once_in = 1.0 / max(LEAST_RARITY, rarity)  # events
        before = highest if signal == model.dimensions else max(peak[kind, 0], peak[kind, 1])
        scratch.is_news[signal] = once_in > before
        peak[kind, 0] = max(peak[kind, 0], once_in)
        rarest = min(rarest, rarity if scratch.is_news[signal] else max(rarity, STALE))
    baseline[PEAK_EVENTS] += 1.0
    if baseline[PEAK_EVENTS] == NEWS_EVENTS:
        baseline[PEAK_EVENTS] = 0.0
        for kind in range(peak.shape[0]):
            peak[kind, 1] = peak[kind, 0]
            peak[kind, 0] = 0.0
    return rarest


@kernel
def compare_with_own(block: Block, model: Model, rarest: float, scratch: Scratch) -> float:
    """How rare an event is whose rarest signal is ``rarest``, by the key's own events too, and learn it.

    Never less than ``OWN_SHARE`` of the share of its events that were so unlikely: so a key keeps about its budget of
    alerts where what is believed of tails does not hold, as with many features that have heavy ones. If so, all signals
    are that much more frequent.
    """
    if block.baseline[BASELINE_EVENTS] <= model.output_after:
        return rarest
    row = model.channels + 1
    strangeness = -EVENT_FALL * log(max(LEAST_RARITY, rarest))
    least = OWN_SHARE * rarity_in(block, row, EVENT, strangeness, scratch.believed)
    place, _ = place_of(strangeness)
    block.tail[row, place] += np.float32(block.baseline[TAIL_UNIT])
    if least <= rarest:
        return rarest
    factor = least / max(LEAST_RARITY, rarest)
    for signal in range(model.dimensions + 1):
        scratch.rarity[signal] = min(1.0, factor * max(LEAST_RARITY, scratch.rarity[signal]))
    return least


@inlined_kernel
def note_gap(block: Block, milliseconds: float) -> None:
    """Let the mean time between events take one in."""
    baseline = block.baseline
    weight = (1.0 - GAP_MEMORY) * baseline[GAP_WEIGHT] + 1.0
    baseline[GAP_MEAN] += (milliseconds - baseline[GAP_MEAN]) / weight
    baseline[GAP_WEIGHT] = weight


@inlined_kernel
def bearable(block: Block, model: Model) -> float:
    """The probability below which an event is an alert, so that a quiet key has its budget of them in a week."""
    share_of_week = 1.0 / LEAST_EVENTS_OF_A_WEEK
    if block.baseline[GAP_MEAN] > 0.0:
        share_of_week = min(share_of_week, block.baseline[GAP_MEAN] / WEEK_MS)
    return max(LEAST_FREQUENT, model.alert_budget * share_of_week)
