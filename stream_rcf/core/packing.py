"""A key's state as compact bytes, and back, with the same scores to the last bit from there on.

Kept: the tree shapes in depth-first order with their cuts, the samples, the points, the random streams, the shingle and
the threshold statistics. Left out, because the rest determines it: boxes, masses, parents, free lists and reference
counts. The order is canonical: two forests that behave the same have the same bytes, however they got there.

Layout, little endian, after a 4-byte magic and a 4-byte format version: seven int32 counts; the header words that carry
state; shingle; streams; sample size of each tree; leaves of each tree; then over all trees heap weights, heap leaves,
node sides, cut dimensions, cut values, leaf points; then the points.
"""

from __future__ import annotations

import struct

import numpy as np

from stream_rcf.core.block import KeyBlock, most_points
from stream_rcf.core.layout import EVENTS_SEEN, HEADER_WORDS, POINTS_LIVE, SCORES_SEEN, STATISTICS_END, Model
from stream_rcf.core.traversal import PackedTrees, export_trees, import_trees
from stream_rcf.errors import CheckpointError

MAGIC = b"RCF1"
FORMAT_VERSION = 1
PREFIX = struct.Struct("<4s8i")  # magic, version, then the seven counts
STATE_WORDS = (EVENTS_SEEN, *range(SCORES_SEEN, STATISTICS_END))  # of the header
MAX_EVENTS = 2**62  # a counter above is not one that counting produced


def pack(block: KeyBlock) -> bytes:
    """The bytes of one key's state."""
    model, header = block.model, block.header()
    trees = PackedTrees.empty(
        model, most_samples=model.trees * model.sample_size, points=int(header[POINTS_LIVE])
    )
    samples, leaves = export_trees(block.address, model, trees)
    nodes = leaves - int((trees.leaves > 0).sum())
    counts = (
        model.trees,
        model.sample_size,
        model.dimensions,
        model.shingle_size,
        samples,
        leaves,
        len(trees.points),
    )
    parts = (
        PREFIX.pack(MAGIC, FORMAT_VERSION, *counts),
        header[list(STATE_WORDS)].astype("<i8").tobytes(),
        trees.shingle.astype("<f4").tobytes(),
        trees.streams.astype("<u8").tobytes(),
        trees.sizes.astype("<u2").tobytes(),
        trees.leaves.astype("<u2").tobytes(),
        trees.heap_weight[:samples].astype("<f8").tobytes(),
        trees.heap_leaf[:samples].astype("<u2").tobytes(),
        trees.sides[:nodes].tobytes(),
        trees.cut_dimension[:nodes].astype("<u2").tobytes(),
        trees.cut_value[:nodes].astype("<f4").tobytes(),
        trees.leaf_point[:leaves].astype("<u4").tobytes(),
        trees.points.astype("<f4").tobytes(),
    )
    return b"".join(parts)


class _Reader:
    """Takes arrays off the front of the bytes, and never past their end."""

    def __init__(self, data: bytes, offset: int) -> None:
        self.data, self.offset = data, offset

    def take(self, kind: str, count: int) -> np.ndarray:
        size = np.dtype(kind).itemsize * count
        if self.offset + size > len(self.data):
            raise CheckpointError(f"a key's state is cut short: {len(self.data)} bytes, more were announced")
        values = np.frombuffer(self.data, kind, count, self.offset)
        self.offset += size
        return values


def unpack(model: Model, data: bytes) -> KeyBlock:
    """The block that ``pack`` wrote. Raises ``CheckpointError`` for bytes that are not such a state of this model."""
    if len(data) < PREFIX.size:
        raise CheckpointError(f"a key's state is cut short: {len(data)} bytes are less than its prefix")
    magic, version, *counts = PREFIX.unpack_from(data)
    if magic != MAGIC:
        raise CheckpointError(
            f"a key's state begins with {magic!r} instead of {MAGIC!r}: this is something else"
        )
    if version != FORMAT_VERSION:
        raise CheckpointError(
            f"a key's state has format {version}; this version reads {FORMAT_VERSION}. Upgrade it"
        )
    shape = (model.trees, model.sample_size, model.dimensions, model.shingle_size)
    if tuple(counts[:4]) != shape:
        raise CheckpointError(
            f"a key's state is of a forest {tuple(counts[:4])}, but the settings say {shape}"
        )
    samples, leaves, points = counts[4:]
    if not 0 <= points < most_points(model) or not 0 <= leaves <= samples <= model.trees * model.sample_size:
        raise CheckpointError(
            f"a key's state counts {samples} samples, {leaves} leaves, {points} points: impossible"
        )
    reader = _Reader(data, PREFIX.size)
    words = reader.take("<i8", len(STATE_WORDS))
    trees = _read_trees(reader, model, samples, leaves, points)
    if reader.offset != len(data):
        raise CheckpointError(f"a key's state has {len(data) - reader.offset} bytes too many")
    _check(model, words, trees)
    block = KeyBlock(model, sample_capacity=max(1, int(trees.sizes.max())), point_capacity=max(1, points))
    header = block.header()
    header[list(STATE_WORDS)] = words
    problem = import_trees(block.address, model, trees)
    if problem:
        raise CheckpointError(f"a key's state is damaged: tree {problem - 1} is not a tree over its samples")
    block.count_headroom()
    return block


def _read_trees(reader: _Reader, model: Model, samples: int, leaves: int, points: int) -> PackedTrees:
    d = model.point_dimensions
    shingle = reader.take("<f4", d).astype(np.float32)
    streams = reader.take("<u8", 2 * model.trees).astype(np.uint64).reshape(model.trees, 2)
    sizes = reader.take("<u2", model.trees).astype(np.int64)
    leaves_of = reader.take("<u2", model.trees).astype(np.int64)
    nodes = leaves - int((leaves_of > 0).sum())
    if sizes.sum() != samples or leaves_of.sum() != leaves or nodes < 0:
        raise CheckpointError("a key's state is damaged: its trees do not add up to its counts")
    return PackedTrees(
        shingle,
        streams,
        sizes,
        leaves_of,
        reader.take("<f8", samples).astype(np.float64),
        reader.take("<u2", samples).astype(np.int64),
        reader.take("u1", nodes).astype(np.uint8),
        reader.take("<u2", nodes).astype(np.int64),
        reader.take("<f4", nodes).astype(np.float32),
        reader.take("<u4", leaves).astype(np.int64),
        reader.take("<f4", points * d).astype(np.float32).reshape(points, d),
    )


def _check(model: Model, words: np.ndarray, trees: PackedTrees) -> None:
    """What the shapes of the arrays cannot say: counters that count, numbers that are numbers, sizes that match."""
    events = int(words[0])
    statistics = np.zeros(HEADER_WORDS, np.int64)
    statistics[list(STATE_WORDS)] = words
    numbers = statistics[16:STATISTICS_END].view(np.float64)
    expected = min(model.sample_size, max(0, events - model.shingle_size + 1))
    if not 0 <= events < MAX_EVENTS or not 0 <= int(statistics[SCORES_SEEN]) <= events:
        raise CheckpointError(f"a key's state counts {events} events: impossible")
    if (trees.sizes != expected).any() or (trees.leaves > trees.sizes).any():
        raise CheckpointError(
            f"a key's state is damaged: after {events} events every tree holds {expected} samples"
        )
    for values in (trees.shingle, trees.points, trees.cut_value, trees.heap_weight, numbers):
        if not np.isfinite(values).all():
            raise CheckpointError("a key's state is damaged: it holds a value that is not a finite number")
