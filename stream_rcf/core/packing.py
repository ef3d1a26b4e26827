"""A key's state as bytes, and back, with the same scores to the last bit from there on.

Kept: the records that points need and the events they came from, each tree's samples in leaf order with their
priorities, its nodes in preorder, and the threshold statistics. Boxes are left out, because the points determine them.
The store is compacted first, so two forests that behave the same have the same bytes, however they got there.

Layout, little endian: prefix (magic, format version, shape, counts); the header words that carry state; sizes of the
trees; runs; records; over all trees the samples' records, priorities, and nodes; a CRC-32 of all that.
"""

from __future__ import annotations

import struct
import zlib

import numpy as np

from stream_rcf.core.block import KeyBlock
from stream_rcf.core.inspect import records_of, views
from stream_rcf.core.layout import (
    BASE_SEQUENCE,
    CUT_VALUE_BITS,
    EVENTS_SEEN,
    HEADER_END,
    HEADER_WORDS,
    KEEPS_PRIORITIES,
    KEY_SEED,
    RUN_LENGTH,
    RUN_STARTED_AT,
    RUNS,
    SCORES_SEEN,
    STORED,
    TIME_DECAY,
    Capacities,
    Model,
)
from stream_rcf.core.restoring import restore_trees
from stream_rcf.errors import CheckpointError

MAGIC = b"RCF2"
FORMAT_VERSION = 2
PREFIX = struct.Struct("<4s7i")  # magic, version, shape (4), records, runs
CHECKSUM = struct.Struct("<I")
STATE_WORDS = (
    KEY_SEED,
    EVENTS_SEEN,
    BASE_SEQUENCE,
    KEEPS_PRIORITIES,
    SCORES_SEEN,
    RUN_STARTED_AT,
    RUN_LENGTH,
    *range(TIME_DECAY, HEADER_END),
)
MAX_EVENTS = 2**62  # a counter above is not one that counting produced
MAX_RECORDS = 2**31


def _shape(model: Model) -> tuple[int, int, int, int]:
    return model.trees, model.sample_size, model.dimensions, model.shingle_size


def pack(block: KeyBlock) -> bytes:
    """The bytes of one key's state."""
    model = block.model
    block.compact()
    parts = views(block)
    records, runs = int(parts.integers[STORED]), int(parts.integers[RUNS])
    sizes = parts.size.tolist()
    without_box = (1 << (CUT_VALUE_BITS + model.left_bits + model.dimension_bits)) - 1
    trees = range(model.trees)
    nodes = [parts.node[tree, : max(0, sizes[tree] - 1)] & without_box for tree in trees]
    body = b"".join(
        (
            PREFIX.pack(MAGIC, FORMAT_VERSION, *_shape(model), records, runs),
            parts.integers[list(STATE_WORDS)].astype("<i8").tobytes(),
            parts.size.astype("<i4").tobytes(),
            parts.run_first[:runs].astype("<i8").tobytes(),
            parts.run_event[:runs].astype("<i8").tobytes(),
            parts.store[: records * model.dimensions].astype("<f4").tobytes(),
            np.concatenate([records_of(parts, tree) for tree in trees]).astype("<u4").tobytes(),
            np.concatenate([parts.priority[tree, : sizes[tree]] for tree in trees]).astype("<i4").tobytes(),
            np.concatenate(nodes).astype("<i8").tobytes(),
        )
    )
    return body + CHECKSUM.pack(zlib.crc32(body))


class _Reader:
    """Takes arrays off the front of the bytes, and never past their end."""

    def __init__(self, data: bytes, offset: int, end: int) -> None:
        self.data, self.offset, self.end = data, offset, end

    def take(self, kind: str, count: int) -> np.ndarray:
        size = np.dtype(kind).itemsize * count
        if self.offset + size > self.end:
            raise CheckpointError(f"a key's state is cut short: {len(self.data)} bytes, more were announced")
        values = np.frombuffer(self.data, kind, count, self.offset)
        self.offset += size
        return values


def unpack(model: Model, data: bytes) -> KeyBlock:
    """The block that ``pack`` wrote. Raises ``CheckpointError`` for bytes that are not such a state of this model."""
    if len(data) < PREFIX.size + CHECKSUM.size:
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
    if tuple(counts[:4]) != _shape(model):
        raise CheckpointError(
            f"a key's state is of a forest {tuple(counts[:4])}, but the settings say {_shape(model)}"
        )
    end = len(data) - CHECKSUM.size
    reader = _Reader(data, PREFIX.size, end)
    records, runs = counts[4:]
    if not 0 <= runs <= records < MAX_RECORDS:
        raise CheckpointError(f"a key's state counts {records} records in {runs} runs: impossible")
    words = reader.take("<i8", len(STATE_WORDS)).astype(np.int64)
    sizes = reader.take("<i4", model.trees).astype(np.int64)
    if (sizes < 0).any() or (sizes > model.sample_size).any():
        raise CheckpointError("a key's state is damaged: a tree's size is impossible")
    samples, nodes = int(sizes.sum()), int(np.maximum(sizes - 1, 0).sum())
    arrays = (
        reader.take("<i8", runs).astype(np.int64),
        reader.take("<i8", runs).astype(np.int64),
        reader.take("<f4", records * model.dimensions).astype(np.float32),
        reader.take("<u4", samples).astype(np.int64),
        reader.take("<i4", samples).astype(np.int32),
        reader.take("<i8", nodes).astype(np.int64),
    )
    if reader.offset != end:
        raise CheckpointError(f"a key's state has {end - reader.offset} bytes too many")
    if CHECKSUM.unpack_from(data, end)[0] != zlib.crc32(data[:end]):
        raise CheckpointError("a key's state is damaged: its checksum does not match its bytes")
    return _rebuild(model, words, sizes, arrays)


def _rebuild(model: Model, words: np.ndarray, sizes: np.ndarray, arrays: tuple[np.ndarray, ...]) -> KeyBlock:
    run_first, run_event, store, sample_records, priorities, nodes = arrays
    records, runs = len(store) // model.dimensions, len(run_first)
    state = np.zeros(HEADER_WORDS, np.int64)
    state[list(STATE_WORDS)] = words
    _check(model, state, run_first, run_event, store, records)
    capacities = Capacities(max(1, int(sizes.max())), max(1, records), max(1, runs), boxes=1)
    block = KeyBlock(model, int(state[KEY_SEED : KEY_SEED + 1].view(np.uint64)[0]), capacities)
    parts = views(block)
    parts.integers[list(STATE_WORDS)] = words
    parts.integers[STORED], parts.integers[RUNS] = records, runs
    parts.run_first[:runs], parts.run_event[:runs] = run_first, run_event
    parts.store[: len(store)] = store
    problem = restore_trees(block.address, model, sizes, sample_records, priorities, nodes)
    if problem:
        raise CheckpointError(f"a key's state is damaged: tree {problem - 1} is not a tree over its samples")
    block.count_headroom()
    return block


def _check(
    model: Model,
    state: np.ndarray,
    run_first: np.ndarray,
    run_event: np.ndarray,
    store: np.ndarray,
    records: int,
) -> None:
    """What the trees cannot say: counters that count, numbers that are numbers, runs that cover the store."""
    events = int(state[EVENTS_SEEN])
    if not 0 <= events < MAX_EVENTS or not 0 <= int(state[SCORES_SEEN]) <= events:
        raise CheckpointError(f"a key's state counts {events} events: impossible")
    if not 0 <= int(state[BASE_SEQUENCE]) <= events:
        raise CheckpointError("a key's state is damaged: the base of its priorities lies in the future")
    for values in (store, state[TIME_DECAY:HEADER_END].view(np.float64)):
        if not np.isfinite(values).all():
            raise CheckpointError("a key's state is damaged: it holds a value that is not a finite number")
    ends = np.append(run_first[1:], records)
    last = run_event + (ends - run_first)
    ascending = (np.diff(np.append(run_first, records)) > 0).all() and (run_event[1:] > last[:-1]).all()
    covers = not records or (
        len(run_first) > 0
        and run_first[0] == 0
        and run_event[0] >= 0
        # Of single records the latest is not kept when no tree took it.
        and (last[-1] == events if model.shingle_size > 1 else last[-1] <= events)
    )
    if not (ascending and covers) or records < min(events, model.shingle_size - 1):
        raise CheckpointError("a key's state is damaged: its records are not those of its latest events")
