"""How rare a score is: the share of a key's scores that are at least so high, and a belief for while they are few.

The score of one number against its own past (marginal.py) is distributed much alike on all quiet series, whatever they
measure: that distribution is what is believed of a key at first, as if so many events had been seen before its first.
They fade as the key's own do, but for a few in each bin: how a tail goes on where a key has seen nothing yet, only
belief can tell. That is the mean of a beta-Stacy process (Walker and Muliere, 1997), which has a weight of its own for
each bin. So a key whose quiet scores run higher gets fewer alerts within some thousand events, one whose scores hardly
differ gets its share of them in the end, and a young key is judged by what is usual everywhere.

An episode is counted once, by its highest score: what comes of one cause says little about how often causes come.
"""

from __future__ import annotations

import numpy as np

from stream_rcf.core.arithmetic import exp, log
from stream_rcf.core.kernel import inlined_kernel
from stream_rcf.core.lanes import LANES, add, load_lanes, no_lanes, two_sums
from stream_rcf.core.layout import (
    JOINT_WEIGHT,
    MARGINAL_WEIGHT,
    TAIL_BINS,
    TAIL_UNIT,
    Block,
)
from stream_rcf.core.memory import address_of, bits_of_float

LEAST_SCORE = 0.5  # where the bins begin: no lower score is strange
BINS_PER_OCTAVE = 16
BIN_SHIFT = 19  # of a float32's bits: what is left are its exponent and the sixteenth of its octave
FIRST_BIN = (127 - 1) * BINS_PER_OCTAVE  # that of LEAST_SCORE
# Scores remembered, by decay: enough to know what happens once in some thousand events.
MEMORY_EVENTS = 20_000.0
UNIT_LIMIT = 2.0**20  # the weight of one event at which all are scaled back
RARE = 0.01  # an episode begins with an event rarer than this, and
EPISODE_EVENTS = 50  # ends after so many that are not

# Rows of what is believed, and the weight of each belief in events: of the single numbers' scores, which are alike
# everywhere, of the forest's, which are less so, and of how rare events are.
MARGINAL, JOINT, EVENT = 0, 1, 2
BELIEF_EVENTS = (1000.0, 200.0, 1000.0)
# So many are believed to have reached a bin however old the key is. Daily waves and random walks have 0.56 and 0.67 of
# their budget's alerts by it, 0.44 and 0.45 by 30, and 0.27 and 0.33 where belief does not fade at all.
KEPT_BELIEF_EVENTS = 10.0
# The probability of a higher score falls by e in so much: measured of ten kinds of quiet series (noise, autocorrelated,
# daily, random walk, counts, mostly zero, latencies, percentages, whole numbers, trend), down to one event in three
# thousand, nearly alike for all of them and for all scales.
MARGINAL_FALL = 0.48
MARGINAL_CERTAIN = -0.13  # where that line reaches probability 1
# The forest's: a point of more coordinates has scores closer together. Rather more than any of the ten kinds has.
JOINT_POWER = -0.3
TENTH_AT = 1.0  # the forest's score that one event in ten exceeds
EVENT_FALL = 0.5  # in halves of a natural logarithm, so that the bins reach down to one in 10**13
LEAST_BELIEVED = 1e-290  # a share is of something: so far out, where points are wide, the line itself is 0


def believed_tails(point_dimensions: int) -> np.ndarray:
    """(3, TAIL_BINS + 1): the probability of a score at least as high as each edge of a bin, at first."""
    fall = MARGINAL_FALL * exp(JOINT_POWER * log(np.float64(point_dimensions)))
    lines = ((MARGINAL_FALL, MARGINAL_CERTAIN), (fall, TENTH_AT - log(10.0) * fall), (EVENT_FALL, 0.0))
    octave = [1.0 + place / BINS_PER_OCTAVE for place in range(BINS_PER_OCTAVE)]
    edges = [
        LEAST_SCORE * 2.0 ** (place // BINS_PER_OCTAVE) * octave[place % BINS_PER_OCTAVE]
        for place in range(TAIL_BINS + 1)
    ]
    tails = [
        [min(1.0, max(LEAST_BELIEVED, exp((certain - edge) / fall))) for edge in edges]
        for fall, certain in lines
    ]
    return np.array(tails, np.float64)


@inlined_kernel
def place_of(score: float) -> tuple[int, float]:
    """(bin, how far into it) of a score."""
    bits = bits_of_float(np.float32(max(LEAST_SCORE, score)))
    place = (bits >> BIN_SHIFT) - FIRST_BIN
    if place >= TAIL_BINS:
        return TAIL_BINS - 1, 1.0
    return place, (bits & ((1 << BIN_SHIFT) - 1)) / float(1 << BIN_SHIFT)


@inlined_kernel
def _counted_beyond(counts: np.ndarray, place: int) -> float:
    """What was counted in the bins above one."""
    found = 0.0
    whole = (place + LANES) // LANES * LANES
    for later in range(place + 1, whole):
        found += np.float64(counts[later])
    total, start = no_lanes(), address_of(counts)
    for later in range(whole, TAIL_BINS, LANES):
        total = add(total, load_lanes(start + 4 * later))
    above, _ = two_sums(total, total)
    return found + above


@inlined_kernel
def rarity_in(block: Block, row: int, kind: int, score: float, believed: np.ndarray) -> float:
    """The probability of a score at least so high in the tail ``row``, which is of a ``kind``; nothing is learned.

    It is the product, over the bins up to the score, of the share of what reaches each that goes beyond it; within the
    last bin it falls evenly. The episode that goes on says nothing of how often such come: its own score is left out.
    """
    unit = block.baseline[TAIL_UNIT]
    weight = block.baseline[JOINT_WEIGHT] if kind == JOINT else block.baseline[MARGINAL_WEIGHT]
    belief = BELIEF_EVENTS[kind] * unit
    left = max(0.0, 1.0 - weight / (MEMORY_EVENTS * unit))
    place, into = place_of(score)
    tail = block.tail[row]
    left_out = block.episode[row, 1] if block.episode[row, 0] > 0 else -1
    reached = _counted_beyond(tail, place)
    if left_out > place:
        reached = max(0.0, reached - unit)
    rarity = 1.0
    for bin_ in range(place, -1, -1):
        inside = np.float64(tail[bin_])
        if bin_ == left_out:
            inside = max(0.0, inside - unit)
        start, end = believed[kind, bin_], believed[kind, bin_ + 1]
        beyond = reached
        reached += inside
        if bin_ == 0:  # where all begin, strange or not
            reached, start = max(weight, beyond), 1.0
        strength = belief * start
        strength = max(strength * left, min(strength, KEPT_BELIEF_EVENTS * unit))
        share = (beyond + strength * end / start) / (reached + strength)
        if bin_ == place:
            share = exp(into * log(share))
        rarity *= share
    return rarity


@inlined_kernel
def count_score(block: Block, row: int, score: float, rarity: float) -> None:
    """Count a score, whose ``rarity`` was told before: of an episode the highest only."""
    tail, episode, unit = block.tail[row], block.episode[row], np.float32(block.baseline[TAIL_UNIT])
    place, _ = place_of(score)
    is_rare = rarity < RARE
    if episode[0] > 0 and is_rare:
        episode[0] = EPISODE_EVENTS
        if place <= episode[1]:
            return
        tail[episode[1]] = max(np.float32(0.0), tail[episode[1]] - unit)
        episode[1] = place
    elif is_rare:
        episode[0] = EPISODE_EVENTS
        episode[1] = place
    elif episode[0] > 0:
        episode[0] -= 1
    tail[place] += unit


@inlined_kernel
def grow_unit(block: Block) -> None:
    """Let one event pass: the present one weighs more, so that those before sink beside it without being touched."""
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
