"""The memory of one key, owned by Python: created small, grown before the events that would not fit."""

from __future__ import annotations

import numpy as np

from stream_rcf.core.kernel import allocating_kernel, kernel
from stream_rcf.core.layout import (
    ALIGNMENT,
    BASELINE_SIZE,
    BLOCK_BYTES,
    BOX_CAPACITY,
    EVENTS_SEEN,
    FRESH,
    HEADER_WORDS,
    KEY_SEED,
    LATEST_TIMESTAMP,
    NEVER,
    POOL_STATE,
    RECORD_TIMESTAMP,
    REFUSED,
    RUN_CAPACITY,
    RUNS,
    SAMPLE_CAPACITY,
    STORE_CAPACITY,
    STORED,
    TIME_DECAY,
    Block,
    Capacities,
    open_block,
    section_offsets,
)
from stream_rcf.core.model import USUAL_PER_SAMPLE, Model
from stream_rcf.core.store import compact_store, survey_store
from stream_rcf.core.units import begin_units_at
from stream_rcf.core.window_section import Windows, copy_last_sections, window_views

LEAST_SAMPLES = 8  # per tree of a newborn key
LEAST_ROOM = 16  # records: what is made free at a time, at the least
ROOM_SHARE = 8  # one part in so many of the store is made free at a time: less costs time, more costs memory
# And of the whole block, where that is more: making room looks at all of it, of which the store is a small part.
ROOM_SHARE_OF_BLOCK = 64
RECORD_BYTES = 4  # of each dimension
RUN_BYTES = 16
LEAST_BOXES = 16
# Boxes in the pool for each sample of a full forest. More would be used, but 16 trees' worth of samples in ten thousand
# gain no more than a few percent of speed for a third of the memory.
BOXES_PER_SAMPLE = 1.0 / 16.0


def block_bytes(model: Model, capacities: Capacities) -> int:
    """Bytes of a block with these capacities."""
    shape = (
        model.trees,
        model.dimensions,
        model.chunks,
        model.channels,
        model.units,
        model.pasts * model.past_words,
        model.remembered_ids,
    )
    return int(section_offsets(*shape, *capacities).end) + model.forecast.bytes + model.windows.bytes


class KeyBlock:
    """One key's block. ``memory`` keeps it alive; ``address`` is what kernels take and changes when it grows.

    ``counted_bytes`` and ``last_used`` are for who keeps the blocks: what was counted of ``bytes``, when it was used.
    """

    __slots__ = ("address", "bytes", "counted_bytes", "headroom", "last_used", "memory", "model")

    def __init__(self, model: Model, key_seed: int, capacities: Capacities | None = None) -> None:
        self.model = model
        self.counted_bytes = self.last_used = 0
        self._allocate(
            capacities
            or Capacities(
                min(LEAST_SAMPLES, model.sample_size), model.shingle_size + LEAST_ROOM, LEAST_ROOM, boxes=1
            )
        )
        header = self.header()
        header[POOL_STATE + FRESH] = 1
        header[LATEST_TIMESTAMP] = header[RECORD_TIMESTAMP] = NEVER
        header[KEY_SEED] = np.uint64(key_seed).astype(np.int64)
        header[TIME_DECAY : TIME_DECAY + 1].view(np.float64)[0] = model.decay
        if model.units > 0:
            begin_units_at(self.address, model)
        self.count_headroom()

    def _allocate(self, capacities: Capacities) -> None:
        size = block_bytes(self.model, capacities)
        self._lie_in(np.zeros(size + ALIGNMENT, np.uint8), size)
        header = self.header()
        header[BLOCK_BYTES] = size
        header[SAMPLE_CAPACITY : BOX_CAPACITY + 1] = (
            capacities.samples,
            capacities.records,
            capacities.runs,
            capacities.boxes,
        )

    def _lie_in(self, memory: np.ndarray, size: int) -> None:
        """Take ``memory``, which is larger than the block by ``ALIGNMENT``; says nothing of its content."""
        self.memory = memory
        self.address = -(-memory.ctypes.data // ALIGNMENT) * ALIGNMENT
        self.bytes = size

    def _content(self, size: int) -> np.ndarray:
        """The first ``size`` bytes of the block, as a view."""
        start = self.address - self.memory.ctypes.data
        return self.memory[start : start + size]

    def copy(self, memory: np.ndarray | None = None) -> KeyBlock:
        """A block of the same content in memory of its own, so that neither sees what becomes of the other.

        ``memory``, at least ``bytes + ALIGNMENT`` of uint8, is taken where it is given, and belongs to the copy.
        """
        copied = KeyBlock.__new__(KeyBlock)
        copied.model, copied.headroom = self.model, self.headroom
        copied.counted_bytes = copied.last_used = 0
        room = np.empty(self.bytes + ALIGNMENT, np.uint8) if memory is None else memory
        copied._lie_in(room, self.bytes)  # noqa: SLF001 -- of this class
        copied._content(self.bytes)[:] = self._content(self.bytes)  # noqa: SLF001 -- of this class
        return copied

    def header(self) -> np.ndarray:
        """The integer words of the header, (HEADER_WORDS,) int64, as a view."""
        return self._content(8 * HEADER_WORDS).view(np.int64)

    def forecast_section(self) -> np.ndarray:
        """The bytes of the section that forecasts need, as a view; see forecast_section.py."""
        end = self.bytes - self.model.windows.bytes
        return self._content(end)[end - self.model.forecast.bytes :]

    def windows(self) -> Windows:
        """The windows that are open, as views."""
        return window_views(self._content(self.bytes), self.model.windows)

    def capacities(self) -> Capacities:
        """What the block has room for."""
        header = self.header()
        return Capacities(
            int(header[SAMPLE_CAPACITY]),
            int(header[STORE_CAPACITY]),
            int(header[RUN_CAPACITY]),
            int(header[BOX_CAPACITY]),
        )

    def reserve(self, events: int) -> None:
        """Make room for ``events`` further events: the address may change."""
        if events > self.headroom:
            self._make_room(events)

    def compact(self) -> None:
        """Drop the records that nothing needs any more. The address may change."""
        _, runs = survey_store(self.address, self.model)
        if runs > self.capacities().runs:  # what is dropped between two records parts their run
            self._make_room(0)
            return
        compact_store(self.address, self.model)
        self.count_headroom()

    def spend(self, events: int) -> None:
        """Note that ``events`` of the reserved ones are about to be processed."""
        self.headroom -= events

    def count_headroom(self) -> None:
        """Events that surely fit: each adds a record, perhaps a run, and at most one sample to a tree."""
        header = self.header()
        self.headroom = int(min(header[STORE_CAPACITY] - header[STORED], header[RUN_CAPACITY] - header[RUNS]))
        if header[SAMPLE_CAPACITY] < self.model.sample_size:
            filling = max(0, self._unsampled - int(header[EVENTS_SEEN]))
            free = int(header[SAMPLE_CAPACITY]) - int(largest_sample(self.address, self.model))
            self.headroom = min(self.headroom, filling + free)

    @property
    def _unsampled(self) -> int:
        """Events at the beginning that no sample takes in: those without a point, if there is no baseline."""
        return 0 if self.model.channels > 0 else self.model.shingle_size - 1

    def _make_room(self, events: int) -> None:
        model, held = self.model, self.capacities()
        records, runs = survey_store(self.address, model)
        samples = held.samples
        if samples < model.sample_size:
            points = max(0, int(self.header()[EVENTS_SEEN]) + events - self._unsampled)
            needed = min(points, int(largest_sample(self.address, model)) + events)
            if needed > samples:
                samples = min(model.sample_size, max(2 * samples, needed))
        affordable = self.bytes // ROOM_SHARE_OF_BLOCK
        record_bytes = RECORD_BYTES * model.dimensions
        wanted = Capacities(
            samples,
            _with_room(held.records, records, events, affordable // record_bytes),
            _with_room(held.runs, runs, events, affordable // RUN_BYTES),
            self._wanted_boxes(held.boxes),
        )
        if wanted != held:
            old_memory, old_address = self.memory, self.address
            self._allocate(wanted)
            copy_block(old_address, self.address, model)
            del old_memory  # alive until here: the kernel read it by address
        compact_store(self.address, model)
        self.count_headroom()

    def _wanted_boxes(self, held: int) -> int:
        """Twice as many when the pool was too small, up to a share of the samples."""
        model, header = self.model, self.header()
        refused = int(header[POOL_STATE + REFUSED])
        header[POOL_STATE + REFUSED] = 0
        most = min(2**model.box_bits, 1 + int(model.trees * model.sample_size * BOXES_PER_SAMPLE))
        return held if refused == 0 or held >= most else min(most, max(LEAST_BOXES, 2 * held))


def _with_room(held: int, used: int, events: int, affordable: int) -> int:
    """What is held, if that has half the usual room beside what is used, else so much that it has all of it."""
    room = max(LEAST_ROOM, used // ROOM_SHARE, affordable)
    return held if used + max(events, room // 2) <= held else used + max(events, room)


@kernel
def largest_sample(address: int, model: Model) -> int:
    """Samples in the tree that has most, or for as many as the baseline needs room."""
    block = open_block(address, model)
    usual = int(block.baseline[BASELINE_SIZE]) if model.channels > 0 else 0
    return max((usual + USUAL_PER_SAMPLE - 1) // USUAL_PER_SAMPLE, largest_tree(address, model))


@kernel
def largest_tree(address: int, model: Model) -> int:
    """Samples in the tree that has most."""
    block = open_block(address, model)
    most = 0
    for tree in range(model.trees):
        most = max(most, int(block.size[tree]))
    return most


@allocating_kernel
def _copy_parts(source: Block, target: Block, trees: int) -> None:
    for word in range(STORED, HEADER_WORDS):
        target.integers[word] = source.integers[word]
    target.limit[:] = source.limit
    target.size[:] = source.size
    target.greatest[:] = source.greatest
    wide, was_wide = target.high_offset.shape[1] > 0, source.high_offset.shape[1] > 0
    for tree in range(trees):
        size = source.size[tree]
        target.priority[tree, :size] = source.priority[tree, :size]
        target.offset[tree, :size] = source.offset[tree, :size]
        target.node[tree, :size] = source.node[tree, :size]
        if wide and was_wide:
            target.high_offset[tree, :size] = source.high_offset[tree, :size]
    boxes, runs, floats = source.pool.shape[0], source.run_first.shape[0], source.store.shape[0]
    target.pool[:boxes] = source.pool
    target.baseline[:] = source.baseline
    target.level[:] = source.level
    target.tail[:] = source.tail
    target.episode[:] = source.episode
    target.peak[:] = source.peak
    target.unit[:] = source.unit
    target.past[:] = source.past
    target.recent_id[:] = source.recent_id
    followed = source.usual.shape[1]
    target.usual[:, :followed] = source.usual
    target.usual_slot[:, :followed] = source.usual_slot
    target.usual_priority[: source.usual_priority.shape[0]] = source.usual_priority
    target.run_first[:runs] = source.run_first
    target.run_event[:runs] = source.run_event
    target.store[:floats] = source.store


@allocating_kernel
def copy_block(old_address: int, new_address: int, model: Model) -> None:
    """Copy a block into one of larger capacities."""
    _copy_parts(open_block(old_address, model), open_block(new_address, model), model.trees)
    copy_last_sections(old_address, new_address, model)
