"""Incremental insertion: the tree changes as if the new point had been there when its cuts were drawn.

Paper, algorithm 2; algorithm reference, section 4.4. The cut that separates the point highest in the tree wins; going
upward from the leaf finds it and may stop at the first box that already holds the point, above which no cut separates.
"""

from __future__ import annotations

import numpy as np

from stream_rcf.core.boxes import (
    begin_box,
    copy_box,
    extend_box,
    gaps,
    grow_box,
    is_equal,
    kept_box,
    point_address,
)
from stream_rcf.core.cuts import cut_gap, rest_of_cut
from stream_rcf.core.kernel import inlined_kernel
from stream_rcf.core.layout import Block
from stream_rcf.core.memory import address_of, load_float
from stream_rcf.core.model import Model
from stream_rcf.core.nodes import EQUAL_SAMPLES, node_word, with_more_left
from stream_rcf.core.random_stream import cut_word, uniform_of
from stream_rcf.core.rows import insert_node, insert_sample
from stream_rcf.core.scratch import Scratch
from stream_rcf.core.walk import first_of, is_left, mass_of, slot_of, walk_to_leaf


@inlined_kernel
def insert_point(
    block: Block, model: Model, tree: int, record: int, priority: int, cuts: np.uint64, scratch: Scratch
) -> None:
    """Insert the point that begins at ``record`` of the store; ``cuts`` seeds the draws. The rows must have room.

    A point equal to a leaf joins it as its last sample.
    """
    if block.size[tree] == 0:
        insert_sample(block, tree, 0, record, priority)
        return
    point = address_of(block.store) + record * model.dimensions * 4
    way = scratch.ways[0]
    depth = walk_to_leaf(block, model, tree, point, way)
    leaf = way[depth]
    if is_equal(model, point, point_address(block, model, tree, first_of(leaf)), address_of(scratch.mask)):
        insert_node(block, tree, slot_of(leaf), EQUAL_SAMPLES)
        insert_sample(block, tree, first_of(leaf) + mass_of(leaf), record, priority)
        _count_above(block, tree, way, depth)
        return
    level, dimension, value = _highest_separating_cut(block, model, tree, point, way, depth, cuts, scratch)
    sibling = way[level]
    if load_float(point + 4 * dimension) <= value:
        position, left = first_of(sibling), 1
    else:
        position, left = first_of(sibling) + mass_of(sibling), mass_of(sibling)
    insert_node(block, tree, slot_of(sibling), node_word(model, value, left, dimension))
    insert_sample(block, tree, position, record, priority)
    _count_above(block, tree, way, level)
    for above in range(level):
        box = kept_box(block, model, block.node[tree, slot_of(way[above])])
        if box != 0:
            extend_box(model, box, point)


@inlined_kernel
def _count_above(block: Block, tree: int, way: np.ndarray, level: int) -> None:
    """Count one more sample left of every cut that the way to its place ``level`` passes on the left."""
    for above in range(level):
        slot = slot_of(way[above])
        block.node[tree, slot] = with_more_left(block.node[tree, slot], is_left(way[above], way[above + 1]))


@inlined_kernel
def _highest_separating_cut(
    block: Block,
    model: Model,
    tree: int,
    point: int,
    way: np.ndarray,
    depth: int,
    cuts: np.uint64,
    scratch: Scratch,
) -> tuple[int, int, np.float32]:
    """(level on the way, dimension, value): the highest place where a cut drawn now separates the point."""
    box, best_box = address_of(scratch.box), address_of(scratch.best_box)
    mask = address_of(scratch.mask)
    begin_box(model, box, point_address(block, model, tree, first_of(way[depth])))
    best_level, best_rest = depth, 0.0
    level = depth
    distance, sides = gaps(model, box, point, mask)
    while True:
        rest = rest_of_cut(uniform_of(cut_word(cuts, depth - level)), distance, sides)
        if rest >= 0.0:  # at a leaf, which has no sides, every cut
            best_level, best_rest = level, rest
            copy_box(model, best_box, box)
        if level == 0:
            break
        grow_box(block, model, tree, box, way[level], way[level - 1])
        level -= 1
        distance, sides = gaps(model, box, point, mask)
        if distance <= 0.0:
            break
    dimension, value = cut_gap(best_box, point, model.point_dimensions, best_rest)
    return best_level, dimension, value
