"""Where cold keys stay while they are not in memory: a local database of packed states, worthless after the process.

Nothing is synced: what counts after a crash are the checkpoints. The file is unlinked as soon as it is open, so that no
crash leaves anything behind.
"""

from __future__ import annotations

import os
import shutil
import struct
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

import lmdb

from stream_rcf.errors import ReloadNeededError, StreamRcfError

# Of address space, not of disk or memory: the file grows as it is needed. A few million mature keys.
MAP_BYTES = 2**40
_SLOT = struct.Struct("=Q")  # native order, as integer keys of the database are


class SpillFullError(StreamRcfError):
    """The disk takes no more cold keys. They stay in memory."""


class KeySpill:
    """Packed states by slot number. For one thread.

    ``folder`` must be on a disk with room for the keys beyond memory; it is made if need be. Raises ``StreamRcfError``
    where it cannot be used.
    """

    def __init__(self, folder: Path) -> None:
        self._next_slot = 0
        self._name = str(folder)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            place = Path(tempfile.mkdtemp(prefix="keys-", dir=folder))
            try:
                self._database = lmdb.open(
                    str(place / "spill"),
                    map_size=MAP_BYTES,
                    subdir=False,
                    sync=False,
                    metasync=False,
                    lock=False,
                    readahead=False,
                    max_dbs=1,
                    meminit=False,
                )
                self._slots = self._database.open_db(b"slots", integerkey=True)
            finally:
                shutil.rmtree(place, ignore_errors=True)  # the open file lives on without a name
        except (OSError, lmdb.Error) as error:
            raise StreamRcfError(f"{folder} cannot keep keys that do not fit memory: {error}") from error

    def put(self, states: Iterable[bytes]) -> list[int]:
        """Keep states; a slot for each. Raises ``SpillFullError``, and then keeps none of them."""
        slots: list[int] = []
        try:
            with self._database.begin(db=self._slots, write=True) as transaction:
                for state in states:
                    transaction.put(_SLOT.pack(self._next_slot + len(slots)), state)
                    slots.append(self._next_slot + len(slots))
        except lmdb.Error as error:
            raise SpillFullError(f"{self._name} takes no more keys: {error}") from error
        self._next_slot += len(slots)
        return slots

    def get(self, slots: Sequence[int]) -> list[bytes]:
        """The states in these slots. Raises ``ReloadNeededError`` where one cannot be read."""
        try:
            with self._database.begin(db=self._slots) as transaction:
                states = [transaction.get(_SLOT.pack(slot)) for slot in slots]
        except lmdb.Error as error:
            raise ReloadNeededError(f"keys kept in {self._name} cannot be read: {error}") from error
        found = [bytes(state) for state in states if state is not None]
        if len(found) < len(slots):
            raise ReloadNeededError(f"a key kept in {self._name} is gone")
        return found

    def free(self, slots: Iterable[int]) -> None:
        """Forget these slots; their room is used again."""
        try:
            with self._database.begin(db=self._slots, write=True) as transaction:
                for slot in slots:
                    transaction.delete(_SLOT.pack(slot))
        except lmdb.Error as error:  # deleting needs a few pages too; what stays only costs room
            raise SpillFullError(f"{self._name}: {error}") from error

    @property
    def disk_bytes(self) -> int:
        """Bytes of the file, in use or free to be used again."""
        information = self._database.info()
        return int(self._database.stat()["psize"]) * (int(information["last_pgno"]) + 1)

    def close(self) -> None:
        """Let the file go, and everything in it."""
        self._database.close()


def default_spill_folder() -> Path:
    """Where cold keys stay unless settings say otherwise: the system's folder for temporary files."""
    return Path(tempfile.gettempdir()) / f"stream-rcf-spill-{os.getuid()}"
