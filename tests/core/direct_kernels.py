"""Kernels that reach what the product's own kernels inline: one step on one tree, for tests."""

from __future__ import annotations

import numpy as np

from stream_rcf.core.attribution import attribute_tree
from stream_rcf.core.boxes import gaps
from stream_rcf.core.cuts import cut_gap, rest_of_cut
from stream_rcf.core.deletion import delete_sample
from stream_rcf.core.insertion import insert_point
from stream_rcf.core.kernel import kernel
from stream_rcf.core.lanes import all_zero, load_lanes, masked, store_lanes, two_sums
from stream_rcf.core.layout import open_block
from stream_rcf.core.model import Model
from stream_rcf.core.random_stream import CUTS, event_word, tree_word
from stream_rcf.core.sampler import greatest_priority, move_base, next_evicted
from stream_rcf.core.scoring import score_tree
from stream_rcf.core.scratch import Scratch
from stream_rcf.core.store import append_record
from stream_rcf.core.walk import walk_to_leaf, walk_to_sample, walk_trees


@kernel
def append(address: int, model: Model, values: np.ndarray, event: int) -> None:
    """Append the record ``values`` (dimensions,) float64 to the store."""
    append_record(open_block(address, model), model, values, event)


@kernel
def insert(
    address: int,
    model: Model,
    tree: int,
    record: int,
    priority: int,
    seed: np.uint64,
    draw: int,
    scratch: Scratch,
) -> None:
    """Insert the point at ``record``; its cuts are those of event number ``draw``."""
    word = tree_word(event_word(seed, draw), tree, CUTS)
    insert_point(open_block(address, model), model, tree, record, priority, word, scratch)


@kernel
def delete(address: int, model: Model, tree: int, position: int, scratch: Scratch) -> None:
    """Delete the sample at ``position``."""
    delete_sample(open_block(address, model), model, tree, position, scratch)


@kernel
def score(address: int, model: Model, tree: int, point: np.ndarray, scratch: Scratch) -> float:
    """The score of ``point`` (8 * chunks,) float32 in one tree; that and the three after it hold samples."""
    block = open_block(address, model)
    walk_trees(block, model, tree, point.ctypes.data, scratch.walks)
    value = score_tree(block, model, tree, point.ctypes.data, 0, scratch)
    return value * scratch.log2_table[block.size[tree]]


@kernel
def attribute(address: int, model: Model, tree: int, point: np.ndarray, scratch: Scratch) -> None:
    """Set the scratch's shares for ``point`` (8 * chunks,) float32."""
    attribute_tree(open_block(address, model), model, tree, point.ctypes.data, scratch)


@kernel
def leaf_way(address: int, model: Model, tree: int, point: np.ndarray, scratch: Scratch) -> int:
    """Depth of the leaf that the cuts lead ``point`` to; the way stands in the scratch's first row."""
    return walk_to_leaf(open_block(address, model), model, tree, point.ctypes.data, scratch.ways[0])


@kernel
def sample_way(address: int, model: Model, tree: int, position: int, scratch: Scratch) -> int:
    """Depth of the leaf that holds the sample at ``position``; the way stands in the scratch's first row."""
    return walk_to_sample(open_block(address, model), model, tree, position, scratch.ways[0])


@kernel
def find_greatest(address: int, model: Model, tree: int) -> int:
    """Note the highest priority of the tree's sample, and return the position of what is evicted next."""
    block = open_block(address, model)
    block.greatest[tree] = greatest_priority(block, tree)
    return next_evicted(block, tree)


@kernel
def evicted_next(address: int, model: Model, tree: int) -> int:
    """The position of the sample that is evicted next."""
    return next_evicted(open_block(address, model), tree)


@kernel
def follow(address: int, model: Model, sequence: int) -> None:
    """Let the base of the priorities follow to ``sequence``."""
    move_base(open_block(address, model), sequence)


@kernel
def cut(
    box: np.ndarray, point: np.ndarray, mask: np.ndarray, model: Model, uniform: float
) -> tuple[bool, int, np.float32]:
    """(whether a cut of the box extended by the point separates the two, and then its dimension and value)."""
    at, x = box.ctypes.data, point.ctypes.data
    distance, sides = gaps(model, at, x, mask.ctypes.data)
    rest = rest_of_cut(uniform, distance, sides)
    dimension, value = cut_gap(at, x, model.point_dimensions, rest)
    return rest >= 0.0, dimension, value


@kernel
def sums(first: np.ndarray, second: np.ndarray) -> tuple[float, float]:
    """The sums of twice eight float32."""
    return two_sums(load_lanes(first.ctypes.data), load_lanes(second.ctypes.data))


@kernel
def keep_masked(values: np.ndarray, mask: np.ndarray) -> None:
    """Clear those of eight float32 whose mask, uint32, is clear."""
    store_lanes(values.ctypes.data, masked(load_lanes(values.ctypes.data), load_lanes(mask.ctypes.data)))


@kernel
def all_lanes_zero(values: np.ndarray) -> bool:
    """Whether all of eight float32 are 0."""
    return all_zero(load_lanes(values.ctypes.data))
