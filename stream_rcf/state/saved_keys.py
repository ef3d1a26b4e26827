"""Where a partition's newest checkpoint keeps each key: its segments' indexes, and each key's frame that counts."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from stream_rcf.state.compaction import SegmentUse, to_rewrite
from stream_rcf.state.segments import Segment, SegmentIndex

_ROW_BITS = 32  # of a place: ordinal of the segment above, row within it below
_ROW_MASK = 2**_ROW_BITS - 1


class Frame(NamedTuple):
    """One key's state in a segment."""

    segment: SegmentIndex
    row: int

    @property
    def bytes(self) -> int:
        """Length of the packed state."""
        return int(self.segment.length[self.row])


class Continuation(NamedTuple):
    """How a checkpoint goes on from the one before: segments named again, frames copied out of those that are not."""

    kept: tuple[Segment, ...]
    carried: tuple[tuple[SegmentIndex, tuple[int, ...]], ...]
    keys: int  # that the new checkpoint holds, each counted once


class SavedKeys:
    """The keys of one partition's newest checkpoint, in memory: a name and one number each. For one thread.

    ``indexes`` are oldest first; of the frames that name a key the newest counts.
    """

    def __init__(self, indexes: Iterable[SegmentIndex] = ()) -> None:
        self._indexes: dict[int, SegmentIndex] = {}
        self._costs: dict[int, np.ndarray] = {}  # bytes of each frame
        self._live_bytes: dict[int, int] = {}
        self._places: dict[str, int] = {}
        self._next_ordinal = 0
        for index in indexes:
            self.add(index)

    def __len__(self) -> int:
        return len(self._places)

    def __contains__(self, key: str) -> bool:
        return key in self._places

    def newest_first(self) -> Iterator[str]:
        """All keys, those saved last first: as good an order of likely use as a restart knows."""
        for ordinal in sorted(self._indexes, reverse=True):
            for row, key in enumerate(self._indexes[ordinal].keys):
                if self._places.get(key) == ordinal << _ROW_BITS | row:
                    yield key

    def frame(self, key: str) -> Frame:
        """Where a key stands. Raises ``KeyError``."""
        place = self._places[key]
        return Frame(self._indexes[place >> _ROW_BITS], place & _ROW_MASK)

    def add(self, index: SegmentIndex) -> None:
        """A newer segment: its frames count from now on, and older ones of the same keys no more."""
        ordinal = self._next_ordinal
        self._next_ordinal += 1
        self._indexes[ordinal] = index
        self._costs[ordinal] = index.costs()
        self._live_bytes[ordinal] = 0
        costs = self._costs[ordinal].tolist()
        for row, key in enumerate(index.keys):
            self.forget(key)
            self._places[key] = ordinal << _ROW_BITS | row
            self._live_bytes[ordinal] += costs[row]

    def forget(self, key: str) -> None:
        """The key counts no more, wherever it stands."""
        place = self._places.pop(key, None)
        if place is not None:
            ordinal = place >> _ROW_BITS
            self._live_bytes[ordinal] -= int(self._costs[ordinal][place & _ROW_MASK])

    def idle(self, before: int, larger_than: int, most: int) -> list[tuple[str, int]]:
        """Keys whose last event lies before ``before``, epoch ms, and when it was; the oldest segments' first.

        Only those whose saved state has more than ``larger_than`` bytes, and at most ``most``.
        """
        found: list[tuple[str, int]] = []
        for ordinal, index in self._indexes.items():
            rows = ((index.last_event < before) & (index.length > larger_than)).nonzero()[0]
            for row in rows.tolist():
                if self._places.get(index.keys[row]) == ordinal << _ROW_BITS | row:
                    found.append((index.keys[row], int(index.last_event[row])))
                    if len(found) == most:
                        return found
        return found

    def continuation(self, changed: Collection[str]) -> Continuation:
        """What the next checkpoint, which saves ``changed`` anew, keeps and copies of the present one."""
        dying: dict[int, int] = {}
        new = 0
        for key in changed:
            place = self._places.get(key)
            if place is None:
                new += 1
            else:
                ordinal = place >> _ROW_BITS
                dying[ordinal] = dying.get(ordinal, 0) + int(self._costs[ordinal][place & _ROW_MASK])
        ordinals = sorted(self._indexes)
        uses = [
            SegmentUse(int(self._costs[ordinal].sum()), self._live_bytes[ordinal] - dying.get(ordinal, 0))
            for ordinal in ordinals
        ]
        rewritten = {ordinals[position] for position in to_rewrite(uses)}
        kept = tuple(self._indexes[ordinal].segment for ordinal in ordinals if ordinal not in rewritten)
        carried = tuple(
            (self._indexes[ordinal], rows)
            for ordinal in sorted(rewritten)
            if (rows := self._live_rows(ordinal, changed))
        )
        return Continuation(kept, carried, len(self._places) + new)

    def _live_rows(self, ordinal: int, changed: Collection[str]) -> tuple[int, ...]:
        return tuple(
            row
            for row, key in enumerate(self._indexes[ordinal].keys)
            if self._places.get(key) == ordinal << _ROW_BITS | row and key not in changed
        )

    def advance(self, kept: Sequence[Segment], written: Sequence[SegmentIndex]) -> None:
        """The next checkpoint stands: it names ``kept`` and ``written``, and nothing else."""
        for index in written:
            self.add(index)
        named = {segment.name for segment in kept} | {index.segment.name for index in written}
        for ordinal in [o for o, index in self._indexes.items() if index.segment.name not in named]:
            del self._indexes[ordinal], self._costs[ordinal], self._live_bytes[ordinal]
