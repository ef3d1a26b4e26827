"""Memory for copies of keys, kept for the next copies: fresh memory of the machine takes ten times as long to fill."""

from __future__ import annotations

from collections import deque

import numpy as np

UNIT_BYTES = (
    64 * 1024
)  # sizes are rounded up to it, so that a copy of one key fits another; smaller ones are no trouble
MOST_KEPT_BYTES = 64 * 2**20  # some 230 grown keys of the default forest: those of one partition, often


class CopyMemory:
    """Pieces of memory by size. Taken by the thread that owns the keys, given back by the one that packs them."""

    def __init__(self, most_kept_bytes: int = MOST_KEPT_BYTES) -> None:
        self._most_kept_bytes = most_kept_bytes
        self._taken_bytes = 0  # out of what was kept; changed by the taking thread only
        self._given_bytes = 0  # changed by the giving thread only
        self._kept: dict[int, deque[np.ndarray]] = {}

    @property
    def kept_bytes(self) -> int:
        """Bytes that wait for the next copies."""
        return self._given_bytes - self._taken_bytes

    def take(self, size: int) -> np.ndarray:
        """At least ``size`` bytes of uint8, their content unspecified."""
        units = -(-size // UNIT_BYTES)
        if size < UNIT_BYTES:
            return np.empty(size, np.uint8)
        try:
            memory = self._kept[units].pop()
        except (KeyError, IndexError):
            return np.empty(units * UNIT_BYTES, np.uint8)
        self._taken_bytes += len(memory)
        return memory

    def give_back(self, memory: np.ndarray) -> None:
        """Nothing uses this memory, which ``take`` gave, any more."""
        if len(memory) % UNIT_BYTES:
            return
        units = len(memory) // UNIT_BYTES
        while self.kept_bytes + len(memory) > self._most_kept_bytes:
            if not self._drop_other(units):
                return
        self._given_bytes += len(memory)
        self._kept.setdefault(units, deque()).append(memory)

    def _drop_other(self, units: int) -> bool:
        """Let go of a piece of another size: keys grow, and what fitted them once may fit none any more."""
        sizes = [size for size, pieces in self._kept.items() if pieces and size != units]
        if not sizes:
            return False
        try:
            dropped = self._kept[max(sizes, key=lambda size: size * len(self._kept[size]))].popleft()
        except IndexError:  # taken meanwhile
            return False
        self._given_bytes -= len(dropped)
        return True
