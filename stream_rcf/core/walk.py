"""The way down a tree: from the root to the leaf that the cuts lead a point to, or to a given sample.

A way is one word for each place on it: the first sample below, how many there are, and the slot of the node.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from stream_rcf.core.kernel import inlined_kernel
from stream_rcf.core.layout import Block
from stream_rcf.core.memory import address_of, load_float, load_word, store_word
from stream_rcf.core.model import Model
from stream_rcf.core.nodes import cut_value_of, dimension_of, left_of

WALKED_TOGETHER = 4  # trees, so that the processor works on one while another waits for its node
FIELD_BITS = 16  # of the first sample and of the mass; the slot has the rest
FIELD_MASK = (1 << FIELD_BITS) - 1
WITHOUT_MASS = ~(FIELD_MASK << FIELD_BITS)
SEVERAL = (FIELD_MASK - 1) << FIELD_BITS  # the bits of a mass above 1
NEXT_SLOT = 1 << (2 * FIELD_BITS)
RIGHTWARD = 1 - (1 << FIELD_BITS) + NEXT_SLOT  # for each sample left of the cut: first and slot up, mass down


class Walks(NamedTuple):
    """Where walks in step put their ways."""

    ways: Any  # (WALKED_TOGETHER, sample_size + 1) int64: each way, root first
    depths: Any  # (WALKED_TOGETHER,) int64: the places before its last, the leaf


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
def _step(model: Model, nodes: int, place: int, point: int) -> tuple[int, bool]:
    """One step down from a place; at a leaf the same place again, and False. ``nodes`` and ``point`` are addresses.

    Without branches: which way a point goes cannot be predicted. On whole places: their fields do not carry over.
    """
    word = load_word(nodes + slot_of(place) * 8)
    left = left_of(model, word)
    goes_right = load_float(point + dimension_of(model, word) * 4) > cut_value_of(word)
    to_left = (place & WITHOUT_MASS) + (left << FIELD_BITS) + NEXT_SLOT
    to_right = place + left * RIGHTWARD
    inner = ((place & SEVERAL) != 0) & (left != 0)
    below = to_right if goes_right else to_left
    return (below if inner else place), inner


@inlined_kernel
def _walk_four(
    model: Model,
    nodes: tuple[int, int, int, int],
    places: tuple[int, int, int, int],
    points: tuple[int, int, int, int],
    walks: Walks,
) -> None:
    """Four walks in step from the roots ``places``; ``nodes`` and ``points`` are addresses."""
    way_row = walks.ways.shape[1] * 8
    way_0 = address_of(walks.ways)
    way_1, way_2, way_3 = way_0 + way_row, way_0 + 2 * way_row, way_0 + 3 * way_row
    at_0, at_1, at_2, at_3 = way_0, way_1, way_2, way_3
    place_0, place_1, place_2, place_3 = places
    while True:
        store_word(at_0, place_0)
        store_word(at_1, place_1)
        store_word(at_2, place_2)
        store_word(at_3, place_3)
        place_0, on_0 = _step(model, nodes[0], place_0, points[0])
        place_1, on_1 = _step(model, nodes[1], place_1, points[1])
        place_2, on_2 = _step(model, nodes[2], place_2, points[2])
        place_3, on_3 = _step(model, nodes[3], place_3, points[3])
        at_0 += 8 * int(on_0)
        at_1 += 8 * int(on_1)
        at_2 += 8 * int(on_2)
        at_3 += 8 * int(on_3)
        if int(on_0) + int(on_1) + int(on_2) + int(on_3) == 0:  # one branch; "or" would become four
            break
    walks.depths[0] = (at_0 - way_0) >> 3
    walks.depths[1] = (at_1 - way_1) >> 3
    walks.depths[2] = (at_2 - way_2) >> 3
    walks.depths[3] = (at_3 - way_3) >> 3


@inlined_kernel
def _root(block: Block, tree: int) -> int:
    return place_word(0, int(block.size[tree]), 0)


@inlined_kernel
def walk_trees(block: Block, model: Model, tree: int, point: int, walks: Walks) -> None:
    """Walk ``tree`` and the three after it, none empty, down to the leaves for the point at address ``point``.

    Trees beyond the last are walked as the last one again.
    """
    last = block.size.shape[0] - 1
    second, third, fourth = min(tree + 1, last), min(tree + 2, last), min(tree + 3, last)
    row = block.node.shape[1] * 8
    nodes = address_of(block.node)
    _walk_four(
        model,
        (nodes + tree * row, nodes + second * row, nodes + third * row, nodes + fourth * row),
        (_root(block, tree), _root(block, second), _root(block, third), _root(block, fourth)),
        (point, point, point, point),
        walks,
    )


@inlined_kernel
def walk_points(block: Block, model: Model, tree: int, point: int, last: int, walks: Walks) -> None:
    """Walk one tree, which is not empty, for the point at address ``point`` and those of the three records after it.

    Points beyond the one at ``last`` are walked as that one again.
    """
    row = model.dimensions * 4
    nodes = address_of(block.node) + tree * block.node.shape[1] * 8
    root = _root(block, tree)
    _walk_four(
        model,
        (nodes, nodes, nodes, nodes),
        (root, root, root, root),
        (point, min(point + row, last), min(point + 2 * row, last), min(point + 3 * row, last)),
        walks,
    )


@inlined_kernel
def walk_to_leaf(block: Block, model: Model, tree: int, point: int, way: np.ndarray) -> int:
    """Write the way for the point at ``point`` to ``way`` (sample_size + 1,) int64; returns the leaf's depth."""
    nodes = address_of(block.node) + tree * block.node.shape[1] * 8
    place, depth = place_word(0, int(block.size[tree]), 0), 0
    while True:
        way[depth] = place
        place, inner = _step(model, nodes, place, point)
        if not inner:
            return depth
        depth += 1


@inlined_kernel
def walk_to_sample(block: Block, model: Model, tree: int, position: int, way: np.ndarray) -> int:
    """Write the way to the leaf that holds the sample at ``position`` to ``way``; returns the leaf's depth."""
    nodes = address_of(block.node) + tree * block.node.shape[1] * 8
    place, depth = place_word(0, int(block.size[tree]), 0), 0
    while True:
        way[depth] = place
        left = left_of(model, load_word(nodes + slot_of(place) * 8))
        if (place & SEVERAL) == 0 or left == 0:
            return depth
        to_left = (place & WITHOUT_MASS) + (left << FIELD_BITS) + NEXT_SLOT
        to_right = place + left * RIGHTWARD
        place = to_right if position >= first_of(place) + left else to_left
        depth += 1


@inlined_kernel
def is_left(above: int, below: int) -> int:
    """1 if the way goes on to the left of the cut at the place ``above``, else 0."""
    return int(first_of(above) == first_of(below))
