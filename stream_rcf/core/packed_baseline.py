"""The baseline of a key as bytes, and back: as it stands in memory, without what is empty.

In this order: the state words; the channels' averages; which bins of the tails hold anything, a bit each, and those
bins; the episodes; the peaks; the features' units and
pasts; and of the sample the priorities, and each channel's values in the same order of events,
from which their own order follows. Little endian throughout.
"""

from __future__ import annotations

import math

import numpy as np

from stream_rcf.core.block import KeyBlock
from stream_rcf.core.inspect import views
from stream_rcf.core.layout import (
    BASELINE_BASE,
    BASELINE_EVENTS,
    BASELINE_SIZE,
    BASELINE_WORDS,
    TAIL_BINS,
    TAILS_OF_EVENTS,
)
from stream_rcf.core.model import USUAL_PER_SAMPLE, Model
from stream_rcf.core.seasons import is_sound_past
from stream_rcf.core.tails import EPISODE_EVENTS
from stream_rcf.core.units import LEAST_UNIT, MOST_UNIT
from stream_rcf.errors import CheckpointError

MOST_EVENTS = 2.0**53  # that a float64 counts exactly


def write_baseline(block: KeyBlock) -> bytes:
    """The bytes of a block's baseline; none for a forest alone."""
    if block.model.channels == 0:
        return b""
    parts = views(block)
    size = int(parts.baseline[BASELINE_SIZE])
    is_held = parts.tail != 0.0
    by_slot = np.empty((block.model.channels, size), np.float32)
    np.put_along_axis(by_slot, parts.usual_slot[:, :size].astype(np.int64), parts.usual[:, :size], axis=1)
    return b"".join(
        (
            parts.baseline.tobytes(),
            parts.level.tobytes(),
            np.packbits(is_held).tobytes(),
            parts.tail[is_held].tobytes(),
            parts.episode.tobytes(),
            parts.peak.tobytes(),
            parts.unit.tobytes(),
            parts.past.tobytes(),
            parts.usual_priority[:size].tobytes(),
            by_slot.tobytes(),
        )
    )


class SavedBaseline:
    """What ``write_baseline`` wrote at the beginning of ``data``; ``CheckpointError`` for anything else.

    ``length``: its bytes; ``samples``: a block needs room for so many of each tree before ``fill``.
    """

    def __init__(self, model: Model, data: memoryview) -> None:
        self._data = data
        self.length = 0
        self.size = self.samples = 0
        if model.channels == 0:
            return
        rows = model.channels + TAILS_OF_EVENTS
        self._words = self._take(np.float64, BASELINE_WORDS)
        self.size = _whole(self._words[BASELINE_SIZE], model.usual_size)
        self.samples = -(-self.size // USUAL_PER_SAMPLE)
        events = _whole(self._words[BASELINE_EVENTS], MOST_EVENTS)
        _whole(self._words[BASELINE_BASE], events)
        _require(self.size <= events and bool((self._words >= 0.0).all()))
        self._level = self._take(np.float64, model.channels)
        held = (
            np.unpackbits(self._take(np.uint8, rows * TAIL_BINS // 8)).astype(bool).reshape(rows, TAIL_BINS)
        )
        self._tail = np.zeros((rows, TAIL_BINS), np.float32)
        self._tail[held] = self._take(np.float32, int(held.sum()))
        _require(bool((self._tail >= 0.0).all()))
        self._episode = self._take(np.int32, 2 * rows).reshape(rows, 2)
        _require(bool((self._episode >= 0).all()))
        _require(
            bool((self._episode[:, 0] <= EPISODE_EVENTS).all() and (self._episode[:, 1] < TAIL_BINS).all())
        )
        kinds = 2 * model.dimensions + 1
        self._peak = self._take(np.float64, 2 * kinds).reshape(kinds, 2)
        _require(bool((self._peak >= 0.0).all()))
        self._unit = self._take(np.float64, model.units)
        _require(bool(((self._unit >= LEAST_UNIT) & (self._unit <= MOST_UNIT)).all()))
        _require(bool((np.frexp(self._unit)[0] == 0.5).all()))  # powers of two
        shape = (model.pasts, model.past_words)
        self._past = self._take(np.float64, math.prod(shape)).reshape(shape)
        _require(is_sound_past(self._past))
        self._priority = self._take(np.int32, self.size)
        shape = (model.channels, self.size)
        by_slot = self._take(np.float32, math.prod(shape)).reshape(shape)
        self._slot = np.argsort(by_slot, axis=1, kind="stable")
        self._usual = np.take_along_axis(by_slot, self._slot, axis=1)

    def _take(self, kind: type[np.generic], count: int) -> np.ndarray:
        """The next numbers, which must be finite."""
        end = self.length + count * np.dtype(kind).itemsize
        _require(end <= len(self._data))
        numbers = np.frombuffer(self._data[self.length : end], kind)
        self.length = end
        _require(bool(np.isfinite(numbers).all()))
        return numbers

    def fill(self, block: KeyBlock) -> None:
        """Let it be the baseline of ``block``, which has room for it."""
        if block.model.channels == 0:
            return
        parts = views(block)
        parts.baseline[:] = self._words
        parts.level[:] = self._level
        parts.tail[:] = self._tail
        parts.episode[:] = self._episode
        parts.peak[:] = self._peak
        parts.unit[:] = self._unit
        parts.past[:] = self._past
        parts.usual_priority[: self.size] = self._priority
        parts.usual[:, : self.size] = self._usual
        parts.usual_slot[:, : self.size] = self._slot


def _whole(number: float, most: float) -> int:
    _require(0.0 <= number <= most and number == math.floor(number))
    return int(number)


def _require(condition: bool) -> None:
    if not condition:
        raise CheckpointError("a key's state is damaged: its baseline is none that events could have made")
