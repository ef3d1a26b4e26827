"""Where checkpoints live: what any store does, and how a URL becomes one.

A store holds whole immutable segments, and numbered manifests that are created only if absent; nothing else
is asked of it, so that an object store can serve as well as a folder.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

from stream_rcf.errors import UsageError
from stream_rcf.state.checkpoint_files import FileCheckpointStore
from stream_rcf.state.manifest import Manifest, ManifestList, PartitionId, Segment

__all__ = [
    "CheckpointStore",
    "Manifest",
    "ManifestList",
    "PartitionId",
    "Segment",
    "SegmentWriter",
    "open_store",
]


class SegmentWriter(Protocol):
    """One checkpoint being written; it does not exist for readers before ``finish`` returns."""

    def append(self, key: str, payload: bytes) -> None:
        """Add one key's state.

        Raises ``ValueError`` for a key added before, ``CheckpointError`` where it cannot be written.
        """

    def finish(self, offset: int, keep_segments: bool) -> Manifest:
        """Make the checkpoint durable and visible, then delete what no kept manifest names.

        ``keep_segments`` continues the segments of ``base``; without it this checkpoint stands alone. Raises
        ``CheckpointError`` where it cannot be written or another writer took the number, and leaves nothing.
        """

    def abandon(self) -> None:
        """Leave no trace. Does nothing after ``finish``."""


class CheckpointStore(Protocol):
    """Checkpoints of many partitions. All methods may be called from any thread."""

    def partitions(self) -> list[PartitionId]:
        """List every partition that has a place here, in order.

        Raises ``UnreachableError`` where the store cannot be read.
        """

    def manifests(self, partition: PartitionId) -> ManifestList:
        """List a partition's checkpoints. Raises ``UnreachableError`` where the store cannot be read."""

    def read(self, partition: PartitionId, manifest: Manifest) -> Iterator[tuple[str, bytes]]:
        """Yield the newest state of each key, each key once, in no promised order.

        Only an iterator that ends without raising has proved its content: throw away what it gave otherwise.
        Raises ``CheckpointError`` naming the file and what is wrong with it.
        """

    def begin(
        self,
        partition: PartitionId,
        fingerprint: str,
        base: Manifest | None = None,
        number: int | None = None,
    ) -> SegmentWriter:
        """Start a checkpoint.

        ``base`` is the checkpoint it continues (``None``: the models began empty). ``number`` is the number
        it must get, ``None`` the next free one: a writer that names its number finds out when another has
        written.
        """

    def forget(self, partition: PartitionId) -> None:
        """Drop what is held in memory about a partition that left. Its checkpoints stay."""


def open_store(url: str) -> CheckpointStore:
    """Make the store that ``checkpoint.url`` names; nothing is read or created yet.

    ``file:./relative``, ``file:/absolute`` and ``file:///absolute`` are understood; a character that a URL
    reserves is written percent-encoded. Raises ``UsageError`` for anything else.
    """
    advice = "write file:./checkpoints or file:///var/lib/stream-rcf"
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise UsageError(f"checkpoint.url {url!r} is not a URL ({error}): {advice}") from error
    if parts.scheme in ("s3", "gs", "az"):
        raise UsageError(f"checkpoint.url {url!r}: this version keeps checkpoints in folders only: {advice}")
    if parts.scheme != "file":
        raise UsageError(f"checkpoint.url {url!r} does not begin with file: {advice}")
    if parts.netloc not in ("", "localhost"):
        raise UsageError(
            f"checkpoint.url {url!r} names the host {parts.netloc!r}, but a folder is on this one: {advice}"
        )
    if parts.query or parts.fragment:
        raise UsageError(f"checkpoint.url {url!r}: in the name of a folder, write ? as %3F and # as %23")
    path = unquote(parts.path)
    if not path or "\0" in path:
        raise UsageError(f"checkpoint.url {url!r} names no folder: {advice}")
    return FileCheckpointStore(Path(path))
