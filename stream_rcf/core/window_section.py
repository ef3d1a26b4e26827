"""Where a key's open windows lie: at the end of its block, so that they go wherever the key goes.

A window stands in the slot of its number modulo the slots: those open at once are consecutive, so no two meet. All is
zero where nothing is; the section needs nothing of the block's capacities, only where the block ends.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from stream_rcf.core.kernel import inlined_kernel, kernel
from stream_rcf.core.layout import BLOCK_BYTES
from stream_rcf.core.memory import load_word, move_bytes, view_at
from stream_rcf.core.model import Model
from stream_rcf.core.window_model import (
    NUMBER_WORDS,
    SKETCH_BINS,
    SKETCH_WORDS,
    SLOT_WORDS,
    STATE_WORDS,
    WindowModel,
)

# Of the state: whether a window with events was closed, and the last one's number; and whether one ever was, before the
# key began anew too.
HAS_FILLED, LAST_FILLED, EVER_FILLED = 0, 1, 2
WINDOW, COUNT = 0, 1  # of a slot: the window's number, and its events; without any it is free
VALUES, SUM, LOWEST, HIGHEST = 0, 1, 2, 3  # of an input in a slot: how many events had it, and what they had
BINS, LEVEL, LEAST, GREATEST = 0, 1, 2, 3  # of a sketch, see quantile_sketch.py


class Windows(NamedTuple):
    """Views of one key's open windows: ``k`` slots, ``p`` inputs, ``s`` sketches."""

    state: Any  # (STATE_WORDS,) int64
    slot: Any  # (k, SLOT_WORDS) int64
    number: Any  # (k, p, NUMBER_WORDS) float64
    sketch: Any  # (k, s, SKETCH_WORDS) int64
    bin: Any  # (k, s, SKETCH_BINS) int64
    bin_count: Any  # (k, s, SKETCH_BINS) int64


@inlined_kernel
def section_of(address: int, model: Model) -> int:
    """The address of the section in the block at ``address``."""
    return address + load_word(address + 8 * BLOCK_BYTES) - model.windows.bytes


@inlined_kernel
def open_section(address: int, shape: WindowModel) -> Windows:
    """Views of the section at ``address``, which must be alive."""
    slot = address + 8 * STATE_WORDS
    number = slot + 8 * SLOT_WORDS * shape.slots
    sketch = number + 8 * NUMBER_WORDS * shape.slots * shape.inputs
    bins = sketch + 8 * SKETCH_WORDS * shape.slots * shape.sketches
    counts = bins + 8 * SKETCH_BINS * shape.slots * shape.sketches
    return Windows(
        view_at(address, (STATE_WORDS,), np.int64),
        view_at(slot, (shape.slots, SLOT_WORDS), np.int64),
        view_at(number, (shape.slots, shape.inputs, NUMBER_WORDS), np.float64),
        view_at(sketch, (shape.slots, shape.sketches, SKETCH_WORDS), np.int64),
        view_at(bins, (shape.slots, shape.sketches, SKETCH_BINS), np.int64),
        view_at(counts, (shape.slots, shape.sketches, SKETCH_BINS), np.int64),
    )


@kernel
def copy_last_sections(old_address: int, new_address: int, model: Model) -> None:
    """Copy the open windows of a block, and what it keeps of forecasts before them, into another of the same model."""
    size = model.forecast.bytes + model.windows.bytes
    if size > 0:
        old, new = section_of(old_address, model), section_of(new_address, model)
        move_bytes(new - model.forecast.bytes, old - model.forecast.bytes, size)


def window_views(content: np.ndarray, shape: WindowModel) -> Windows:
    """The same views as in the kernels, as numpy arrays on the bytes of a whole block, ``content``."""
    words = content[len(content) - shape.bytes :]
    shapes: tuple[tuple[type[np.generic], tuple[int, ...]], ...] = (
        (np.int64, (STATE_WORDS,)),
        (np.int64, (shape.slots, SLOT_WORDS)),
        (np.float64, (shape.slots, shape.inputs, NUMBER_WORDS)),
        (np.int64, (shape.slots, shape.sketches, SKETCH_WORDS)),
        (np.int64, (shape.slots, shape.sketches, SKETCH_BINS)),
        (np.int64, (shape.slots, shape.sketches, SKETCH_BINS)),
    )
    arrays, start = [], 0
    for kind, dimensions in shapes:
        end = start + 8 * int(np.prod(dimensions))
        arrays.append(words[start:end].view(kind).reshape(dimensions))
        start = end
    return Windows(*arrays)
