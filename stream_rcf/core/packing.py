"""A key's state as bytes, and back, with the same scores to the last bit from there on.

Kept is only what cannot be worked out anew: counters and threshold statistics, the records that points need with the
events they came from (packed_store.py), and the cuts (packed_trees.py). Samples and priorities are drawn again where
they are what the key's seed draws (packed_samples.py), and so are many cuts (redrawn_cuts.py). Boxes follow from the
points. The store is compacted first, so two forests that behave the same have the same bytes, however they got there.

Layout, little endian: prefix (magic, format version, shape, counts); the header words that carry state; of a detector
the baseline (packed_baseline.py); the ids of its latest events; its open windows (packed_windows.py); what it keeps for
forecasts (packed_forecasts.py); all else as one number by an arithmetic coder (range_coder.py); a CRC-32 of all that.
The quick form, which its magic tells apart, has records and trees much as they stand in memory instead
(quick_packing.py).
"""

from __future__ import annotations

import struct
import zlib

import numpy as np

from stream_rcf.core.block import KeyBlock, largest_tree
from stream_rcf.core.inspect import views
from stream_rcf.core.kernel import kernel
from stream_rcf.core.layout import (
    BASE_SEQUENCE,
    CANDIDATES_IN_A_ROW,
    EVENTS_SEEN,
    HEADER_END,
    INCIDENT_ALERTS,
    INCIDENT_EVENT,
    INCIDENT_STARTED_AT,
    KEEPS_PRIORITIES,
    KEY_SEED,
    LATEST_ALERT_AT,
    LATEST_ALERT_EVENT,
    LATEST_TIMESTAMP,
    NEXT_ID,
    RUNS,
    SCORES_SEEN,
    SHINGLE_WAIT,
    STORED,
    TIME_DECAY,
    Capacities,
    open_block,
)
from stream_rcf.core.model import Model
from stream_rcf.core.packed_baseline import SavedBaseline, write_baseline
from stream_rcf.core.packed_damage import ALL_TREES, BAD_END, BAD_RUNS, BAD_VALUES, damage_text
from stream_rcf.core.packed_forecasts import read_forecasts, write_forecasts
from stream_rcf.core.packed_store import (
    STORE_CONTEXTS,
    decode_runs,
    decode_values,
    encode_runs,
    encode_values,
)
from stream_rcf.core.packed_trees import (
    TREE_CONTEXTS,
    TreeScratch,
    decode_tree,
    encode_tree,
    new_tree_scratch,
)
from stream_rcf.core.packed_windows import read_windows, write_windows
from stream_rcf.core.quick_packing import read_quickly, write_quickly
from stream_rcf.core.range_coder import Coder, begin_decoding, finish_encoding, is_whole, new_coder
from stream_rcf.core.redrawing import list_points
from stream_rcf.errors import CheckpointError

MAGIC, QUICK_MAGIC = b"RCF2", b"RCFQ"
FORMAT_VERSION = 8
PREFIX = struct.Struct("<4s8i")  # magic, version, shape (4), records, runs, samples of the largest tree
CHECKSUM = struct.Struct("<I")
STATE_WORDS = (
    KEY_SEED,
    EVENTS_SEEN,
    BASE_SEQUENCE,
    KEEPS_PRIORITIES,
    SCORES_SEEN,
    INCIDENT_STARTED_AT,
    LATEST_TIMESTAMP,
    INCIDENT_EVENT,
    INCIDENT_ALERTS,
    LATEST_ALERT_EVENT,
    CANDIDATES_IN_A_ROW,
    SHINGLE_WAIT,
    NEXT_ID,
    LATEST_ALERT_AT,
    *range(TIME_DECAY, HEADER_END),
)
STATE = struct.Struct(f"<{len(STATE_WORDS)}q")
MAX_EVENTS = 2**62  # a counter above is not one that counting produced
CONTEXTS = STORE_CONTEXTS + TREE_CONTEXTS


def _shape(model: Model) -> tuple[int, int, int, int]:
    return model.trees, model.sample_size, model.dimensions, model.shingle_size


def _usual_bytes(model: Model, records: int, samples: int) -> int:
    """Room that is nearly always enough for what is encoded."""
    return 1024 + 8 * records * model.dimensions + 8 * samples * model.trees


@kernel
def _encode(
    address: int, model: Model, samples: int, coder: Coder, wholes: np.ndarray, scratch: TreeScratch
) -> int:
    """Write the store and the trees; returns how many bytes that takes, though there may be less room."""
    block = open_block(address, model)
    encode_runs(coder, block)
    encode_values(coder, block, model, wholes)
    count = list_points(block, model, scratch.points)
    for tree in range(model.trees):
        encode_tree(coder, STORE_CONTEXTS, block, model, tree, samples, count, scratch)
    return finish_encoding(coder)


@kernel
def _decode(address: int, model: Model, samples: int, coder: Coder, scratch: TreeScratch) -> int:
    """Fill a block whose state words and counts are set; returns ALL_TREES, or what is damaged."""
    block = open_block(address, model)
    begin_decoding(coder)
    if not decode_runs(coder, block, model):
        return BAD_RUNS
    if not decode_values(coder, block, model):
        return BAD_VALUES
    count = list_points(block, model, scratch.points)
    for tree in range(model.trees):
        if not decode_tree(coder, STORE_CONTEXTS, block, model, tree, samples, count, scratch):
            return tree
    return ALL_TREES if is_whole(coder) else BAD_END


def pack(block: KeyBlock, *, quick: bool = False) -> bytes:
    """The bytes of one key's state: the fewest, or about twice as many in a tenth of the time.

    Drops from the block what nothing needs any more: its address may change.
    """
    block.compact()
    header = block.header()
    counts = int(header[STORED]), int(header[RUNS]), int(largest_tree(block.address, block.model))
    body = b"".join(
        (
            PREFIX.pack(QUICK_MAGIC if quick else MAGIC, FORMAT_VERSION, *_shape(block.model), *counts),
            STATE.pack(*header[list(STATE_WORDS)].tolist()),
            write_baseline(block),
            views(block).recent_id.tobytes() if block.model.remembered_ids > 0 else b"",
            write_windows(block),
            write_forecasts(block),
            write_quickly(block, counts[-1]) if quick else _encoded(block, counts[-1]),
        )
    )
    return body + CHECKSUM.pack(zlib.crc32(body))


def _encoded(block: KeyBlock, samples: int) -> bytes:
    """The records and trees of a compacted block of which no tree has more than so many samples."""
    model, records = block.model, int(block.header()[STORED])
    scratch = new_tree_scratch(model, records)
    wholes = np.empty(records, np.int64)
    room = _usual_bytes(model, records, samples)
    while True:
        coder = new_coder(np.empty(room, np.uint8), CONTEXTS)
        size = int(_encode(block.address, model, samples, coder, wholes, scratch))
        if size <= room:
            return coder.data[:size].tobytes()
        room = size


def unpack(model: Model, data: bytes) -> KeyBlock:
    """The block that ``pack`` wrote in either form.

    Raises ``CheckpointError`` for anything that is not such a state of this model.
    """
    start = PREFIX.size + STATE.size
    if len(data) < PREFIX.size + CHECKSUM.size:
        raise CheckpointError(f"a key's state is cut short: {len(data)} bytes are less than its prefix")
    magic, version, *counts = PREFIX.unpack_from(data)
    if magic not in (MAGIC, QUICK_MAGIC):
        raise CheckpointError(
            f"a key's state begins with {magic!r} instead of {MAGIC!r}: this is something else"
        )
    if version != FORMAT_VERSION:
        raise CheckpointError(
            f"a key's state has format {version}; this version reads {FORMAT_VERSION}. Upgrade it"
        )
    end = len(data) - CHECKSUM.size
    if end < start or CHECKSUM.unpack_from(data, end)[0] != zlib.crc32(data[:end]):
        raise CheckpointError("a key's state is damaged or cut short: its checksum does not match its bytes")
    if tuple(counts[:4]) != _shape(model):
        raise CheckpointError(
            f"a key's state is of a forest {tuple(counts[:4])}, but the settings say {_shape(model)}"
        )
    baseline = SavedBaseline(model, memoryview(data)[start:end])
    records, runs, samples = counts[4:]
    most = model.trees * samples * model.shingle_size + model.shingle_size  # so many can be needed
    if not (0 <= samples <= model.sample_size and 0 <= runs <= records <= most):
        raise CheckpointError(
            f"a key's state counts {records} records in {runs} runs for samples of {samples}: impossible"
        )
    words = np.array(STATE.unpack_from(data, PREFIX.size), np.int64)
    block = KeyBlock(
        model,
        int(words[STATE_WORDS.index(KEY_SEED)]) & (2**64 - 1),
        Capacities(max(1, samples, baseline.samples), max(1, records), max(1, runs), boxes=1),
    )
    header = block.header()
    header[list(STATE_WORDS)] = words
    header[STORED], header[RUNS] = records, runs
    _check(header)
    baseline.fill(block)
    start += baseline.length
    ids = 8 * model.remembered_ids
    if end - start < ids or not 0 <= int(header[NEXT_ID]) < max(1, model.remembered_ids):
        raise CheckpointError("a key's state is damaged: the ids of its latest events are cut short")
    if ids > 0:
        views(block).recent_id[:] = np.frombuffer(data[start : start + ids], np.int64)
    start += ids
    start += read_windows(block, memoryview(data)[start:end])
    start += read_forecasts(block, memoryview(data)[start:end])
    rest = memoryview(data)[start:end]
    damage = read_quickly(block, samples, rest) if magic == QUICK_MAGIC else _decoded(block, samples, rest)
    if damage != ALL_TREES:
        raise CheckpointError(f"a key's state is damaged: {damage_text(damage)}")
    block.count_headroom()
    return block


def latest_timestamp_of(data: bytes) -> int:
    """The greatest timestamp of the key that ``pack`` wrote, epoch ms; of a state that ``unpack`` would take."""
    offset = PREFIX.size + 8 * STATE_WORDS.index(LATEST_TIMESTAMP)
    return int.from_bytes(data[offset : offset + 8], "little", signed=True)


def _decoded(block: KeyBlock, samples: int, data: memoryview) -> int:
    """Fill a block whose state words and counts are set; returns ``ALL_TREES``, or what is damaged."""
    coder = new_coder(np.frombuffer(data, np.uint8).copy(), CONTEXTS)
    scratch = new_tree_scratch(block.model, int(block.header()[STORED]))
    return int(_decode(block.address, block.model, samples, coder, scratch))


def _check(state: np.ndarray) -> None:
    """The state words: counters that count, and numbers that are numbers."""
    events = int(state[EVENTS_SEEN])
    if not 0 <= events < MAX_EVENTS or not 0 <= int(state[SCORES_SEEN]) <= events:
        raise CheckpointError(f"a key's state counts {events} events: impossible")
    counters = (INCIDENT_EVENT, INCIDENT_ALERTS, LATEST_ALERT_EVENT, CANDIDATES_IN_A_ROW)
    if not all(0 <= int(state[counter]) <= events for counter in counters) or int(state[SHINGLE_WAIT]) < 0:
        raise CheckpointError("a key's state is damaged: it knows of more alerts than events")
    if not 0 <= int(state[BASE_SEQUENCE]) <= events:
        raise CheckpointError("a key's state is damaged: the base of its priorities lies in the future")
    if int(state[KEEPS_PRIORITIES]) not in (0, 1):
        raise CheckpointError("a key's state is damaged: a flag in it is neither set nor clear")
    floats = state[TIME_DECAY:HEADER_END].view(np.float64)
    if not np.isfinite(floats).all():
        raise CheckpointError(f"a key's state is damaged: {damage_text(BAD_VALUES)}")
    if not 0.0 <= floats[0] < 1.0:
        raise CheckpointError(f"a key's state is damaged: its time decay is {floats[0]}")
