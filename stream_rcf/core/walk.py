"""The way down a tree: from the root to the leaf that the cuts lead a point to, or to a given sample.

A way is one word for each place on it: the first sample below, how many there are, and the slot of the node.
"""

from __future__ import annotations

import numpy as np

from stream_rcf.core.kernel import inlined_kernel
from stream_rcf.core.layout import Block, Model
from stream_rcf.core.memory import load_float, load_word, store_word
from stream_rcf.core.nodes import cut_value_of, dimension_of, left_of

WALKED_TOGETHER = 4  # trees, so that the processor works on one while another waits for its node
FIELD_BITS = 16  # of the first sample and of the mass; the slot has the rest
FIELD_MASK = (1 << FIELD_BITS) - 1


@inlined_kernel
def place_word(first: int, mass: int, slot: int) -> int:
    """One place on a way."""
    return first | (mass << FIELD_BITS) | (slot << (2 * FIELD_BITS))


@inlined_kernel
def first_of(place: int) -> int:
    """The first sample below."""
    return place & FIELD_MASK


@inlined_kernel
def mass_of(place: int) -> int:
    """How many samples lie below."""
    return (place >> FIELD_BITS) & FIELD_MASK


@inlined_kernel
def slot_of(place: int) -> int:
    """The slot of the node."""
    return place >> (2 * FIELD_BITS)


@inlined_kernel
def _step(
    model: Model, nodes: int, first: int, mass: int, slot: int, point: int
) -> tuple[int, int, int, bool]:
    """One step down from a place; at a leaf the same place again, and False. ``nodes`` and ``point`` are addresses.

    Without branches: which way a point goes cannot be predicted.
    """
    word = load_word(nodes + slot * 8)
    left = left_of(model, word)
    goes_right = load_float(point + dimension_of(model, word) * 4) > cut_value_of(word)
    inner = (mass > 1) & (left != 0)
    next_first = first + left if goes_right else first
    next_slot = slot + left if goes_right else slot + 1
    next_mass = mass - left if goes_right else left
    return (
        next_first if inner else first,
        next_mass if inner else mass,
        next_slot if inner else slot,
        inner,
    )


@inlined_kernel
def walk_together(
    block: Block, model: Model, tree: int, point: int, ways: np.ndarray, depths: np.ndarray
) -> None:
    """Walk ``tree`` and the three after it, none empty, down to the leaves for the point at address ``point``.

    ``ways`` (4, sample_size + 1) int64 receives each tree's way, root first; ``depths`` (4,) int64 the places before
    its last, the leaf. Trees beyond the last are walked as the last one again.
    """
    last = block.size.shape[0] - 1
    tree_1, tree_2, tree_3 = min(tree + 1, last), min(tree + 2, last), min(tree + 3, last)
    row = block.node.shape[1] * 8
    nodes_0 = block.node.ctypes.data + tree * row
    nodes_1 = block.node.ctypes.data + tree_1 * row
    nodes_2 = block.node.ctypes.data + tree_2 * row
    nodes_3 = block.node.ctypes.data + tree_3 * row
    way_row = ways.shape[1] * 8
    way_0 = ways.ctypes.data
    way_1, way_2, way_3 = way_0 + way_row, way_0 + 2 * way_row, way_0 + 3 * way_row
    at_0, at_1, at_2, at_3 = way_0, way_1, way_2, way_3
    first_0, first_1, first_2, first_3 = 0, 0, 0, 0
    slot_0, slot_1, slot_2, slot_3 = 0, 0, 0, 0
    mass_0, mass_1 = int(block.size[tree]), int(block.size[tree_1])
    mass_2, mass_3 = int(block.size[tree_2]), int(block.size[tree_3])
    while True:
        store_word(at_0, place_word(first_0, mass_0, slot_0))
        store_word(at_1, place_word(first_1, mass_1, slot_1))
        store_word(at_2, place_word(first_2, mass_2, slot_2))
        store_word(at_3, place_word(first_3, mass_3, slot_3))
        first_0, mass_0, slot_0, on_0 = _step(model, nodes_0, first_0, mass_0, slot_0, point)
        first_1, mass_1, slot_1, on_1 = _step(model, nodes_1, first_1, mass_1, slot_1, point)
        first_2, mass_2, slot_2, on_2 = _step(model, nodes_2, first_2, mass_2, slot_2, point)
        first_3, mass_3, slot_3, on_3 = _step(model, nodes_3, first_3, mass_3, slot_3, point)
        at_0 += 8 if on_0 else 0
        at_1 += 8 if on_1 else 0
        at_2 += 8 if on_2 else 0
        at_3 += 8 if on_3 else 0
        if not (on_0 | on_1 | on_2 | on_3):
            break
    depths[0] = (at_0 - way_0) // 8
    depths[1] = (at_1 - way_1) // 8
    depths[2] = (at_2 - way_2) // 8
    depths[3] = (at_3 - way_3) // 8


@inlined_kernel
def walk_to_leaf(block: Block, model: Model, tree: int, point: int, way: np.ndarray) -> int:
    """Write the way for the point at ``point`` to ``way`` (sample_size + 1,) int64; returns the leaf's depth."""
    nodes = block.node.ctypes.data + tree * block.node.shape[1] * 8
    first, mass, slot, depth = 0, int(block.size[tree]), 0, 0
    while True:
        way[depth] = place_word(first, mass, slot)
        first, mass, slot, inner = _step(model, nodes, first, mass, slot, point)
        if not inner:
            return depth
        depth += 1


@inlined_kernel
def walk_to_sample(block: Block, model: Model, tree: int, position: int, way: np.ndarray) -> int:
    """Write the way to the leaf that holds the sample at ``position`` to ``way``; returns the leaf's depth."""
    first, mass, slot, depth = 0, int(block.size[tree]), 0, 0
    while True:
        way[depth] = place_word(first, mass, slot)
        if mass == 1:
            return depth
        left = left_of(model, block.node[tree, slot])
        if left == 0:
            return depth
        if position < first + left:
            mass = left
            slot += 1
        else:
            first += left
            mass -= left
            slot += left
        depth += 1
