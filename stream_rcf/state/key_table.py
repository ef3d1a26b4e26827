"""All keys of one partition (or of one file): in memory, in the spill, or still in the checkpoint they come from."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from itertools import chain

from stream_rcf.core.block import KeyBlock
from stream_rcf.core.layout import model_of
from stream_rcf.core.packing import pack, unpack
from stream_rcf.core.parameters import DetectorParameters
from stream_rcf.core.random_stream import key_seed
from stream_rcf.errors import CheckpointError, ReloadNeededError
from stream_rcf.state.cut import MEMORY_SHARE, MOST_COPIED_BYTES, ConsistentCut
from stream_rcf.state.key_memory import AWAY_KEY_BYTES, KeyMemory
from stream_rcf.state.snapshot import KeySnapshot, PackedKey, Snapshot, last_event_of
from stream_rcf.state.spill import SpillFullError

SAVED = -1  # instead of a slot of the spill: the key is where its checkpoint has it

# Gives the saved states of some keys, in order. Raises ``CheckpointError`` where one is not what was written.
Fetch = Callable[[Sequence[str]], Sequence[bytes]]


class KeyTable:
    """Key to forest. A key is born with its first event, seeded by a stable hash of (seed, key).

    ``memory`` bounds what the keys take, together with those of other tables; by default nothing does.
    """

    def __init__(self, parameters: DetectorParameters, memory: KeyMemory | None = None) -> None:
        self.parameters = parameters
        self.memory = memory or KeyMemory()
        self._model = model_of(parameters)
        self._blocks: dict[str, KeyBlock] = {}
        self._away: dict[str, int] = {}  # slot of the spill, or SAVED
        self._fetch: Fetch | None = None
        self._changed: set[str] = set()
        self._cut: ConsistentCut | None = None
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
            self._restore_all(slots, self.memory.spill.get(list(slots.values())))
            self.memory.free(slots.values())
        if saved:
            self._restore_all(saved, self._fetched(saved))
        for key in born:
            self._blocks[key] = KeyBlock(self._model, key_seed(self.parameters.forest.seed, key))
        self.memory.count(self._blocks[key] for key in wanted)

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
        self.memory.bytes += AWAY_KEY_BYTES * len(self._away)

    def arrive(self, key: str, state: bytes | KeyBlock) -> None:
        """Take a saved key in that was fetched ahead; a packed one goes to the spill.

        One that came otherwise meanwhile is left alone. Where the spill is full the key stays saved.
        """
        if self._away.get(key) != SAVED:
            return
        if isinstance(state, KeyBlock):
            self._restore_all([key], [state])
            self.memory.count([state])
            return
        with contextlib.suppress(SpillFullError):  # it is where it was, and comes when it is needed
            self._away[key] = self.memory.spill.put([state])[0]

    def evict(self, keys: Sequence[str]) -> None:
        """Let keys in memory leave for the spill. Raises ``SpillFullError``, and then they stay."""
        slots = self.memory.spill.put([pack(self._blocks[key], quick=True) for key in keys])
        for key, slot in zip(keys, slots, strict=True):
            self._away[key] = slot
            self.memory.bytes += AWAY_KEY_BYTES - self._blocks.pop(key).counted_bytes

    def release(self) -> None:
        """The table is done with: give back what its keys take. It must not be used any more."""
        self.memory.bytes -= AWAY_KEY_BYTES * len(self._away)
        self.memory.bytes -= sum(block.counted_bytes for block in self._blocks.values())
        self.memory.drop(self, (slot for slot in self._away.values() if slot != SAVED))
        self._blocks, self._away = {}, {}

    def _fetched(self, keys: Sequence[str]) -> Sequence[bytes]:
        if self._fetch is None:
            raise AssertionError("keys are saved, but nobody knows where")
        return self._fetch(keys)

    def _restore_all(self, keys: Iterable[str], states: Iterable[bytes | KeyBlock]) -> None:
        for key, state in zip(keys, states, strict=True):
            self.restore(key, state)
            del self._away[key]
            self.memory.bytes -= AWAY_KEY_BYTES
            self.memory.returns += 1

    # -- states -----------------------------------------------------------------------------------------------------

    def pack(self, key: str) -> bytes:
        """The bytes from which ``restore`` continues with the same bits."""
        block = self._blocks.get(key)
        return pack(block) if block is not None else self._packed(key)

    def _packed(self, key: str) -> bytes:
        slot = self._away[key]
        return self._fetched([key])[0] if slot == SAVED else self.memory.spill.get([slot])[0]

    def snapshot(self, key: str) -> Snapshot:
        """``key`` as it is now, which another thread may pack while the key goes on."""
        block = self._blocks.get(key)
        return KeySnapshot(block) if block is not None else PackedKey(self._packed(key), 0)

    def restore(self, key: str, state: bytes | KeyBlock) -> None:
        """Give ``key`` the state that ``pack`` wrote. ``ReloadNeededError`` names the key, and changes nothing."""
        if isinstance(state, KeyBlock):
            self._blocks[key] = state
            return
        try:
            self._blocks[key] = unpack(self._model, state)
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
            self.snapshot(key) if block is None else PackedKey(pack(block, quick=True), last_event_of(block))
        )

    def end_cut(self, saved: bool) -> None:
        """Forget the cut. One that was not saved leaves its keys to the next."""
        if self._cut is not None and not saved:
            self._changed.update(self._cut.keys)
        self._cut = None
