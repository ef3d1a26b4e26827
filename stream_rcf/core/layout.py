"""The block of one key: where each part of its state lies in one contiguous piece of memory.

A block is sized by two capacities, samples per tree and points in the shared store, both doubled as a key grows, so
that a young key is small. Offsets are a pure function of the model and these two; the kernels and Python share it.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import types
from numba.np.numpy_support import carray

from stream_rcf.core.kernel import intrinsic, kernel
from stream_rcf.core.parameters import DetectorParameters, ForestParameters

ALIGNMENT = 64  # bytes: a cache line; no part shares its first line with another
HEADER_WORDS = 32  # 8-byte words, integers first

# Integer words of the header.
BLOCK_BYTES, SAMPLE_CAPACITY, POINT_CAPACITY = 0, 1, 2
EVENTS_SEEN, POINTS_LIVE, POINT_FRESH, POINT_FREE = 3, 4, 5, 6
SCORES_SEEN, RUN_STARTED_AT, RUN_LENGTH = 7, 8, 9
# Floating point words of the header: three decayed statistics (weight, mean, squared deviations each), and one score.
SCORE_STATISTIC, CHANGE_STATISTIC, FALL_STATISTIC, PREVIOUS_SCORE = 16, 19, 22, 25
STATISTICS_END = 26

# Integers of a tree.
ROOT, SIZE, NODE_FRESH, NODE_FREE, LEAF_FRESH, LEAF_FREE = 0, 1, 2, 3, 4, 5
TREE_INTEGERS = 8
# 4-byte words of an inner node's record; its box follows: all minima, then all maxima. One record is one or two
# cache lines for usual shingles, so a step down a tree costs one miss.
RANGE_SUM = 0  # float64, in words 0 and 1: the sum of the box's sides
MASS, LEFT, RIGHT, CUT_DIMENSION, CUT_VALUE, PARENT, BOX = 2, 3, 4, 5, 6, 7, 8
# Integers of a leaf. A child or root below 0 is the leaf ``~code``.
LEAF_POINT, LEAF_MASS, LEAF_PARENT = 0, 1, 2
LEAF_INTEGERS = 4
NOTHING = -1  # no parent, end of a free list
EMPTY_ROOT = np.int32(-(2**31))  # the root of a tree without points


class Model(NamedTuple):
    """The numbers that kernels need, in a form they can take."""

    trees: int
    sample_size: int
    dimensions: int
    shingle_size: int
    point_dimensions: int
    output_after: int
    decay: float
    z_factor: float
    lower_threshold: float
    initial_threshold: float
    anomaly_rate: float
    score_differencing: float


def model_of(parameters: DetectorParameters) -> Model:
    """The kernels' form of ``parameters``."""
    forest: ForestParameters = parameters.forest
    threshold = parameters.threshold
    return Model(
        forest.trees,
        forest.sample_size,
        forest.dimensions,
        forest.shingle_size,
        forest.point_dimensions,
        forest.output_after,
        forest.decay,
        float(threshold.z_factor),
        float(threshold.lower_threshold),
        float(threshold.initial_threshold),
        float(threshold.anomaly_rate),
        float(threshold.score_differencing),
    )


class Block(NamedTuple):
    """Views of one key's block. ``t`` trees, ``c`` sample capacity, ``p`` point capacity, ``d`` point dimensions."""

    integers: Any  # (HEADER_WORDS,) int64
    floats: Any  # the same words as float64
    shingle: Any  # (d,) float32: the last records, oldest first
    streams: Any  # (t, 2) uint64: random streams of sampler and cuts
    tree: Any  # (t, TREE_INTEGERS) int32
    limits: Any  # (t,) float64: see sampler.limit_of; of full samples
    heap_weight: Any  # (t, c) float64: max-heap, the next to be evicted first
    heap_leaf: Any  # (t, c) int32: the leaf that holds the sample
    leaf: Any  # (t, c, LEAF_INTEGERS) int32
    node: Any  # (t, c, BOX + 2d) float32
    node_integers: Any  # the same words as int32
    node_doubles: Any  # (t, c, BOX / 2 + d) the same words as float64
    points: Any  # (p, d) float32: the store shared by all trees
    references: Any  # (p,) int32: samples that hold the point; in a free slot, the next free one


@intrinsic
def _memory_at(_context: Any, address: Any) -> Any:
    """An integer address as an untyped pointer."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.inttoptr(arguments[0], context.get_value_type(types.voidptr))

    return types.voidptr(types.int64), generate


@kernel
def _aligned(size: int) -> int:
    return (size + ALIGNMENT - 1) // ALIGNMENT * ALIGNMENT


@kernel
def section_offsets(
    trees: int, point_dimensions: int, sample_capacity: int, point_capacity: int
) -> tuple[int, int, int, int, int, int, int, int, int, int, int]:
    """Byte offsets of the parts in the order of ``Block``, from the shingle on, and the end."""
    shingle = HEADER_WORDS * 8
    streams = shingle + _aligned(4 * point_dimensions)
    tree = streams + _aligned(16 * trees)
    limits = tree + _aligned(4 * TREE_INTEGERS * trees)
    heap_weight = limits + _aligned(8 * trees)
    heap_leaf = heap_weight + _aligned(8 * trees * sample_capacity)
    leaf = heap_leaf + _aligned(4 * trees * sample_capacity)
    node = leaf + _aligned(4 * LEAF_INTEGERS * trees * sample_capacity)
    points = node + _aligned(4 * (BOX + 2 * point_dimensions) * trees * sample_capacity)
    references = points + _aligned(4 * point_dimensions * point_capacity)
    end = references + _aligned(4 * point_capacity)
    return shingle, streams, tree, limits, heap_weight, heap_leaf, leaf, node, points, references, end


@kernel
def open_block(address: int, model: Model) -> Block:
    """Views of the block at ``address``, which must be alive and hold its two capacities in its header."""
    integers = carray(_memory_at(address), (HEADER_WORDS,), np.int64)
    c = integers[SAMPLE_CAPACITY]
    p = integers[POINT_CAPACITY]
    t = model.trees
    d = model.point_dimensions
    shingle, streams, tree, limits, heap_weight, heap_leaf, leaf, node, points, references, _ = (
        section_offsets(t, d, c, p)
    )
    return Block(
        integers,
        carray(_memory_at(address), (HEADER_WORDS,), np.float64),
        carray(_memory_at(address + shingle), (d,), np.float32),
        carray(_memory_at(address + streams), (t, 2), np.uint64),
        carray(_memory_at(address + tree), (t, TREE_INTEGERS), np.int32),
        carray(_memory_at(address + limits), (t,), np.float64),
        carray(_memory_at(address + heap_weight), (t, c), np.float64),
        carray(_memory_at(address + heap_leaf), (t, c), np.int32),
        carray(_memory_at(address + leaf), (t, c, LEAF_INTEGERS), np.int32),
        carray(_memory_at(address + node), (t, c, BOX + 2 * d), np.float32),
        carray(_memory_at(address + node), (t, c, BOX + 2 * d), np.int32),
        carray(_memory_at(address + node), (t, c, BOX // 2 + d), np.float64),
        carray(_memory_at(address + points), (p, d), np.float32),
        carray(_memory_at(address + references), (p,), np.int32),
    )
