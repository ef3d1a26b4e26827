"""The exact structure of a forest as nested Python values: for tests and for the curious, never on the hot path."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from stream_rcf.core.block import KeyBlock
from stream_rcf.core.lanes import LANES
from stream_rcf.core.layout import (
    BASE_SEQUENCE,
    BASELINE_WORDS,
    HEADER_WORDS,
    KEPT_ABOVE,
    POOL_STATE,
    POOL_WORDS,
    RUNS,
    STORE_PADDING,
    TAIL_BINS,
    TAILS_OF_EVENTS,
    TIME_DECAY,
    WIDE_STORE,
    Block,
    section_offsets,
    usual_room,
)
from stream_rcf.core.model import CUT_VALUE_BITS, Model
from stream_rcf.core.sampler import STEPS


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


class Sample(NamedTuple):
    """One sampled point."""

    priority: float  # log(-log(u) / weight) - time_decay * sequence; the highest is evicted next
    point: tuple[float, ...]
    sequence: int  # the number of the point, from 0 for the first whole shingle


def views(block: KeyBlock) -> Block:
    """The same views as in the kernels, as numpy arrays on the block's memory."""
    model = block.model
    c, p, r, m = block.capacities()
    t, width = model.trees, 2 * LANES * model.chunks
    base = block.address - block.memory.ctypes.data
    k, followed = model.channels, min(1, model.channels)
    past_numbers = model.pasts * model.past_words
    sizes = (t, model.dimensions, model.chunks, k, model.units, past_numbers, model.remembered_ids)
    sections = section_offsets(*sizes, c, p, r, m)
    starts = [base, base, *(base + int(offset) for offset in sections)]
    shapes = (
        (np.int64, (HEADER_WORDS,)),
        (np.float64, (HEADER_WORDS,)),
        (np.float64, (t,)),
        (np.int32, (t,)),
        (np.int32, (t,)),
        (np.int32, (t, c)),
        (np.uint16, (t, c)),
        (np.uint16, (t, c if p > WIDE_STORE else 0)),
        (np.int64, (t, c)),
        (np.float32, (m if m > 1 else 0, width)),
        (np.float64, (BASELINE_WORDS * followed,)),
        (np.float64, (k,)),
        (np.float32, (k + TAILS_OF_EVENTS * followed, TAIL_BINS)),
        (np.int32, (k + TAILS_OF_EVENTS * followed, 2)),
        (np.float64, ((2 * model.dimensions + 1) * followed, 2)),
        (np.float64, (model.units,)),
        (np.float64, (model.pasts, model.past_words)),
        (np.float32, (k, usual_room(c))),
        (np.uint16, (k, usual_room(c))),
        (np.int32, (usual_room(c) * followed,)),
        (np.int64, (model.remembered_ids,)),
        (np.int64, (r,)),
        (np.int64, (r,)),
        (np.float32, (p * model.dimensions + STORE_PADDING,)),
    )
    arrays: list[Any] = []
    for start, (kind, shape) in zip(starts, shapes, strict=False):
        size = int(np.prod(shape)) * np.dtype(kind).itemsize
        arrays.append(block.memory[start : start + size].view(kind).reshape(shape))
    behind_pool = Block._fields.index("pool") + 1
    arrays[behind_pool:behind_pool] = [arrays[0][POOL_STATE : POOL_STATE + POOL_WORDS], KEPT_ABOVE]
    return Block(*arrays)


def records_of(parts: Block, tree: int) -> np.ndarray:
    """Where in the store each sample's point begins, in leaf order, (size,) int64."""
    size = int(parts.size[tree])
    records = parts.offset[tree, :size].astype(np.int64)
    if parts.high_offset.shape[1]:
        records |= parts.high_offset[tree, :size].astype(np.int64) << 16
    return records


def points_of(block: KeyBlock, tree: int) -> np.ndarray:
    """The tree's points in leaf order, (size, point_dimensions) float32."""
    model, parts = block.model, views(block)
    starts = records_of(parts, tree)[:, None] * model.dimensions
    return np.asarray(parts.store[starts + np.arange(model.point_dimensions)[None, :]])


def sequences_of(block: KeyBlock, tree: int) -> np.ndarray:
    """The numbers of the tree's points, from 0 for the first whole shingle, in leaf order, (size,) int64."""
    parts = views(block)
    runs = int(parts.integers[RUNS])
    records = records_of(parts, tree)
    run = np.searchsorted(parts.run_first[:runs], records, side="right") - 1
    return np.asarray(parts.run_event[run] + records - parts.run_first[run])


def tree_structure(block: KeyBlock, tree: int) -> Node | Leaf | None:
    """The tree as nested ``Node`` and ``Leaf``, or None when it is empty."""
    parts, points = views(block), points_of(block, tree)
    if not len(points):
        return None
    return _structure(block.model, parts.node[tree], points, 0)


def _structure(model: Model, nodes: np.ndarray, points: np.ndarray, slot: int) -> Node | Leaf:
    """``points`` are those below the place whose node stands in ``slot``."""
    mass = len(points)
    word = int(nodes[slot]) if mass > 1 else 0
    left = (word >> CUT_VALUE_BITS) & (2**model.left_bits - 1)
    if left == 0:
        return Leaf(tuple(points[0].tolist()), mass)
    dimension = (word >> (CUT_VALUE_BITS + model.left_bits)) & (2**model.dimension_bits - 1)
    value = float(np.uint32(word & 0xFFFFFFFF).view(np.float32))
    return Node(
        dimension,
        value,
        _structure(model, nodes, points[:left], slot + 1),
        _structure(model, nodes, points[left:], slot + left),
        mass,
        tuple(points.min(axis=0).tolist()),
        tuple(points.max(axis=0).tolist()),
    )


def kept_boxes(block: KeyBlock, tree: int) -> list[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]]:
    """Every kept box of the tree beside the true one: (lower, upper, true lower, true upper), (d,) float32 each."""
    model, parts, points = block.model, views(block), points_of(block, tree)
    shift = CUT_VALUE_BITS + model.left_bits + model.dimension_bits
    found = []
    pending = [(0, 0, len(points))]
    while pending:
        slot, first, mass = pending.pop()
        word = int(parts.node[tree, slot]) if mass > 1 else 0
        left = (word >> CUT_VALUE_BITS) & (2**model.left_bits - 1)
        if left == 0:
            continue
        if word >> shift:
            box = parts.pool[word >> shift].reshape(model.chunks, 2, LANES)
            d = model.point_dimensions
            below = points[first : first + mass]
            found.append((box[:, 0].ravel()[:d], box[:, 1].ravel()[:d], below.min(axis=0), below.max(axis=0)))
        pending += [(slot + 1, first, left), (slot + left, first + left, mass - left)]
    return found


def sample(block: KeyBlock, tree: int) -> list[Sample]:
    """The tree's sample in ascending order of priority, of equal ones the youngest first."""
    parts, points, sequences = views(block), points_of(block, tree), sequences_of(block, tree)
    base = float(parts.floats[TIME_DECAY]) * int(parts.integers[BASE_SEQUENCE])
    entries = [
        Sample(float(priority) / STEPS - base, tuple(point.tolist()), int(sequence))
        for priority, point, sequence in zip(
            parts.priority[tree, : len(points)], points, sequences, strict=True
        )
    ]
    return sorted(entries, key=lambda entry: (entry.priority, -entry.sequence))
