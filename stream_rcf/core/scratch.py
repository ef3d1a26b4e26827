"""Working memory for kernels, made once for each caller, so that no event allocates."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from stream_rcf.core.ahead import RANGES
from stream_rcf.core.arithmetic import log2
from stream_rcf.core.lanes import LANES
from stream_rcf.core.layout import POOL_WORDS
from stream_rcf.core.model import Model
from stream_rcf.core.tails import believed_tails
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
    believed: np.ndarray  # (3, TAIL_BINS + 1) float64: see tails.believed_tails
    # Of the signals of an event, each feature's and last the forest's: see likelihood.py and decision.py.
    rarity: np.ndarray  # (dimensions + 1,) float64
    is_news: np.ndarray  # (dimensions + 1,) bool
    is_alert: np.ndarray  # (dimensions + 1,) bool
    channel: np.ndarray  # (dimensions,) int64: the rarest of each feature
    rises: np.ndarray  # (dimensions,) bool: whether it lies above the middle of its sample
    transformed: np.ndarray  # (dimensions,) float64: see transforms.py
    offset: np.ndarray  # (dimensions,) float64: what a transform took off the latest event's value
    scaled: np.ndarray  # (dimensions,) float64: see units.py
    newest: np.ndarray  # (dimensions,) int64: the coordinates of a point's latest record
    # What each tree expected in its place: see expectation.py.
    expected_for: np.ndarray  # (1,) int64: 1 where that was worked out for the latest record
    imputed: np.ndarray  # (trees, dimensions) float32
    candidates: np.ndarray  # (dimensions, trees) float32: the same in ascending order


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
        np.ones(model.dimensions + 1, np.float64),
        np.zeros(model.dimensions + 1, np.bool_),
        np.zeros(model.dimensions + 1, np.bool_),
        np.zeros(model.dimensions, np.int64),
        np.zeros(model.dimensions, np.bool_),
        np.zeros(model.dimensions, np.float64),
        np.zeros(model.dimensions, np.float64),
        np.zeros(model.dimensions, np.float64),
        np.arange(d - model.dimensions, d, dtype=np.int64),
        np.zeros(1, np.int64),
        np.zeros((model.trees, model.dimensions), np.float32),
        np.zeros((model.dimensions, model.trees), np.float32),
    )
