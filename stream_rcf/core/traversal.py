"""Trees in depth-first order: written to flat arrays, and rebuilt from them with every shape checked."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from stream_rcf.core.boxes import box_from_children
from stream_rcf.core.insertion import mass_of, set_parent
from stream_rcf.core.kernel import kernel
from stream_rcf.core.layout import (
    CUT_DIMENSION,
    CUT_VALUE,
    EVENTS_SEEN,
    LEAF_FRESH,
    LEAF_MASS,
    LEAF_PARENT,
    LEAF_POINT,
    LEFT,
    MASS,
    NODE_FRESH,
    NOTHING,
    PARENT,
    POINT_FRESH,
    POINTS_LIVE,
    RIGHT,
    ROOT,
    SIZE,
    Block,
    Model,
    open_block,
)
from stream_rcf.core.sampler import limit_of

LEFT_IS_NODE, RIGHT_IS_NODE = 1, 2  # bits of a node's sides byte; an absent bit means a leaf


class PackedTrees(NamedTuple):
    """All that ``packing`` keeps, as arrays. Per tree: nodes and leaves depth-first, left before right."""

    shingle: np.ndarray  # (d,) float32
    streams: np.ndarray  # (trees, 2) uint64
    sizes: np.ndarray  # (trees,) int64: samples
    leaves: np.ndarray  # (trees,) int64: distinct points
    heap_weight: np.ndarray  # (samples,) float64
    heap_leaf: np.ndarray  # (samples,) int64: ordinal of the leaf within its tree
    sides: np.ndarray  # (nodes,) uint8
    cut_dimension: np.ndarray  # (nodes,) int64
    cut_value: np.ndarray  # (nodes,) float32
    leaf_point: np.ndarray  # (leaves,) int64: ordinal of the point, by first appearance
    points: np.ndarray  # (points, d) float32

    @staticmethod
    def empty(model: Model, most_samples: int, points: int) -> PackedTrees:
        """Arrays with room for ``most_samples`` samples over all trees and exactly ``points`` points."""
        return PackedTrees(
            np.empty(model.point_dimensions, np.float32),
            np.empty((model.trees, 2), np.uint64),
            np.empty(model.trees, np.int64),
            np.empty(model.trees, np.int64),
            np.empty(most_samples, np.float64),
            np.empty(most_samples, np.int64),
            np.empty(most_samples, np.uint8),
            np.empty(most_samples, np.int64),
            np.empty(most_samples, np.float32),
            np.empty(most_samples, np.int64),
            np.empty((points, model.point_dimensions), np.float32),
        )


@kernel
def _export_tree(
    block: Block,
    tree: int,
    packed: PackedTrees,
    first_node: int,
    first_leaf: int,
    stack: np.ndarray,
    leaf_ordinal: np.ndarray,
    point_ordinal: np.ndarray,
    points: int,
) -> tuple[int, int, int]:
    """Write one tree depth-first; returns (nodes, leaves, points met so far)."""
    nodes, leaves = 0, 0
    stack[0] = block.tree[tree, ROOT]
    depth = 1
    while depth > 0:
        depth -= 1
        code = stack[depth]
        if code < 0:
            slot = block.leaf[tree, ~code, LEAF_POINT]
            if point_ordinal[slot] < 0:
                point_ordinal[slot] = points
                packed.points[points, :] = block.points[slot]
                points += 1
            packed.leaf_point[first_leaf + leaves] = point_ordinal[slot]
            leaf_ordinal[~code] = leaves
            leaves += 1
            continue
        record = block.node_integers[tree, code]
        at = first_node + nodes
        packed.sides[at] = (record[LEFT] >= 0) * LEFT_IS_NODE + (record[RIGHT] >= 0) * RIGHT_IS_NODE
        packed.cut_dimension[at] = record[CUT_DIMENSION]
        packed.cut_value[at] = block.node[tree, code, CUT_VALUE]
        nodes += 1
        stack[depth] = record[RIGHT]
        stack[depth + 1] = record[LEFT]
        depth += 2
    return nodes, leaves, points


@kernel
def export_trees(address: int, model: Model, packed: PackedTrees) -> tuple[int, int]:
    """Fill ``packed`` from the block at ``address``; returns (samples, leaves) over all trees."""
    block = open_block(address, model)
    packed.shingle[:] = block.shingle
    packed.streams[:, :] = block.streams
    stack = np.empty(model.sample_size + 1, np.int32)
    leaf_ordinal = np.empty(model.sample_size, np.int64)
    point_ordinal = np.full(block.points.shape[0], np.int64(-1))
    samples, nodes, leaves, points = 0, 0, 0, 0
    for tree in range(model.trees):
        size = block.tree[tree, SIZE]
        packed.sizes[tree] = size
        packed.leaves[tree] = 0
        if size == 0:
            continue
        new_nodes, new_leaves, points = _export_tree(
            block, tree, packed, nodes, leaves, stack, leaf_ordinal, point_ordinal, points
        )
        for i in range(size):
            packed.heap_weight[samples + i] = block.heap_weight[tree, i]
            packed.heap_leaf[samples + i] = leaf_ordinal[block.heap_leaf[tree, i]]
        packed.leaves[tree] = new_leaves
        samples += size
        nodes += new_nodes
        leaves += new_leaves
    return samples, leaves


@kernel
def _import_shape(
    block: Block, tree: int, packed: PackedTrees, first_node: int, first_leaf: int, stack: np.ndarray
) -> bool:
    """Rebuild links and cuts; False unless the sides describe exactly one tree over this many leaves."""
    leaves = packed.leaves[tree]
    nodes = leaves - 1
    block.tree[tree, ROOT] = 0 if nodes > 0 else ~0
    block.tree[tree, NODE_FRESH] = nodes
    block.tree[tree, LEAF_FRESH] = leaves
    node, leaf, depth = 0, 0, 1
    stack[0, 0] = NOTHING  # the parent of the next subtree, which of its sides, and whether that is a node
    stack[0, 1] = LEFT
    stack[0, 2] = 1 if nodes > 0 else 0
    while depth > 0:
        depth -= 1
        parent, side, is_node = stack[depth, 0], stack[depth, 1], stack[depth, 2]
        if is_node == 0:
            if leaf >= leaves:
                return False
            code = ~leaf
            block.leaf[tree, leaf, LEAF_POINT] = packed.leaf_point[first_leaf + leaf]
            block.leaf[tree, leaf, LEAF_MASS] = 0
            leaf += 1
        else:
            if node >= nodes:
                return False
            code = node
            at = first_node + node
            block.node_integers[tree, node, CUT_DIMENSION] = packed.cut_dimension[at]
            block.node[tree, node, CUT_VALUE] = packed.cut_value[at]
            stack[depth, 0], stack[depth, 1] = node, RIGHT
            stack[depth, 2] = (packed.sides[at] // RIGHT_IS_NODE) % 2
            stack[depth + 1, 0], stack[depth + 1, 1] = node, LEFT
            stack[depth + 1, 2] = packed.sides[at] % 2
            depth += 2
            node += 1
        set_parent(block, tree, code, parent)
        if parent != NOTHING:
            block.node_integers[tree, parent, side] = code
    return node == nodes and leaf == leaves


@kernel
def _import_samples(block: Block, tree: int, packed: PackedTrees, first_sample: int) -> bool:
    """Rebuild the heap, leaf masses and references; False for a heap out of order or a leaf without a sample."""
    size = packed.sizes[tree]
    leaves = packed.leaves[tree]
    block.tree[tree, SIZE] = size
    for i in range(size):
        weight = packed.heap_weight[first_sample + i]
        leaf = packed.heap_leaf[first_sample + i]
        if leaf >= leaves or (i > 0 and block.heap_weight[tree, (i - 1) // 2] < weight):
            return False
        block.heap_weight[tree, i] = weight
        block.heap_leaf[tree, i] = leaf
        block.leaf[tree, leaf, LEAF_MASS] += 1
        block.references[block.leaf[tree, leaf, LEAF_POINT]] += 1
    for leaf in range(leaves):
        if block.leaf[tree, leaf, LEAF_MASS] == 0:
            return False
    return True


@kernel
def _import_masses_and_boxes(block: Block, tree: int) -> bool:
    """Children come after their parent depth-first, so going backward finds them done; False if a cut is not one."""
    d = block.shingle.shape[0]
    for node in range(block.tree[tree, NODE_FRESH] - 1, -1, -1):
        record = block.node_integers[tree, node]
        left, right = record[LEFT], record[RIGHT]
        record[MASS] = mass_of(block, tree, left) + mass_of(block, tree, right)
        box_from_children(block, tree, node, left, right)
    for leaf in range(block.tree[tree, LEAF_FRESH]):  # every leaf must be where the cuts lead its point
        point = block.points[block.leaf[tree, leaf, LEAF_POINT]]
        code = ~leaf
        parent = block.leaf[tree, leaf, LEAF_PARENT]
        while parent != NOTHING:
            record = block.node_integers[tree, parent]
            if record[CUT_DIMENSION] >= d:
                return False
            goes_left = point[record[CUT_DIMENSION]] <= block.node[tree, parent, CUT_VALUE]
            if goes_left != (record[LEFT] == code):
                return False
            code = parent
            parent = record[PARENT]
    return True


@kernel
def import_trees(address: int, model: Model, packed: PackedTrees) -> int:
    """Fill a newborn block of sufficient capacity; returns 0, or 1 + the first tree that is not one.

    The caller has set the header and checked the lengths of all arrays, the sizes, and that every number is finite.
    """
    block = open_block(address, model)
    block.shingle[:] = packed.shingle
    block.streams[:, :] = packed.streams
    stored = packed.points.shape[0]
    block.points[:stored] = packed.points
    block.integers[POINT_FRESH] = stored
    block.integers[POINTS_LIVE] = stored
    next_sequence = block.integers[EVENTS_SEEN] - model.shingle_size + 1
    stack = np.empty((model.sample_size + 1, 3), np.int64)
    sample, node, leaf = 0, 0, 0
    for tree in range(model.trees):
        size, leaves = packed.sizes[tree], packed.leaves[tree]
        if size == 0:
            continue
        if leaves == 0:
            return tree + 1
        for i in range(leaves):
            if packed.leaf_point[leaf + i] >= stored:
                return tree + 1
        if not _import_shape(block, tree, packed, node, leaf, stack):
            return tree + 1
        if not _import_samples(block, tree, packed, sample) or not _import_masses_and_boxes(block, tree):
            return tree + 1
        if size == model.sample_size:
            block.limits[tree] = limit_of(block.heap_weight[tree, 0], next_sequence, model.decay)
        sample += size
        node += leaves - 1
        leaf += leaves
    for slot in range(stored):
        if block.references[slot] == 0:
            return model.trees + 1
    return 0
