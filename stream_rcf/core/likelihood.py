"""From scores to a likelihood that means the same on every key: how rare so strange an event is.

The score of one number against its own past (marginal.py) is distributed much alike on all quiet series, whatever they
measure: that distribution is what is believed of a key at first. What the key's own scores say is added as counts, and
weighs more the more there are: the mean of a Dirichlet process with that base measure (Ferguson, 1973). So a key whose
quiet scores run higher gets fewer alerts within some thousand events, and a young key is judged by what is usual
everywhere.

An episode is counted once, by its highest score: what comes of one cause says little about how often causes come. An
event that is no stranger than the strangest shortly before it tells nothing new.
"""

from __future__ import annotations

import numpy as np

from stream_rcf.core.baseline import present
from stream_rcf.core.kernel import inlined_kernel, kernel
from stream_rcf.core.lanes import LANES, add, load_lanes, no_lanes, two_sums
from stream_rcf.core.layout import (
    BASELINE_EVENTS,
    BASELINE_SIZE,
    GAP_MEAN,
    GAP_WEIGHT,
    JOINT_WEIGHT,
    MARGINAL_WEIGHT,
    PEAK_BEFORE,
    PEAK_EVENTS,
    PEAK_NOW,
    TAIL_BINS,
    TAIL_UNIT,
    Block,
    Model,
)
from stream_rcf.core.marginal import marginal_score
from stream_rcf.core.memory import address_of, bits_of_float
from stream_rcf.core.scratch import Scratch

LEAST_SCORE = 0.5  # where the bins begin: no lower score is strange
BIN_SHIFT = 19  # of a float32's bits: what is left are its exponent and the sixteenth of its octave
FIRST_BIN = (127 - 1) << 4  # that of LEAST_SCORE
# Scores remembered, by decay: enough to know what happens once in some thousand events.
MEMORY_EVENTS = 20_000.0
# Weight of what is believed at first, in events: of the single numbers' scores, which are alike everywhere, and of the
# forest's, which are less so.
MARGINAL_BELIEF, JOINT_BELIEF = 1000.0, 200.0
UNIT_LIMIT = 2.0**20  # the weight of one event at which all are scaled back
RARE = 0.01  # an episode begins with an event rarer than this, and
EPISODE_EVENTS = 50  # ends after so many that are not
NEWS_EVENTS = 50  # what was as strange within so many events, or up to twice as many, is no news
LEAST_RARITY = 1e-300  # whose inverse is still a number
STALE = 0.01  # the probability of an event that is no news: it is never an alert
SIGNALS_ALIKE = 3.0  # so many independent signals would be rare as often as all of them together are
WEEK_MS = 7 * 24 * 3600 * 1000.0
GAP_MEMORY = 1.0 / 1024.0  # decay, by event, of the mean time between events
# However seldom or often events come, no alert for an event that is more frequent, nor none for one rarer than these.
MOST_FREQUENT, LEAST_FREQUENT = 1e-3, 1e-6


@inlined_kernel
def _place(score: float) -> tuple[int, float]:
    """(bin, how far into it) of a score."""
    bits = bits_of_float(np.float32(max(LEAST_SCORE, score)))
    place = (bits >> BIN_SHIFT) - FIRST_BIN
    if place >= TAIL_BINS:
        return TAIL_BINS - 1, 1.0
    return place, (bits & ((1 << BIN_SHIFT) - 1)) / float(1 << BIN_SHIFT)


@inlined_kernel
def _counted_above(counts: np.ndarray, place: int, into: float) -> float:
    """What was counted at scores at least so high."""
    found = np.float64(counts[place]) * (1.0 - into)
    whole = (place + LANES) // LANES * LANES
    for later in range(place + 1, whole):
        found += np.float64(counts[later])
    total, start = no_lanes(), address_of(counts)
    for later in range(whole, TAIL_BINS, LANES):
        total = add(total, load_lanes(start + 4 * later))
    above, _ = two_sums(total, total)
    return found + above


@inlined_kernel
def _rarity(
    counts: np.ndarray, believed: np.ndarray, place: int, into: float, weight: float, belief: float
) -> float:
    """The probability of a score at least so high; ``weight`` and ``belief`` in the same unit."""
    at_first = believed[place] + into * (believed[place + 1] - believed[place])
    return (_counted_above(counts, place, into) + belief * at_first) / (weight + belief)


@inlined_kernel
def _count(block: Block, row: int, place: int, rarity: float, unit: float) -> None:
    """Count a score: an episode's highest only."""
    tail, episode = block.tail[row], block.episode[row]
    is_rare = rarity < RARE
    if episode[0] > 0 and is_rare:
        episode[0] = EPISODE_EVENTS
        if place <= episode[1]:
            return
        tail[episode[1]] = max(np.float32(0.0), tail[episode[1]] - np.float32(unit))
        episode[1] = place
    elif is_rare:
        episode[0] = EPISODE_EVENTS
        episode[1] = place
    elif episode[0] > 0:
        episode[0] -= 1
    tail[place] += np.float32(unit)


@kernel
def rarity_of(block: Block, model: Model, score: float, scratch: Scratch) -> float:
    """The probability of an event that is at least as strange in one channel, or to the forest; then learn this one.

    ``score`` is the forest's, 0 where it has none yet. Between 0 and 1; 1 while nothing can be said.
    """
    baseline = block.baseline
    unit = _grown_unit(block)
    size = int(baseline[BASELINE_SIZE])
    rarest = 1.0
    if baseline[BASELINE_EVENTS] > model.output_after:
        weight, belief = baseline[MARGINAL_WEIGHT], MARGINAL_BELIEF * unit
        for channel in range(model.channels):
            strangeness = marginal_score(block.usual[channel], size, present(block, channel))
            place, into = _place(strangeness)
            rarity = _rarity(block.tail[channel], scratch.believed[0], place, into, weight, belief)
            rarest = min(rarest, rarity)
            _count(block, channel, place, rarity, unit)
        baseline[MARGINAL_WEIGHT] = weight + unit
    if score > 0.0:
        weight = baseline[JOINT_WEIGHT]
        place, into = _place(score)
        row = model.channels
        rarity = _rarity(block.tail[row], scratch.believed[1], place, into, weight, JOINT_BELIEF * unit)
        rarest = min(rarest, rarity)
        _count(block, row, place, rarity, unit)
        baseline[JOINT_WEIGHT] = weight + unit
    return _unless_stale(block, min(1.0, SIGNALS_ALIKE * rarest))


@inlined_kernel
def _grown_unit(block: Block) -> float:
    """The weight of the present event: it grows, so that those before sink beside it without being touched."""
    baseline = block.baseline
    unit = max(1.0, baseline[TAIL_UNIT] * (1.0 + 1.0 / MEMORY_EVENTS))
    if unit > UNIT_LIMIT:
        for row in range(block.tail.shape[0]):
            for place in range(TAIL_BINS):
                block.tail[row, place] /= np.float32(unit)
        baseline[MARGINAL_WEIGHT] /= unit
        baseline[JOINT_WEIGHT] /= unit
        unit = 1.0
    baseline[TAIL_UNIT] = unit
    return unit


@inlined_kernel
def _unless_stale(block: Block, rarity: float) -> float:
    """At least ``STALE`` for what is no news: what is no rarer than the rarest shortly before."""
    baseline = block.baseline
    once_in = 1.0 / max(LEAST_RARITY, rarity)  # events
    is_news = once_in > max(baseline[PEAK_NOW], baseline[PEAK_BEFORE])
    baseline[PEAK_NOW] = max(baseline[PEAK_NOW], once_in)
    baseline[PEAK_EVENTS] += 1.0
    if baseline[PEAK_EVENTS] == NEWS_EVENTS:
        baseline[PEAK_BEFORE] = baseline[PEAK_NOW]
        baseline[PEAK_NOW] = baseline[PEAK_EVENTS] = 0.0
    return rarity if is_news else max(rarity, STALE)


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
    if block.baseline[GAP_MEAN] <= 0.0:
        return MOST_FREQUENT
    wanted = model.alert_budget * block.baseline[GAP_MEAN] / WEEK_MS
    return min(MOST_FREQUENT, max(LEAST_FREQUENT, wanted))
