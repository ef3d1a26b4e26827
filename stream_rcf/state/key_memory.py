"""How much memory the keys of a process take, and which of them leave it for the spill when that is too much.

The coldest leave first, found by a clock: a hand goes round all keys and takes those that were not used since it passed
them last. That costs nothing per event but a number written down, and is as good as a queue of all keys by age.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from stream_rcf.core.block import KeyBlock
from stream_rcf.state.copy_memory import MOST_KEPT_BYTES, CopyMemory
from stream_rcf.state.cut import MEMORY_SHARE
from stream_rcf.state.spill import KeySpill, SpillFullError, default_spill_folder

if TYPE_CHECKING:
    from stream_rcf.state.key_table import KeyTable

logger = logging.getLogger(__name__)

# Of any key: its name of some 20 letters, and where it is, in the tables of its partition and of the checkpoint.
KEY_BYTES = 400
HELD_BYTES = 400  # of a key in memory beside its block: what Python and the allocator keep with it
EVICTED_AT_ONCE = 16  # keys that go to the spill in one transaction


def most_copied_bytes(limit_bytes: int | None) -> int:
    """How much memory of copies is kept for the next ones, where the keys may take ``limit_bytes``."""
    return MOST_KEPT_BYTES if limit_bytes is None else min(MOST_KEPT_BYTES, limit_bytes // MEMORY_SHARE)


class KeyMemory:
    """The keys in memory of all partitions of a process. For the thread that owns them.

    ``limit_bytes`` bounds them (``None``: no bound): before keys come in, as many others leave. It is exceeded only
    while the disk of the spill is full, or by a single batch that needs more. The spill is opened when first needed.
    """

    def __init__(self, limit_bytes: int | None = None, spill_folder: Path | None = None) -> None:
        self.limit_bytes = limit_bytes
        self.bytes = 0  # of blocks, and of what is known of all keys
        self.evictions = 0
        self.returns = 0
        self.is_spill_full = False  # the last eviction failed
        self.copies = CopyMemory(most_copied_bytes(limit_bytes))
        self._folder = spill_folder or default_spill_folder()
        self._spill: KeySpill | None = None
        self._tables: list[KeyTable] = []
        self._now = 1  # counts batches
        self._round_began = 0
        self._passed = 0  # keys used since are passed over: when the hand's last round began
        self._hand: Iterator[tuple[KeyTable, str]] = iter(())

    @property
    def spill(self) -> KeySpill:
        """The spill, opened now if need be. Raises ``StreamRcfError`` where it cannot be."""
        if self._spill is None:
            self._spill = KeySpill(self._folder)
        return self._spill

    @property
    def spilled_bytes(self) -> int:
        """Bytes of disk that the spill takes."""
        return 0 if self._spill is None else self._spill.disk_bytes

    def add(self, table: KeyTable) -> None:
        """Count the keys of a table from now on."""
        self._tables.append(table)

    def drop(self, table: KeyTable, slots: Iterable[int]) -> None:
        """A table is gone, with what it has in these slots of the spill."""
        self._tables.remove(table)
        self.free(slots)

    def free(self, slots: Iterable[int]) -> None:
        """Give slots of the spill back."""
        freed = list(slots)
        if not freed:
            return
        try:
            self.spill.free(freed)
        except SpillFullError as error:
            logger.warning(
                "%d keys stay in the spill though they are not needed any more: %s", len(freed), error
            )

    def begin_batch(self) -> None:
        """Keys touched from now on belong to the present batch and stay in memory until the next begins."""
        self._now += 1

    def touched(self, block: KeyBlock) -> None:
        """Note that a block is in use."""
        block.last_used = self._now

    def count(self, blocks: Iterable[KeyBlock]) -> None:
        """Note what these blocks have grown by."""
        for block in blocks:
            taken = block.bytes + HELD_BYTES
            self.bytes += taken - block.counted_bytes
            block.counted_bytes = taken

    def make_room(self, needed: int = 0) -> None:
        """Let keys leave until ``needed`` bytes more would fit; those of the present batch stay."""
        if self.limit_bytes is None:
            return
        target = self.limit_bytes - needed
        ended_rounds = 0  # in a row without a key to let go
        while self.bytes > target:
            # One key tells whether a full spill has room again; packing many each time for nothing would cost too much.
            victims = self._coldest(1 if self.is_spill_full else EVICTED_AT_ONCE)
            if victims:
                if not self._evict(victims):
                    return
                ended_rounds = 0
            elif ended_rounds == 2:
                return  # all that is left belongs to the batch
            else:
                ended_rounds += 1
                self._begin_round(spare_nobody=ended_rounds == 2)

    def _begin_round(self, spare_nobody: bool) -> None:
        self._passed = self._now if spare_nobody else self._round_began
        self._round_began = self._now
        self._hand = iter([(table, key) for table in self._tables for key in table.resident_keys()])

    def _coldest(self, most: int) -> list[tuple[KeyTable, str]]:
        found: list[tuple[KeyTable, str]] = []
        for table, key in self._hand:
            block = table.resident(key)
            if block is not None and block.last_used < self._passed and block.last_used < self._now:
                found.append((table, key))
                if len(found) == most:
                    return found
        return found

    def _evict(self, victims: Sequence[tuple[KeyTable, str]]) -> bool:
        """Let keys leave; false where the spill has no room. Said once, until it has room again."""
        by_table: dict[KeyTable, list[str]] = {}
        for table, key in victims:
            by_table.setdefault(table, []).append(key)
        try:
            for table, keys in by_table.items():
                table.evict(keys)
                self.evictions += len(keys)
        except SpillFullError as error:
            if not self.is_spill_full:
                logger.error(
                    "the keys exceed keys.memory_limit_mb (%d MB), and the spill cannot take them: %s. Make room on its"
                    " disk, or set keys.spill_folder",
                    (self.limit_bytes or 0) // 2**20,
                    error,
                )
            self.is_spill_full = True
            return False
        if self.is_spill_full:
            logger.info("the spill takes keys again")
        self.is_spill_full = False
        return True

    def close(self) -> None:
        """Let the spill go."""
        if self._spill is not None:
            self._spill.close()
            self._spill = None
