"""A key's open windows as bytes, and back: as they stand in memory, without what is empty.

In this order, 8 bytes each, little endian: the start of the latest window that was closed; the state; how many windows
are open; of each, in the order of their numbers: its slot, its inputs' numbers, and of each sketch its words, the bins
in use, and their counts.
"""

from __future__ import annotations

import numpy as np

from stream_rcf.core.block import KeyBlock
from stream_rcf.core.layout import LATEST_TIMESTAMP, NEVER, RECORD_TIMESTAMP
from stream_rcf.core.quantile_sketch import LARGEST
from stream_rcf.core.units import LARGEST_FLOAT32
from stream_rcf.core.window_model import (
    NUMBER_WORDS,
    SKETCH_BINS,
    SKETCH_WORDS,
    SLOT_WORDS,
    STATE_WORDS,
    WindowModel,
)
from stream_rcf.core.window_section import (
    BINS,
    COUNT,
    GREATEST,
    HIGHEST,
    LEAST,
    LEVEL,
    LOWEST,
    SUM,
    VALUES,
    WINDOW,
    Windows,
)
from stream_rcf.errors import CheckpointError

MOST_LEVEL = 56  # of a sketch: so wide, all 2**64 orders fill SKETCH_BINS bins
MOST_VALUES = 2.0**53  # that a float64 counts exactly
HEAD_WORDS = 1 + STATE_WORDS + 1


def write_windows(block: KeyBlock) -> bytes:
    """The bytes of a block's open windows; none where events are records."""
    if block.model.windows.bytes == 0:
        return b""
    windows = block.windows()
    filled = np.flatnonzero(windows.slot[:, COUNT] > 0)
    slots = filled[np.argsort(windows.slot[filled, WINDOW])].tolist()
    head = np.array([block.header()[RECORD_TIMESTAMP], *windows.state, len(slots)], np.int64)
    parts = [head.tobytes()]
    for slot in slots:
        parts += [windows.slot[slot].tobytes(), windows.number[slot].tobytes()]
        for sketch, words in enumerate(windows.sketch[slot]):
            used = int(words[BINS])
            parts += [words.tobytes(), windows.bin[slot, sketch, :used].tobytes()]
            parts.append(windows.bin_count[slot, sketch, :used].tobytes())
    return b"".join(parts)


def read_windows(block: KeyBlock, data: memoryview) -> int:
    """Read what ``write_windows`` wrote at the beginning of ``data`` into a block whose state words are set.

    Returns how many bytes that were. Raises ``CheckpointError`` for anything that events could not have left.
    """
    return 0 if block.model.windows.bytes == 0 else _Reader(data).read(block)


class _Reader:
    """Reads words one after the other."""

    def __init__(self, data: memoryview) -> None:
        self._data = data
        self._at = 0

    def read(self, block: KeyBlock) -> int:
        shape, header, windows = block.model.windows, block.header(), block.windows()
        record, *state, filled = self._integers(HEAD_WORDS).tolist()
        has_filled, last_filled, ever_filled = state
        latest = int(header[LATEST_TIMESTAMP])
        closed, newest = _last_closed(latest, shape), latest // shape.length_ms
        _require(record <= latest and 0 <= filled <= shape.slots)
        _require(last_filled <= closed if has_filled == 1 else (has_filled, last_filled) == (0, 0))
        _require(has_filled <= ever_filled <= 1 and (latest != NEVER or (ever_filled == 0 and filled == 0)))
        header[RECORD_TIMESTAMP] = record
        windows.state[:] = state
        before = closed
        for _ in range(filled):
            number, count = self._integers(SLOT_WORDS).tolist()
            _require(before < number <= newest and count >= 1)
            before, slot = number, number % shape.slots
            windows.slot[slot] = number, count
            self._read_slot(windows, shape, slot)
        return self._at

    def _read_slot(self, windows: Windows, shape: WindowModel, slot: int) -> None:
        count = int(windows.slot[slot, COUNT])
        numbers = self._floats(shape.inputs * NUMBER_WORDS).reshape(shape.inputs, NUMBER_WORDS)
        for number in numbers:
            values = float(number[VALUES])
            _require(0.0 <= values <= min(count, MOST_VALUES) and values.is_integer())
            _require(values > 0.0 or not number.any())
            _require(-LARGEST_FLOAT32 <= number[LOWEST] <= number[HIGHEST] <= LARGEST_FLOAT32)
            _require(abs(float(number[SUM])) <= LARGEST_FLOAT32 * max(1.0, 2.0 * values))
        windows.number[slot] = numbers
        for sketch in range(shape.sketches):
            words = self._integers(SKETCH_WORDS)
            used, level = int(words[BINS]), int(words[LEVEL])
            _require(0 <= used <= SKETCH_BINS and 0 <= level <= MOST_LEVEL)
            bins, counts = self._integers(used), self._integers(used)
            _require(bool((counts >= 1).all()) and sum(counts.tolist()) == int(numbers[sketch, VALUES]))
            _require(bool((bins[1:] > bins[:-1]).all()))
            if used > 0:
                ends = (_order_of(numbers[sketch, LOWEST]), _order_of(numbers[sketch, HIGHEST]))
                _require(ends == (int(words[LEAST]), int(words[GREATEST])))
                _require((ends[0] >> level, ends[1] >> level) == (int(bins[0]), int(bins[-1])))
            else:
                _require(not words.any())
            windows.sketch[slot, sketch] = words
            windows.bin[slot, sketch, :used] = bins
            windows.bin_count[slot, sketch, :used] = counts

    def _integers(self, count: int) -> np.ndarray:
        return self._take(count).view(np.int64)

    def _floats(self, count: int) -> np.ndarray:
        """The next numbers, which must be finite."""
        numbers = self._take(count).view(np.float64)
        _require(bool(np.isfinite(numbers).all()))
        return numbers

    def _take(self, count: int) -> np.ndarray:
        end = self._at + 8 * count
        _require(end <= len(self._data))
        words = np.frombuffer(self._data[self._at : end], np.uint8)
        self._at = end
        return words


def _last_closed(latest: int, shape: WindowModel) -> int:
    """As in windows.py, for any integer."""
    return (latest - shape.lateness_ms) // shape.length_ms - 1


def _order_of(number: np.float64) -> int:
    """As in quantile_sketch.py."""
    bits = int(number.view(np.int64))
    return bits if bits >= 0 else -(bits & LARGEST)


def _require(condition: bool) -> None:
    if not condition:
        raise CheckpointError(
            "a key's state is damaged: its open windows are none that events could have left"
        )
