"""All keys of one partition (or of one file): in memory, in the spill, or still in the checkpoint they come from."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import Protocol

from stream_rcf.core.block import KeyBlock
from stream_rcf.core.model import model_of
from stream_rcf.core.packing import latest_timestamp_of, pack, unpack
from stream_rcf.core.parameters import DetectorParameters
from stream_rcf.core.random_stream import key_seed
from stream_rcf.core.retirement import retired_block
from stream_rcf.errors import CheckpointError, ReloadNeededError
from stream_rcf.state.cut import MEMORY_SHARE, MOST_COPIED_BYTES, ConsistentCut
from stream_rcf.state.key_memory import KEY_BYTES, KeyMemory
from stream_rcf.state.snapshot import KeySnapshot, PackedKey, Snapshot, last_event_of
from stream_rcf.state.spill import SpillFullError

logger = logging.getLogger(__name__)

SAVED = -1  # instead of a slot of the spill: the key is where its checkpoint has it

# Gives the saved states of some keys, in order. Raises ``CheckpointError`` where one is not what was written.
Fetch = Callable[[Sequence[str]], Sequence[bytes | KeyBlock]]


class Origin(Protocol):
    """Models of keys that had no event here yet."""

    def __contains__(self, key: str) -> bool:
        """Whether there is one of this key."""

    def blocks(self, keys: Sequence[str]) -> Mapping[str, KeyBlock]:
        """Those of these keys that there are, for the caller to change. Raises ``CheckpointError`` where one is bad."""


class KeyTable:
    """Key to forest. A key is born with its first event: seeded by a stable hash of (seed, key), or as ``origin`` says.

    ``memory`` bounds what the keys take, together with those of other tables; by default nothing does.
    """

    def __init__(self, parameters: DetectorParameters, memory: KeyMemory | None = None) -> None:
        self.parameters = parameters
        self.memory = memory or KeyMemory()
        self.model = model_of(parameters)
        self._blocks: dict[str, KeyBlock] = {}
        self._away: dict[str, int] = {}  # slot of the spill, or SAVED
        self._fetch: Fetch | None = None
        self._changed: set[str] = set()
        self._cut: ConsistentCut | None = None
        self.origin: Origin | None = None
        self.memory.add(self)

    def __len__(self) -> int:
        return len(self._blocks) + len(self._away)

    def keys(self) -> Iterator[str]:
        """All keys, those in memory first."""
        return chain(self._blocks, self._away)

    def resident_keys(self) -> Collection[str]:
        """The keys in memory."""
        return self._blocks.keys()

    def resident(self, key: str) -> KeyBlock | None:
        """The key's block, if it is in memory."""
        return self._blocks.get(key)

    def knows(self, key: str) -> bool:
        """Whether the key has had events, wherever it is now."""
        return key in self._blocks or key in self._away

    def has_model(self, key: str) -> bool:
        """Whether the key's next event finds a model: it had events, here or where its origin is from."""
        return self.knows(key) or (self.origin is not None and key in self.origin)

    @property
    def memory_bytes(self) -> int:
        """Bytes of the blocks in memory."""
        return sum(block.bytes for block in self._blocks.values())

    @property
    def saved_keys(self) -> int:
        """Keys that were not fetched from their checkpoint yet."""
        return sum(slot == SAVED for slot in self._away.values())

    @property
    def changed_keys(self) -> int:
        """Keys that changed since the last cut."""
        return len(self._changed)

    @property
    def must_copy(self) -> bool:
        """Whether keys that change now are copied first, for a cut."""
        return self._cut is not None and self._cut.has_pending

    # -- a batch ----------------------------------------------------------------------------------------------------

    def bring(self, keys: Iterable[str]) -> None:
        """Have these keys in memory: those that are away come back, others are born. Raises ``ReloadNeededError``."""
        wanted = dict.fromkeys(key for key in keys if key not in self._blocks)
        if not wanted:
            return
        slots: dict[str, int] = {}
        saved: list[str] = []
        born: list[str] = []
        for key in wanted:
            slot = self._away.get(key)
            if slot is None:
                born.append(key)
            elif slot == SAVED:
                saved.append(key)
            else:
                slots[key] = slot
        if slots:
            saved += self._come_from_spill(slots)
        if saved:
            self._come_back(saved, map(self._unpacked, saved, self._fetched(saved)))
        inherited = self.origin.blocks(born) if born and self.origin is not None else {}
        for key in born:
            block = inherited.get(key)
            if block is None:
                block = KeyBlock(self.model, key_seed(self.parameters.forest.seed, key))
            self._blocks[key] = block
            self.memory.bytes += KEY_BYTES
        self.memory.count(self._blocks[key] for key in born)

    def _come_from_spill(self, slots: dict[str, int]) -> list[str]:
        """Let these keys come; what the spill has spoilt and the checkpoint has too is left there and returned."""
        blocks: dict[str, KeyBlock] = {}
        spoilt: list[str] = []
        for key, state in zip(slots, self.memory.spill.get(list(slots.values())), strict=True):
            try:
                blocks[key] = self._unpacked(key, state)
            except ReloadNeededError as error:
                if not self._is_saved(key):
                    raise
                logger.warning("a key came back spoilt from the spill; its checkpoint has it: %s", error)
                spoilt.append(key)
        self._come_back(blocks, blocks.values())
        for key in spoilt:
            self._away[key] = SAVED
        self.memory.free(slots.values())
        return spoilt

    def _is_saved(self, key: str) -> bool:
        """Whether the newest checkpoint has the key as it is now."""
        in_cut = self._cut is not None and key in self._cut.keys
        return self._fetch is not None and key not in self._changed and not in_cut

    def touch(self, key: str) -> KeyBlock:
        """The block of ``key``, brought in or made if need be, about to be changed by the caller."""
        block = self._blocks.get(key)
        if block is None:
            self.bring([key])
            block = self._blocks[key]
        if self._cut is not None:
            self._cut.before_change(key)
        self._changed.add(key)
        self.memory.touched(block)
        return block

    # -- coming and going -------------------------------------------------------------------------------------------

    def lend(self, keys: Iterable[str], fetch: Fetch) -> None:
        """These keys are saved where ``fetch`` gets them, and come when they are needed. For a table without keys."""
        self._away = dict.fromkeys(keys, SAVED)
        self._fetch = fetch
        self.memory.bytes += KEY_BYTES * len(self._away)

    def arrive(self, key: str, state: bytes | KeyBlock) -> None:
        """Take a saved key in that was fetched ahead; a packed one goes to the spill.

        One that came otherwise meanwhile is left alone. Where the spill is full the key stays saved.
        """
        if self._away.get(key) != SAVED:
            return
        if isinstance(state, KeyBlock):
            self._come_back([key], [state])
            return
        with contextlib.suppress(SpillFullError):  # it is where it was, and comes when it is needed
            self._away[key] = self.memory.spill.put([state])[0]

    def evict(self, keys: Sequence[str]) -> None:
        """Let keys in memory leave for the spill. Raises ``SpillFullError``, and then they stay."""
        slots = self.memory.spill.put([self._pack_block(self._blocks[key]) for key in keys])
        for key, slot in zip(keys, slots, strict=True):
            self._away[key] = slot
            self.memory.bytes -= self._blocks.pop(key).counted_bytes

    def release(self) -> None:
        """The table is done with: give back what its keys take. It must not be used any more."""
        self.memory.bytes -= KEY_BYTES * len(self)
        self.memory.bytes -= sum(block.counted_bytes for block in self._blocks.values())
        self.memory.drop(self, (slot for slot in self._away.values() if slot != SAVED))
        self._blocks, self._away = {}, {}

    def _fetched(self, keys: Sequence[str]) -> Sequence[bytes | KeyBlock]:
        if self._fetch is None:
            raise AssertionError("keys are saved, but nobody knows where")
        return self._fetch(keys)

    def _come_back(self, keys: Iterable[str], blocks: Iterable[KeyBlock]) -> None:
        for key, block in zip(keys, list(blocks), strict=True):
            self._blocks[key] = block
            del self._away[key]
            self.memory.count([block])
            self.memory.returns += 1

    # -- states -----------------------------------------------------------------------------------------------------

    def pack(self, key: str) -> bytes:
        """The bytes from which ``restore`` continues with the same bits."""
        block = self._blocks.get(key)
        return self._pack_block(block) if block is not None else self._packed(key)

    def _pack_block(self, block: KeyBlock) -> bytes:
        state = pack(block, quick=True)
        self.memory.count([block])  # packing compacts first, and may make some room
        return state

    def _packed(self, key: str) -> bytes:
        slot = self._away[key]
        if slot != SAVED:
            return self.memory.spill.get([slot])[0]
        (state,) = self._fetched([key])
        return pack(state, quick=True) if isinstance(state, KeyBlock) else state

    def snapshot(self, key: str) -> Snapshot:
        """``key`` as it is now, which another thread may pack while the key goes on."""
        block = self._blocks.get(key)
        if block is not None:
            return KeySnapshot(block, self.memory.copies)
        state = self._packed(key)
        return PackedKey(state, latest_timestamp_of(state))

    def restore(self, key: str, state: bytes | KeyBlock) -> None:
        """Give ``key`` the state that ``pack`` wrote. ``ReloadNeededError`` names the key, and changes nothing."""
        block = self._unpacked(key, state)
        if key not in self._away:
            replaced = self._blocks.get(key)
            self.memory.bytes += KEY_BYTES if replaced is None else -replaced.counted_bytes
        elif self._away[key] != SAVED:
            self.memory.free([self._away[key]])
        self._away[key] = SAVED
        self._come_back([key], [block])

    def recent_times(self, most: int) -> list[int]:
        """Times of the last events, epoch ms, of up to so many keys that changed since the last cut."""
        blocks = (self._blocks[key] for key in self._changed if key in self._blocks)
        return [last_event_of(block) for block in islice(blocks, most)]

    def let_go(self, key: str, last_event: int) -> bool:
        """Keep of a key no more than that it began anew after ``last_event``; false where it has changed since."""
        if key in self._changed or self._cut is not None or not self.knows(key):
            return False
        seed = key_seed(self.parameters.forest.seed, key)
        self.restore(key, retired_block(self.model, seed, last_event))
        self._changed.add(key)
        return True

    def _unpacked(self, key: str, state: bytes | KeyBlock) -> KeyBlock:
        if isinstance(state, KeyBlock):
            return state
        try:
            return unpack(self.model, state)
        except CheckpointError as error:
            raise ReloadNeededError(f"key {key[:40]!r}: {error}") from None

    def begin_cut(self) -> ConsistentCut:
        """Fix the state of this moment, of the keys changed since the last cut."""
        limit = self.memory.limit_bytes
        most = MOST_COPIED_BYTES if limit is None else min(MOST_COPIED_BYTES, limit // MEMORY_SHARE)
        self._cut = ConsistentCut(self._changed, self.snapshot, self._pack_now, most)
        self._changed = set()
        return self._cut

    def _pack_now(self, key: str) -> Snapshot:
        block = self._blocks.get(key)
        return (
            self.snapshot(key) if block is None else PackedKey(self._pack_block(block), last_event_of(block))
        )

    def save_again(self, keys: Iterable[str]) -> bool:
        """Have the next cut hold these keys, but for those that only the checkpoint has; whether that adds any."""
        again = {key for key in keys if self.knows(key) and self._away.get(key) != SAVED} - self._changed
        self._changed |= again
        return bool(again)

    def end_cut(self, saved: bool) -> None:
        """Forget the cut. One that was not saved leaves its keys to the next."""
        if self._cut is not None and not saved:
            self._changed.update(self._cut.keys)
        self._cut = None
