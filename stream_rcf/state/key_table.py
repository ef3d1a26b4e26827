"""All keys of one partition (or of one file), each with its block, and which of them changed since the last cut."""

from __future__ import annotations

from collections.abc import Iterator

from stream_rcf.core.block import KeyBlock
from stream_rcf.core.layout import model_of
from stream_rcf.core.packing import pack, unpack
from stream_rcf.core.parameters import DetectorParameters
from stream_rcf.core.random_stream import key_seed
from stream_rcf.errors import CheckpointError
from stream_rcf.state.cut import ConsistentCut
from stream_rcf.state.snapshot import KeySnapshot, PackedKey


class KeyTable:
    """Key to forest. A key is born with its first event, seeded by a stable hash of (seed, key)."""

    def __init__(self, parameters: DetectorParameters) -> None:
        self.parameters = parameters
        self._model = model_of(parameters)
        self._blocks: dict[str, KeyBlock] = {}
        self._changed: set[str] = set()
        self._cut: ConsistentCut | None = None

    def __len__(self) -> int:
        return len(self._blocks)

    @property
    def memory_bytes(self) -> int:
        """Bytes of all blocks."""
        return sum(block.bytes for block in self._blocks.values())

    @property
    def changed_keys(self) -> int:
        """Keys that changed since the last cut."""
        return len(self._changed)

    def keys(self) -> Iterator[str]:
        """All keys, in order of first appearance."""
        return iter(self._blocks)

    def touch(self, key: str) -> KeyBlock:
        """The block of ``key``, made if need be, about to be changed by the caller."""
        block = self._blocks.get(key)
        if block is None:
            block = KeyBlock(self._model, key_seed(self.parameters.forest.seed, key))
            self._blocks[key] = block
        if self._cut is not None:
            self._cut.before_change(key)
        self._changed.add(key)
        return block

    def pack(self, key: str) -> bytes:
        """The bytes from which ``restore`` continues with the same bits."""
        return pack(self._blocks[key])

    def snapshot(self, key: str) -> KeySnapshot:
        """A copy of ``key`` as it is now, which another thread may pack while the key goes on."""
        return KeySnapshot(self._blocks[key])

    def restore(self, key: str, data: bytes) -> None:
        """Give ``key`` the state that ``pack`` wrote. ``CheckpointError`` names the key, and changes nothing."""
        try:
            self._blocks[key] = unpack(self._model, data)
        except CheckpointError as error:
            raise CheckpointError(f"key {key!r}: {error}") from None

    def begin_cut(self, full: bool) -> ConsistentCut:
        """Fix the state of this moment: of the keys changed since the last cut, or of all."""
        keys = self._blocks if full else self._changed
        self._cut = ConsistentCut(keys, self.snapshot, lambda key: PackedKey(self.pack(key)))
        self._changed = set()
        return self._cut

    def end_cut(self, saved: bool) -> None:
        """Forget the cut. One that was not saved leaves its keys to the next."""
        if self._cut is not None and not saved:
            self._changed.update(self._cut.keys)
        self._cut = None
