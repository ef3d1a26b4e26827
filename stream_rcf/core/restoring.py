"""Rebuilding the trees of a saved key, with every invariant checked."""

from __future__ import annotations

import numpy as np

from stream_rcf.core.kernel import allocating_kernel
from stream_rcf.core.layout import (
    BASE_SEQUENCE,
    EVENTS_SEEN,
    STORED,
    TIME_DECAY,
    Block,
    Model,
    open_block,
)
from stream_rcf.core.nodes import EQUAL_SAMPLES, cut_value_of, dimension_of, left_of
from stream_rcf.core.sampler import greatest_priority, limit_of
from stream_rcf.core.store import record_of, set_record


@allocating_kernel
def _is_tree(block: Block, model: Model, tree: int, pending: np.ndarray) -> bool:
    """Whether the nodes describe a tree whose cuts lead every sample to its place; ``pending`` (size + 1, 3) int64."""
    d, size = model.dimensions, np.int64(block.size[tree])
    pending[0, 0], pending[0, 1], pending[0, 2] = 0, 0, size
    count = 1
    while count > 0:
        count -= 1
        slot, first, mass = pending[count, 0], pending[count, 1], pending[count, 2]
        if mass == 1:
            continue
        word = block.node[tree, slot]
        left, dimension, value = left_of(model, word), dimension_of(model, word), cut_value_of(word)
        if left == 0:
            start = record_of(block, tree, first) * d
            for i in range(first, first + mass):
                if i + 1 < first + mass and block.node[tree, slot + i - first] != EQUAL_SAMPLES:
                    return False
                for j in range(model.point_dimensions):
                    if block.store[record_of(block, tree, i) * d + j] != block.store[start + j]:
                        return False
            continue
        if left >= mass or dimension >= model.point_dimensions or not np.isfinite(value):
            return False
        for i in range(first, first + mass):
            goes_left = block.store[record_of(block, tree, i) * d + dimension] <= value
            if goes_left != (i < first + left):
                return False
        pending[count, 0], pending[count, 1], pending[count, 2] = slot + 1, first, left
        pending[count + 1, 0], pending[count + 1, 1], pending[count + 1, 2] = (
            slot + left,
            first + left,
            mass - left,
        )
        count += 2
    return True


@allocating_kernel
def restore_trees(
    address: int,
    model: Model,
    sizes: np.ndarray,
    records: np.ndarray,
    priorities: np.ndarray,
    nodes: np.ndarray,
) -> int:
    """Fill the trees of a block whose store is filled; returns 0, or 1 + the first tree that is not one.

    ``sizes`` (trees,) int64; ``records`` int64, ``priorities`` int32 and ``nodes`` int64 over all trees one after the
    other. The caller has checked their lengths.
    """
    block = open_block(address, model)
    pending = np.empty((model.sample_size + 2, 3), np.int64)
    after_base = block.integers[EVENTS_SEEN] - model.shingle_size + 1 - block.integers[BASE_SEQUENCE]
    sample, node = 0, 0
    for tree in range(model.trees):
        size = sizes[tree]
        if size == 0:
            continue
        for i in range(size):
            if records[sample + i] + model.shingle_size > block.integers[STORED]:
                return tree + 1
            set_record(block, tree, i, records[sample + i])
            block.priority[tree, i] = priorities[sample + i]
        for i in range(size - 1):
            if nodes[node + i] < 0:
                return tree + 1
            block.node[tree, i] = nodes[node + i]
        block.size[tree] = size
        if not _is_tree(block, model, tree, pending):
            return tree + 1
        block.greatest[tree] = greatest_priority(block, tree)
        if size == model.sample_size:
            block.limit[tree] = limit_of(block.greatest[tree], block.floats[TIME_DECAY], after_base)
        sample += size
        node += size - 1
    return 0
