"""A key as it was at one moment: copied in the thread that owns the keys, packed in the one that writes checkpoints.

Copying the 250 to 300 kB of a mature key of the default forest takes 0.2 ms into fresh memory, and a tenth of that into
memory that was used before; packing takes several times as long, and the smallest form ten times that: what is saved
every half minute, and what moves to another process within a second, is in the quick one.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np

from stream_rcf.core.block import KeyBlock
from stream_rcf.core.layout import ALIGNMENT, LATEST_TIMESTAMP
from stream_rcf.core.packing import pack
from stream_rcf.state.copy_memory import CopyMemory


class Snapshot(Protocol):
    """One key's state, which nothing changes any more; handed from one thread to another."""

    @property
    def size(self) -> int:
        """Bytes of memory that it holds, the same before and after ``pack``."""

    @property
    def last_event(self) -> int:
        """Time of the key's last event, epoch ms."""

    def pack(self) -> bytes:
        """The state as it is saved."""


class KeySnapshot:
    """A copy of a key's block, for one thread at a time. ``size`` is that of the block when it was copied.

    To be packed at most once: after that its memory is another's.
    """

    __slots__ = ("_block", "_copies", "_memory", "last_event", "size")

    def __init__(self, block: KeyBlock, copies: CopyMemory) -> None:
        self._copies = copies
        self._memory: np.ndarray | None = copies.take(block.bytes + ALIGNMENT)
        self._block: KeyBlock | None = block.copy(self._memory)
        self.size = block.bytes
        self.last_event = last_event_of(block)

    def pack(self) -> bytes:
        """The bytes that ``pack`` of the block would have given at that moment, in the quick form."""
        block, memory = self._block, self._memory
        if block is None or memory is None:
            raise AssertionError("a snapshot is packed once")
        state = pack(block, quick=True)
        self._block = self._memory = None
        self._copies.give_back(memory)
        return state


class PackedKey:
    """A key that is packed already: it was away from memory, or too many copies wait."""

    __slots__ = ("_data", "last_event", "size")

    def __init__(self, data: bytes, last_event: int) -> None:
        self._data = data
        self.size = len(data)
        self.last_event = last_event

    def pack(self) -> bytes:
        """The bytes it was packed into."""
        return self._data


def last_event_of(block: KeyBlock) -> int:
    """Time of the last event of a block, epoch ms."""
    return int(block.header()[LATEST_TIMESTAMP])
