"""The point store: one copy of each sampled point, shared by all trees, counted by the samples that hold it."""

from __future__ import annotations

import numpy as np

from stream_rcf.core.kernel import inlined_kernel
from stream_rcf.core.layout import NOTHING, POINT_FREE, POINT_FRESH, POINTS_LIVE, Block


@inlined_kernel
def shift_shingle(shingle: np.ndarray, values: np.ndarray, dimensions: int) -> None:
    """Drop the oldest record and append ``values``, (dimensions,) float64, rounded to float32; -0.0 becomes 0.0."""
    kept = shingle.shape[0] - dimensions
    for i in range(kept):
        shingle[i] = shingle[i + dimensions]
    for i in range(dimensions):
        shingle[kept + i] = np.float32(values[i]) + np.float32(0.0)


@inlined_kernel
def add_point(block: Block, point: np.ndarray) -> int:
    """Copy ``point`` into a free slot with no references yet, and return the slot. The store must have room."""
    slot = block.integers[POINT_FREE]
    if slot == NOTHING:
        slot = block.integers[POINT_FRESH]
        block.integers[POINT_FRESH] = slot + 1
    else:
        block.integers[POINT_FREE] = block.references[slot]
    block.references[slot] = 0
    block.integers[POINTS_LIVE] += 1
    for i in range(point.shape[0]):
        block.points[slot, i] = point[i]
    return slot


@inlined_kernel
def release_point(block: Block, slot: int) -> None:
    """Give back one reference; the last one frees the slot."""
    block.references[slot] -= 1
    if block.references[slot] == 0:
        block.references[slot] = block.integers[POINT_FREE]
        block.integers[POINT_FREE] = slot
        block.integers[POINTS_LIVE] -= 1
