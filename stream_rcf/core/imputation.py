"""Imputation: what the missing coordinates of a point would most plausibly be, by the samples of every tree.

Algorithm reference, section 8. In each tree the cuts of missing coordinates are followed both ways; every leaf reached
offers its own values for them, and on the way up the offer that makes the completed point less anomalous survives. So
there is one candidate per tree, and the answer is their median with their percentiles, coordinate by coordinate.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from stream_rcf.core.boxes import begin_box, gaps, grow_box, is_equal, point_address
from stream_rcf.core.kernel import inlined_kernel, kernel
from stream_rcf.core.layout import KEY_SEED, Block
from stream_rcf.core.memory import address_of, load_float
from stream_rcf.core.model import Model
from stream_rcf.core.nodes import cut_value_of, dimension_of, left_of
from stream_rcf.core.parameters import MAX_TREES
from stream_rcf.core.random_stream import PRIORITY, cut_word, event_word, tree_word, uniform_of
from stream_rcf.core.scratch import Scratch
from stream_rcf.core.walk import first_of, mass_of, place_word, slot_of

LOWER_PERCENT, MEDIAN_PERCENT, UPPER_PERCENT = 10, 50, 90  # of the trees, as in the reference
IMPUTATION = (
    MAX_TREES  # the words of this purpose stand behind those of all trees, so that theirs stay what they are
)
ONE_WAY, IN_LEFT, IN_RIGHT = 0, 1, 2  # at a place: where its both ways stand


class Imputation(NamedTuple):
    """A completed record. In known coordinates all three are the value given; all NaN where nothing can be said yet."""

    values: np.ndarray  # (dimensions,) float64: medians over the trees' candidates
    lower: np.ndarray  # (dimensions,) float64: one tree in ten has at most this
    upper: np.ndarray  # (dimensions,) float64: nine trees in ten have at most this


@inlined_kernel
def _complete(
    block: Block, model: Model, tree: int, position: int, missing: np.ndarray, query: np.ndarray
) -> None:
    """Fill the missing coordinates of the query from the sample at ``position``."""
    source = point_address(block, model, tree, position)
    for j in range(missing.shape[0]):
        query[missing[j]] = load_float(source + 4 * missing[j])


@inlined_kernel
def _child(place: int, left: int, is_left: bool) -> int:
    """The place below, on the side given; ``left`` samples lie left of the cut."""
    if is_left:
        return place_word(first_of(place), left, slot_of(place) + 1)
    return place_word(first_of(place) + left, mass_of(place) - left, slot_of(place) + left)


@inlined_kernel
def _descend(block: Block, model: Model, tree: int, level: int, scratch: Scratch) -> int:
    """Go on down from the place at ``level`` to a leaf, left first where both ways are open; returns its level."""
    way, open_ways, query = scratch.ways[0], scratch.ways[1], scratch.query
    while True:
        place = way[level]
        word = block.node[tree, slot_of(place)]
        left = left_of(model, word) if mass_of(place) > 1 else 0
        if left == 0:
            return level
        dimension = dimension_of(model, word)
        forks = scratch.is_missing[dimension]
        open_ways[level] = IN_LEFT if forks else ONE_WAY
        way[level + 1] = _child(place, left, forks or query[dimension] <= cut_value_of(word))
        level += 1


@inlined_kernel
def _leaf_rank(block: Block, model: Model, tree: int, level: int, scratch: Scratch) -> float:
    """How anomalous the query, completed from the leaf at ``level``, is there."""
    leaf = scratch.ways[0][level]
    stored = point_address(block, model, tree, first_of(leaf))
    if not is_equal(model, address_of(scratch.query), stored, address_of(scratch.mask)):
        return scratch.inverse[level]
    return 1.0 / (level + scratch.log2_table[mass_of(leaf)]) if level > 0 else 0.0


@inlined_kernel
def _adjusted(rank: float, position: int, centrality: float, word: np.uint64) -> float:
    """The rank that decides between two candidates: each leaf has one random number, by its first sample."""
    if centrality >= 1.0:
        return rank
    return centrality * rank + (1.0 - centrality) * uniform_of(cut_word(word, position))


@kernel
def _impute_tree(
    block: Block,
    model: Model,
    tree: int,
    missing: np.ndarray,
    centrality: float,
    word: np.uint64,
    scratch: Scratch,
) -> int:
    """The position of the sample in one tree, which is not empty, that completes ``scratch.query`` best."""
    way, open_ways, offered = scratch.ways[0], scratch.ways[1], scratch.ways[2]
    box, mask, query = address_of(scratch.box), address_of(scratch.mask), scratch.query
    way[0] = place_word(0, int(block.size[tree]), 0)
    level = 0
    while True:
        level = _descend(block, model, tree, level, scratch)
        position = first_of(way[level])
        _complete(block, model, tree, position, missing, query)
        rank = _leaf_rank(block, model, tree, level, scratch)
        begin_box(model, box, point_address(block, model, tree, position))
        while level > 0 and open_ways[level - 1] != IN_LEFT:
            level -= 1
            if open_ways[level] == IN_RIGHT and _adjusted(
                scratch.levels[level], offered[level], centrality, word
            ) <= _adjusted(rank, position, centrality, word):
                rank, position = scratch.levels[level], offered[level]
                _complete(block, model, tree, position, missing, query)
            grow_box(block, model, tree, box, way[level + 1], way[level])
            distance, sides = gaps(model, box, address_of(query), mask)
            if distance > 0.0:
                separation = distance / (sides + distance)
                rank = separation * scratch.inverse[level] + (1.0 - separation) * rank
        if level == 0:
            return position
        # The left side has made its offer: hear the right one.
        place = way[level - 1]
        offered[level - 1], scratch.levels[level - 1] = position, rank
        open_ways[level - 1] = IN_RIGHT
        way[level] = _child(place, left_of(model, block.node[tree, slot_of(place)]), False)


@kernel
def impute_point(
    block: Block,
    model: Model,
    point: np.ndarray,
    missing: np.ndarray,
    sequence: int,
    centrality: float,
    scratch: Scratch,
    candidates: np.ndarray,
) -> None:
    """Set ``candidates`` (trees, m) float32 to each tree's values for the ``missing`` (m,) int64 coordinates.

    ``point`` (shingle_size * dimensions,) float32, number ``sequence``; what stands in its missing coordinates does not
    matter. Every tree holds a sample. Ties go to the left, so that with centrality 1 nothing is random.
    """
    scratch.is_missing[:] = False
    for j in range(missing.shape[0]):
        scratch.is_missing[missing[j]] = True
    purpose = tree_word(event_word(np.uint64(block.integers[KEY_SEED]), sequence), IMPUTATION, PRIORITY)
    for i in range(model.point_dimensions):
        scratch.query[i] = point[i]
    for tree in range(model.trees):
        word = cut_word(purpose, tree)
        position = _impute_tree(block, model, tree, missing, centrality, word, scratch)
        source = point_address(block, model, tree, position)
        for j in range(missing.shape[0]):
            candidates[tree, j] = load_float(source + 4 * missing[j])


def percentile(candidates: np.ndarray, percent: int) -> np.ndarray:
    """Of each column the least value that ``percent`` of the rows do not exceed; (rows, m) to (m,) float64."""
    place = -(-len(candidates) * percent // 100) - 1
    return np.sort(candidates, axis=0)[place].astype(np.float64)


def completed(row: np.ndarray, features: np.ndarray, candidates: np.ndarray) -> Imputation:
    """``row`` (dimensions,) with its missing ``features`` filled from ``candidates`` (trees, features)."""
    results = []
    for percent in (MEDIAN_PERCENT, LOWER_PERCENT, UPPER_PERCENT):
        values = row.copy()
        values[features] = percentile(candidates, percent)
        results.append(values)
    return Imputation(*results)
