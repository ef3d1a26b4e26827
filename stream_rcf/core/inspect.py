"""The exact structure of a forest as nested Python values: for tests and for the curious, never on the hot path."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from stream_rcf.core.block import KeyBlock
from stream_rcf.core.layout import (
    BOX,
    CUT_DIMENSION,
    CUT_VALUE,
    EMPTY_ROOT,
    HEADER_WORDS,
    LEAF_INTEGERS,
    LEAF_MASS,
    LEAF_POINT,
    LEFT,
    MASS,
    POINT_CAPACITY,
    RANGE_SUM,
    RIGHT,
    ROOT,
    SAMPLE_CAPACITY,
    SIZE,
    TREE_INTEGERS,
    Block,
    section_offsets,
)


class Leaf(NamedTuple):
    """A distinct point and how many samples hold it."""

    point: tuple[float, ...]
    mass: int


class Node(NamedTuple):
    """A cut with what lies on its two sides, and the box around all of it."""

    dimension: int
    value: float
    left: Any  # Node or Leaf: points whose coordinate is at most ``value``
    right: Any
    mass: int
    lower: tuple[float, ...]
    upper: tuple[float, ...]
    range_sum: float


def views(block: KeyBlock) -> Block:
    """The same views as in the kernels, as numpy arrays on the block's memory."""
    header, model = block.header(), block.model
    c, p = int(header[SAMPLE_CAPACITY]), int(header[POINT_CAPACITY])
    t, d = model.trees, model.point_dimensions
    base = block.address - block.memory.ctypes.data
    starts = [base, *(base + int(offset) for offset in section_offsets(t, d, c, p))]

    def view(section: int, kind: Any, *shape: int) -> np.ndarray:
        size = int(np.prod(shape)) * np.dtype(kind).itemsize
        return block.memory[starts[section] : starts[section] + size].view(kind).reshape(shape)

    return Block(
        view(0, np.int64, HEADER_WORDS),
        view(0, np.float64, HEADER_WORDS),
        view(1, np.float32, d),
        view(2, np.uint64, t, 2),
        view(3, np.int32, t, TREE_INTEGERS),
        view(4, np.float64, t),
        view(5, np.float64, t, c),
        view(6, np.int32, t, c),
        view(7, np.int32, t, c, LEAF_INTEGERS),
        view(8, np.float32, t, c, BOX + 2 * d),
        view(8, np.int32, t, c, BOX + 2 * d),
        view(8, np.float64, t, c, BOX // 2 + d),
        view(9, np.float32, p, d),
        view(10, np.int32, p),
    )


def tree_structure(block: KeyBlock, tree: int) -> Node | Leaf | None:
    """The tree as nested ``Node`` and ``Leaf``, or None when it is empty."""
    parts = views(block)
    root = int(parts.tree[tree, ROOT])
    return None if root == EMPTY_ROOT else _structure(parts, tree, root)


def _structure(parts: Block, tree: int, code: int) -> Node | Leaf:
    if code < 0:
        leaf = parts.leaf[tree, ~code]
        return Leaf(tuple(parts.points[leaf[LEAF_POINT]].tolist()), int(leaf[LEAF_MASS]))
    integers, record = parts.node_integers[tree, code], parts.node[tree, code]
    d = parts.shingle.shape[0]
    return Node(
        int(integers[CUT_DIMENSION]),
        float(record[CUT_VALUE]),
        _structure(parts, tree, int(integers[LEFT])),
        _structure(parts, tree, int(integers[RIGHT])),
        int(integers[MASS]),
        tuple(record[BOX : BOX + d].tolist()),
        tuple(record[BOX + d : BOX + 2 * d].tolist()),
        float(parts.node_doubles[tree, code, RANGE_SUM]),
    )


def sample(block: KeyBlock, tree: int) -> list[tuple[float, tuple[float, ...]]]:
    """The tree's sample: (priority, point) in ascending order of priority."""
    parts = views(block)
    entries = []
    for i in range(int(parts.tree[tree, SIZE])):
        leaf = parts.leaf[tree, parts.heap_leaf[tree, i]]
        entries.append((float(parts.heap_weight[tree, i]), tuple(parts.points[leaf[LEAF_POINT]].tolist())))
    return sorted(entries)
