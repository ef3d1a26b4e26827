"""One checkpoint on its way into the store: first its segments, then the manifest that makes it count."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import NamedTuple

from stream_rcf.errors import CheckpointError, StreamRcfError
from stream_rcf.state.checkpoint_store import CheckpointStore
from stream_rcf.state.manifest import Manifest, PartitionId, encode_manifest, manifest_name, segment_name
from stream_rcf.state.names import folder_of
from stream_rcf.state.objects import ObjectExistsError
from stream_rcf.state.segments import SavedKey, Segment, SegmentBuilder, SegmentIndex

logger = logging.getLogger(__name__)

SEGMENT_BYTES = (
    32 * 2**20
)  # one object: large enough for few requests, small enough to be put together in memory
COPY_BYTES = 8 * 2**20  # of frames carried over in one request


class OvertakenError(CheckpointError):
    """Another process has written a checkpoint of the partition since ours began."""


class Heading(NamedTuple):
    """What a checkpoint says of itself; see ``Manifest``."""

    partition: PartitionId
    fingerprint: str
    number: int
    offset: int
    previous: int | None
    keys: int
    topic_partitions: int
    backfill: str = ""
    feedback: str = ""
    alert_digest: str = ""


class CheckpointBuild:
    """A checkpoint being written; it does not exist for readers before ``finish`` returns."""

    def __init__(self, store: CheckpointStore, heading: Heading, kept: Sequence[Segment]) -> None:
        self._store = store
        self._heading = heading
        self._kept = tuple(kept)
        self._folder = folder_of(heading.partition)
        self._builder = SegmentBuilder(heading.fingerprint)
        self._written: list[SegmentIndex] = []

    def append(self, saved: SavedKey) -> None:
        """Add one key, which was not added before."""
        self._builder.append(saved)
        if self._builder.bytes >= SEGMENT_BYTES:
            self._write_segment()

    def carry(self, index: SegmentIndex, rows: Sequence[int], source: PartitionId | None = None) -> None:
        """Copy frames of an older segment, ``source``'s where that is another partition.

        Raises ``CheckpointError`` where they are not what was written.
        """
        batch: list[int] = []
        size = 0
        for row in rows:
            batch.append(row)
            size += int(index.length[row])
            if size >= COPY_BYTES:
                self._copy(index, batch, source)
                batch, size = [], 0
        if batch:
            self._copy(index, batch, source)

    def _copy(self, index: SegmentIndex, rows: Sequence[int], source: PartitionId | None) -> None:
        payloads = self._store.payloads(source or self._heading.partition, index, rows)
        for row, payload in zip(rows, payloads, strict=True):
            self.append(SavedKey(index.keys[row], payload, int(index.last_event[row])))

    def finish(self) -> tuple[Manifest, list[SegmentIndex]]:
        """Make the checkpoint durable and visible, then remove what no kept manifest names.

        Raises ``OvertakenError`` where the number is taken; then, as after any error, nothing was changed for readers.
        """
        if len(self._builder):
            self._write_segment()
        heading = self._heading
        manifest = Manifest(
            **heading._asdict(),
            created_at=int(self._store.clock() * 1000),
            segments=(*self._kept, *(index.segment for index in self._written)),
        )
        written, self._written = (
            self._written,
            [],
        )  # after a time-out nobody knows: what it may name must stay
        try:
            self._store.objects.create(
                f"{self._folder}/{manifest_name(heading.number)}", encode_manifest(manifest)
            )
        except ObjectExistsError as error:
            self._written = written
            self.abandon()
            raise OvertakenError(
                f"checkpoint {heading.number} of {heading.partition} exists already: another process has written it"
            ) from error
        try:
            self._store.remove_superseded(heading.partition)
        except (
            StreamRcfError
        ) as error:  # the checkpoint stands; leftovers cost space until the next one tidies up
            logger.warning("old checkpoints could not be removed: %s", error)
        return manifest, written

    def abandon(self) -> None:
        """Remove what was written so far; the checkpoint will not be."""
        for index in self._written:
            self._store.objects.remove(f"{self._folder}/{index.segment.name}")
        self._written = []

    def _write_segment(self) -> None:
        name = segment_name(self._heading.number, len(self._written))
        data, index = self._builder.finish(name)
        self._builder = SegmentBuilder(self._heading.fingerprint)
        self._store.objects.create(f"{self._folder}/{name}", data)
        self._written.append(index)
