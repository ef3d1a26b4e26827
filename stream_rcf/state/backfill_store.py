"""Backfills in a store of objects: numbered documents and the segments they name, in the folder ``backfill``.

It may be a store of its own or that of the checkpoints: their folders are two levels deeper.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from stream_rcf.errors import CheckpointError
from stream_rcf.state.backfill_document import (
    MAXIMUM_BYTES,
    BackfillDocument,
    backfill_name,
    backfill_number,
    decode_backfill,
)
from stream_rcf.state.object_urls import open_objects
from stream_rcf.state.objects import ObjectMissingError, Objects
from stream_rcf.state.segment_folder import SegmentFolder
from stream_rcf.state.segments import SegmentIndex

FOLDER = "backfill"


class BackfillStore:
    """The backfills of one store, of which the newest counts. All methods may be called from any thread.

    Each may raise ``StoreUnreachableError``. ``clock`` gives epoch seconds and is replaced in tests.
    """

    def __init__(self, objects: Objects, clock: Callable[[], float] = time.time) -> None:
        self.objects = objects
        self.clock = clock
        self._segments = SegmentFolder(objects, FOLDER)

    def newest_number(self) -> int:
        """The number of the newest document, readable or not; 0 where there is none.

        Documents are never removed, so one that a late listing does not show yet is found by asking for the next.
        """
        listed = (backfill_number(name) for name in self.objects.list(FOLDER))
        newest = max((number for number in listed if number is not None), default=0)
        while self._is_there(newest + 1):
            newest += 1
        return newest

    def _is_there(self, number: int) -> bool:
        try:
            self.objects.read(f"{FOLDER}/{backfill_name(number)}", MAXIMUM_BYTES)
        except ObjectMissingError:
            return False
        except CheckpointError:
            return True  # too large to be one of ours; who reads it in earnest says so
        return True

    def newest(self) -> BackfillDocument | None:
        """The backfill that counts, ``None`` where there is none. Raises ``CheckpointError`` where it is not sound."""
        number = self.newest_number()
        if number == 0:
            return None
        name = backfill_name(number)
        data = self.objects.read(f"{FOLDER}/{name}", MAXIMUM_BYTES)
        return decode_backfill(data, number, self._segments.where(name))

    def indexes(self, document: BackfillDocument) -> list[SegmentIndex]:
        """Where each key stands. Raises ``CheckpointError`` for what was not written so."""
        return self._segments.indexes(document.segments)

    def payloads(self, index: SegmentIndex, rows: Sequence[int]) -> list[bytes]:
        """The states in these frames of a segment, each checked. Raises ``CheckpointError``."""
        return self._segments.payloads(index, rows)

    def verify(self, document: BackfillDocument) -> None:
        """Read a whole backfill and check every byte. Raises ``CheckpointError`` saying what is wrong."""
        require_keys(document, len(self._segments.verify(document.segments, document.fingerprint)))


def require_keys(document: BackfillDocument, found: int) -> None:
    """Raise ``CheckpointError`` unless as many keys were found as the document says."""
    if found != document.keys:
        raise CheckpointError(
            f"backfill {document.number} is corrupt: its segments hold {found} keys, but its document says"
            f" {document.keys}"
        )


def open_backfills(url: str, option: str) -> BackfillStore:
    """The store that ``url`` names, which ``option`` gave; nothing is read or created yet. Raises ``UsageError``."""
    return BackfillStore(open_objects(url, option))
