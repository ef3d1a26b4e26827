"""Working memory for kernels, made once for each caller, so that no event allocates."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from stream_rcf.core.ahead import RANGES
from stream_rcf.core.arithmetic import exp, log, log2
from stream_rcf.core.lanes import LANES
from stream_rcf.core.layout import POOL_WORDS, TAIL_BINS, Model
from stream_rcf.core.walk import WALKED_TOGETHER, Walks

LONGEST_STRETCH = 512  # events: more would share the cost of a tree's boxes no further


class Scratch(NamedTuple):
    """Not to be shared between threads. ``d`` point dimensions, ``k`` chunks of eight lanes."""

    walks: Walks
    ways: np.ndarray  # (3, sample_size + 1) int64: of one walk, and what else its places need
    box: np.ndarray  # (2 * LANES * k,) float32: see boxes.py
    best_box: np.ndarray  # the same: that of the highest cut so far, while a point is inserted
    pool: np.ndarray  # room for the boxes of one tree: see workshop.py
    pool_state: np.ndarray  # (POOL_WORDS,) int64
    event_words: np.ndarray  # (LONGEST_STRETCH,) uint64: the random word of each event
    ahead: np.ndarray  # (RANGES, 2) int64: see ahead.py
    mask: np.ndarray  # (LANES * k,) uint32: all bits set for each of the d coordinates
    shares: np.ndarray  # (d, 2) float64
    total: np.ndarray  # (d, 2) float64
    amounts: np.ndarray  # (2, 3, d, 2) float64: see density.py
    query: np.ndarray  # (LANES * k,) float32: a point being completed, see imputation.py
    is_missing: np.ndarray  # (d,) bool: which of its coordinates are not known
    levels: np.ndarray  # (sample_size + 1,) float64: a number for each place on a way
    log2_table: np.ndarray  # (sample_size + 1,) float64: log2(mass + 1)
    inverse: np.ndarray  # (sample_size + 1,) float64: 1 / (depth + 1)
    believed: np.ndarray  # (2, TAIL_BINS + 1) float64: see believed_tails


def new_scratch(model: Model) -> Scratch:
    """Fresh working memory for forests of this shape."""
    d, lanes = model.point_dimensions, LANES * model.chunks
    mask = np.zeros(lanes, np.uint32)
    mask[:d] = 0xFFFFFFFF
    return Scratch(
        Walks(
            np.zeros((WALKED_TOGETHER, model.sample_size + 1), np.int64), np.zeros(WALKED_TOGETHER, np.int64)
        ),
        np.zeros((3, model.sample_size + 1), np.int64),
        np.zeros(2 * lanes, np.float32),
        np.zeros(2 * lanes, np.float32),
        np.zeros((min(2**model.box_bits, model.sample_size + 1), 2 * lanes), np.float32),
        np.zeros(POOL_WORDS, np.int64),
        np.zeros(LONGEST_STRETCH, np.uint64),
        np.zeros((RANGES, 2), np.int64),
        mask,
        np.empty((d, 2), np.float64),
        np.empty((d, 2), np.float64),
        np.empty((2, 3, d, 2), np.float64),
        np.zeros(lanes, np.float32),
        np.zeros(d, np.bool_),
        np.empty(model.sample_size + 1, np.float64),
        np.array([log2(mass + 1.0) for mass in range(model.sample_size + 1)], np.float64),
        1.0 / (np.arange(model.sample_size + 1) + 1.0),
        believed_tails(d),
    )


# The probability of a higher score falls by e in so much: measured of ten kinds of quiet series (noise, autocorrelated,
# daily, random walk, counts, mostly zero, latencies, percentages, whole numbers, trend), down to one event in three
# thousand, nearly alike for all of them and for all scales.
MARGINAL_FALL = 0.48
MARGINAL_CERTAIN = -0.13  # where that line reaches probability 1
# The forest's: a point of more coordinates has scores closer together. Rather more than any of the ten kinds has.
JOINT_POWER = -0.3
TENTH_AT = 1.0  # the forest's score that one event in ten exceeds


def believed_tails(point_dimensions: int) -> np.ndarray:
    """The probability of a score at least as high as each edge of a bin: of a single number's, and of the forest's."""
    fall = MARGINAL_FALL * exp(JOINT_POWER * log(np.float64(point_dimensions)))
    lines = ((MARGINAL_FALL, MARGINAL_CERTAIN), (fall, TENTH_AT - log(10.0) * fall))
    edges = [0.5 * 2.0 ** (place // 16) * (1.0 + place % 16 / 16.0) for place in range(TAIL_BINS + 1)]
    tails = [[min(1.0, exp((certain - edge) / fall)) for edge in edges] for fall, certain in lines]
    return np.array(tails, np.float64)
