"""How rare a score is: the share of a key's scores that are at least so high, and a belief for while they are few.

The score of one number against its own past (marginal.py) is distributed much alike on all quiet series, whatever they
measure: that distribution is what is believed of a key at first. What the key's own scores say is added as counts, and
weighs more the more there are: the mean of a Dirichlet process with that base measure (Ferguson, 1973). So a key whose
quiet scores run higher gets fewer alerts within some thousand events, and a young key is judged by what is usual
everywhere.

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
# everywhere, and of the forest's, which are less so.
MARGINAL, JOINT = 0, 1
BELIEF_EVENTS = (1000.0, 200.0)
# The probability of a higher score falls by e in so much: measured of ten kinds of quiet series (noise, autocorrelated,
# daily, random walk, counts, mostly zero, latencies, percentages, whole numbers, trend), down to one event in three
# thousand, nearly alike for all of them and for all scales.
MARGINAL_FALL = 0.48
MARGINAL_CERTAIN = -0.13  # where that line reaches probability 1
# The forest's: a point of more coordinates has scores closer together. Rather more than any of the ten kinds has.
JOINT_POWER = -0.3
TENTH_AT = 1.0  # the forest's score that one event in ten exceeds


def believed_tails(point_dimensions: int) -> np.ndarray:
    """(2, TAIL_BINS + 1): the probability of a score at least as high as each edge of a bin, at first."""
    fall = MARGINAL_FALL * exp(JOINT_POWER * log(np.float64(point_dimensions)))
    lines = ((MARGINAL_FALL, MARGINAL_CERTAIN), (fall, TENTH_AT - log(10.0) * fall))
    octave = [1.0 + place / BINS_PER_OCTAVE for place in range(BINS_PER_OCTAVE)]
    edges = [
        LEAST_SCORE * 2.0 ** (place // BINS_PER_OCTAVE) * octave[place % BINS_PER_OCTAVE]
        for place in range(TAIL_BINS + 1)
    ]
    tails = [[min(1.0, exp((certain - edge) / fall)) for edge in edges] for fall, certain in lines]
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
def rarity_in(block: Block, row: int, kind: int, score: float, believed: np.ndarray) -> float:
    """The probability of a score at least so high in the tail ``row``, which is of a ``kind``; nothing is learned.

    The episode that goes on says nothing of how often such come, so its own score is left out.
    """
    weight = block.baseline[MARGINAL_WEIGHT] if kind == MARGINAL else block.baseline[JOINT_WEIGHT]
    belief = (BELIEF_EVENTS[0] if kind == MARGINAL else BELIEF_EVENTS[1]) * block.baseline[TAIL_UNIT]
    place, into = place_of(score)
    at_first = believed[kind, place] + into * (believed[kind, place + 1] - believed[kind, place])
    counted = _counted_above(block.tail[row], place, into)
    highest = block.episode[row, 1]
    if block.episode[row, 0] > 0 and highest >= place:
        counted -= block.baseline[TAIL_UNIT] * (1.0 - into if highest == place else 1.0)
    return (max(0.0, counted) + belief * at_first) / (weight + belief)


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
