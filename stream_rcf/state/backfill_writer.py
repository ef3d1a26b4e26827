"""Writes a backfill segment by segment, and last the document that makes it one."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from stream_rcf.errors import CheckpointError, StreamRcfError, UsageError
from stream_rcf.state.backfill_document import (
    BackfillDocument,
    backfill_name,
    encode_backfill,
)
from stream_rcf.state.backfill_store import FOLDER, BackfillStore
from stream_rcf.state.checkpoint_build import SEGMENT_BYTES
from stream_rcf.state.manifest import segment_name, segment_number
from stream_rcf.state.objects import ObjectExistsError
from stream_rcf.state.segments import LEAST_TIME, SavedKey, Segment, SegmentBuilder

logger = logging.getLogger(__name__)


class BackfillWriter:
    """A backfill being written; it does not exist for readers before ``finish`` returns.

    Raises ``UsageError`` where the store holds one already, unless it is to be replaced: then the older one is there
    until the new one is, and a service that still goes on from it stops.
    """

    def __init__(
        self, store: BackfillStore, fingerprint: str, settings: Mapping[str, str], *, replace: bool = False
    ) -> None:
        newest = store.newest_number()
        if newest and not replace:
            raise UsageError(
                f"{store.objects.root} holds a saved state already ({FOLDER}/{backfill_name(newest)}): choose another"
                f" place, or replace it by --replace-state if no service goes on from it any more"
            )
        self._store = store
        self._fingerprint = fingerprint
        self._settings = settings
        self._number = newest + 1
        self._builder = SegmentBuilder(fingerprint)
        self._written: list[Segment] = []
        self._latest_event = LEAST_TIME

    def append(self, saved: SavedKey) -> None:
        """Add one key, which was not added before."""
        self._latest_event = max(self._latest_event, saved.last_event)
        self._builder.append(saved)
        if self._builder.bytes >= SEGMENT_BYTES:
            self._write_segment()

    def finish(self) -> BackfillDocument:
        """Make the backfill durable and visible, then remove the segments of older ones and of what was given up.

        Raises ``CheckpointError`` where another process has saved one meanwhile.
        """
        if len(self._builder):
            self._write_segment()
        document = BackfillDocument(
            self._number,
            self._fingerprint,
            self._settings,
            int(self._store.clock() * 1000),
            sum(segment.frames for segment in self._written),
            self._latest_event,
            tuple(self._written),
        )
        name = f"{FOLDER}/{backfill_name(self._number)}"
        # After a time-out nobody knows whether it stands: what it may name must stay.
        written, self._written = self._written, []
        try:
            self._store.objects.create(name, encode_backfill(document))
        except ObjectExistsError as error:
            self._written = written
            raise CheckpointError(f"{error}: another process has saved a state there meanwhile") from None
        try:
            self._remove_others(document)
        except StreamRcfError as error:
            # The backfill stands; leftovers cost space until the next one tidies up.
            logger.warning("what an older saved state left could not be removed: %s", error)
        return document

    def abandon(self) -> None:
        """Remove what was written so far; the backfill will not be. To be called after any error, and never fails."""
        try:
            for segment in self._written:
                self._store.objects.remove(f"{FOLDER}/{segment.name}")
        except StreamRcfError as error:
            logger.warning("a saved state that was given up was not cleared away: %s", error)
        self._written = []

    def _write_segment(self) -> None:
        data, index = self._builder.finish(segment_name(self._number, len(self._written)))
        self._builder = SegmentBuilder(self._fingerprint)
        self._store.objects.create(f"{FOLDER}/{index.segment.name}", data)
        self._written.append(index.segment)

    def _remove_others(self, document: BackfillDocument) -> None:
        """Segments written for a number that is still free may be a living writer's and stay."""
        named = {segment.name for segment in document.segments}
        for name in self._store.objects.list(FOLDER):
            number = segment_number(name)
            if number is not None and number <= document.number and name not in named:
                self._store.objects.remove(f"{FOLDER}/{name}")
