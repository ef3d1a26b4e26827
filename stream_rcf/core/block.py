"""The memory of one key, owned by Python: created small, doubled before the events that would not fit."""

from __future__ import annotations

import numpy as np

from stream_rcf.core.kernel import kernel
from stream_rcf.core.layout import (
    ALIGNMENT,
    BLOCK_BYTES,
    EMPTY_ROOT,
    EVENTS_SEEN,
    LEAF_FREE,
    NODE_FREE,
    NOTHING,
    POINT_CAPACITY,
    POINT_FREE,
    POINTS_LIVE,
    ROOT,
    SAMPLE_CAPACITY,
    SIZE,
    Block,
    Model,
    open_block,
    section_offsets,
)
from stream_rcf.core.random_stream import seed_trees

LEAST_CAPACITY = 8  # samples or points of a newborn key


def block_bytes(model: Model, sample_capacity: int, point_capacity: int) -> int:
    """Bytes of a block with these capacities."""
    return int(section_offsets(model.trees, model.point_dimensions, sample_capacity, point_capacity)[-1])


def most_points(model: Model) -> int:
    """No forest holds more points: one for each sample of each tree, and one that is being offered."""
    return model.sample_size * model.trees + 1


class KeyBlock:
    """One key's block. ``memory`` keeps it alive; ``address`` is what kernels take and changes when it grows."""

    __slots__ = ("address", "bytes", "headroom", "memory", "model")

    def __init__(
        self, model: Model, sample_capacity: int = LEAST_CAPACITY, point_capacity: int = LEAST_CAPACITY
    ) -> None:
        self.model = model
        self.headroom = 0
        self._allocate(min(sample_capacity, model.sample_size), min(point_capacity, most_points(model)))
        format_block(self.address, model)
        self.count_headroom()

    def _allocate(self, sample_capacity: int, point_capacity: int) -> None:
        size = block_bytes(self.model, sample_capacity, point_capacity)
        self.memory = np.zeros(size + ALIGNMENT, np.uint8)
        self.address = -(-self.memory.ctypes.data // ALIGNMENT) * ALIGNMENT
        self.bytes = size
        header = self.header()
        header[BLOCK_BYTES], header[SAMPLE_CAPACITY], header[POINT_CAPACITY] = (
            size,
            sample_capacity,
            point_capacity,
        )

    def header(self) -> np.ndarray:
        """The integer words of the header, (HEADER_WORDS,) int64, as a view."""
        start = self.address - self.memory.ctypes.data
        return self.memory[start : start + 256].view(np.int64)

    def seed(self, key_seed: int) -> None:
        """Set the random streams of a block that has seen nothing yet."""
        seed_block(self.address, self.model, np.uint64(key_seed))

    def reserve(self, events: int) -> None:
        """Grow until ``events`` further events fit. The address may change."""
        if events <= self.headroom:
            return
        model, header = self.model, self.header()
        samples, points = int(header[SAMPLE_CAPACITY]), int(header[POINT_CAPACITY])
        needed_samples = min(model.sample_size, int(header[EVENTS_SEEN]) + events)
        needed_points = min(most_points(model), int(header[POINTS_LIVE]) + events)
        new_samples = (
            samples if samples >= needed_samples else min(model.sample_size, max(2 * samples, needed_samples))
        )
        new_points = (
            points if points >= needed_points else min(most_points(model), max(2 * points, needed_points))
        )
        if (new_samples, new_points) != (samples, points):
            old_memory, old_address = self.memory, self.address
            self._allocate(new_samples, new_points)
            copy_block(old_address, self.address, model)
            del old_memory  # alive until here: the kernel read it by address
        self.count_headroom()

    def spend(self, events: int) -> None:
        """Note that ``events`` of the reserved ones are about to be processed."""
        self.headroom -= events

    def count_headroom(self) -> None:
        """Events that surely fit: each adds at most one sample to a tree and one point to the store."""
        header, model = self.header(), self.model
        unlimited = 2**62
        full_sample = header[SAMPLE_CAPACITY] >= model.sample_size
        full_store = header[POINT_CAPACITY] >= most_points(model)
        samples = unlimited if full_sample else int(header[SAMPLE_CAPACITY] - header[EVENTS_SEEN])
        points = unlimited if full_store else int(header[POINT_CAPACITY] - header[POINTS_LIVE])
        self.headroom = min(samples, points)


@kernel
def format_block(address: int, model: Model) -> None:
    """Set what is not zero in a newborn block."""
    block = open_block(address, model)
    block.integers[POINT_FREE] = NOTHING
    for tree in range(model.trees):
        block.tree[tree, ROOT] = EMPTY_ROOT
        block.tree[tree, NODE_FREE] = NOTHING
        block.tree[tree, LEAF_FREE] = NOTHING


@kernel
def seed_block(address: int, model: Model, seed: np.uint64) -> None:
    """Set the random streams."""
    block = open_block(address, model)
    seed_trees(seed, block.streams)


@kernel
def _copy_parts(source: Block, target: Block, trees: int) -> None:
    for word in range(POINT_CAPACITY + 1, source.integers.shape[0]):
        target.integers[word] = source.integers[word]
    target.shingle[:] = source.shingle
    target.streams[:, :] = source.streams
    target.tree[:, :] = source.tree
    target.limits[:] = source.limits
    capacity = source.leaf.shape[1]
    for tree in range(trees):
        size = source.tree[tree, SIZE]
        target.heap_weight[tree, :size] = source.heap_weight[tree, :size]
        target.heap_leaf[tree, :size] = source.heap_leaf[tree, :size]
        target.leaf[tree, :capacity] = source.leaf[tree]
        target.node_integers[tree, :capacity] = source.node_integers[tree]
    stored = source.points.shape[0]
    target.points[:stored] = source.points
    target.references[:stored] = source.references


@kernel
def copy_block(old_address: int, new_address: int, model: Model) -> None:
    """Copy a block into one of larger capacities."""
    _copy_parts(open_block(old_address, model), open_block(new_address, model), model.trees)
