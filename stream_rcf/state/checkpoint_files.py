"""Checkpoints in a folder: immutable segments and manifests in ``<root>/<group>/<topic>/<partition>/``."""

from __future__ import annotations

import contextlib
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote, unquote

from stream_rcf.errors import CheckpointError, UnreachableError, UsageError
from stream_rcf.state.checkpoint_cleanup import manifest_numbers, read_manifest, remove_temporaries
from stream_rcf.state.durable_files import make_folder
from stream_rcf.state.frames import SegmentSummary, read_frames
from stream_rcf.state.manifest import Manifest, ManifestList, PartitionId
from stream_rcf.state.segment_files import FileSegmentWriter

logger = logging.getLogger(__name__)

_MAXIMUM_NAME_BYTES = 255  # of one name in a folder, on every usual file system
_READ_BUFFER_BYTES = 2**18  # one system call for many small frames; one buffer for each segment


class FileCheckpointStore:
    """A ``CheckpointStore`` in a folder, which many processes may share.

    ``clock`` gives epoch seconds and is replaced in tests.
    """

    def __init__(self, root: Path, clock: Callable[[], float] = time.time) -> None:
        self.root = root
        self._clock = clock
        # The keys of each partition's newest checkpoint, so that the next one counts keys without reading.
        self._known_keys: dict[PartitionId, tuple[int, set[str]]] = {}
        self._lock = threading.Lock()

    def folder(self, partition: PartitionId) -> Path:
        """Return where a partition's checkpoints lie; names are encoded, so none leads out of the root."""
        return (
            self.root / folder_name(partition.group) / folder_name(partition.topic) / str(partition.partition)
        )

    def partitions(self) -> list[PartitionId]:
        """List every partition that has a folder here, in order; other folders are not ours."""
        found: list[PartitionId] = []
        with _reaching(self.root):
            for group in _own_folders(self.root):
                for topic in _own_folders(self.root / group):
                    for number in _own_folders(self.root / group / topic):
                        if number.isascii() and number.isdigit() and str(int(number)) == number:
                            found.append(PartitionId(unquote(group), unquote(topic), int(number)))
        return sorted(found)

    def manifests(self, partition: PartitionId) -> ManifestList:
        """List a partition's checkpoints, newest first; none where it has no folder yet."""
        folder = self.folder(partition)
        with _reaching(folder):
            numbers = manifest_numbers(folder)
        manifests: list[Manifest] = []
        problems: list[str] = []
        for number in numbers:
            try:
                manifests.append(read_manifest(folder, partition, number))
            except FileNotFoundError:
                continue  # a writer that finished a newer one tidied up meanwhile
            except CheckpointError as error:
                problems.append(str(error))
        return ManifestList(manifests, problems, max(numbers, default=0))

    def read(self, partition: PartitionId, manifest: Manifest) -> Iterator[tuple[str, bytes]]:
        """Yield the newest state of each key; trust it only once the iterator has ended without raising."""
        folder = self.folder(partition)
        seen: set[str] = set()
        with contextlib.ExitStack() as stack:
            # All are opened before the first is read: what is tidied away meanwhile can still be read.
            files = [
                stack.enter_context(_open_segment(folder / segment.name)) for segment in manifest.segments
            ]
            for segment, file in zip(reversed(manifest.segments), reversed(files), strict=True):
                expected = SegmentSummary(segment.bytes, segment.frames, segment.sha256)
                where = str(folder / segment.name)
                try:
                    size = os.fstat(file.fileno()).st_size
                    for key, payload in read_frames(file, size, expected, manifest.fingerprint, where):
                        if key not in seen:
                            seen.add(key)
                            yield key, payload
                except OSError as error:
                    raise CheckpointError(f"{where} cannot be read: {error.strerror}") from error
        if len(seen) != manifest.keys:
            raise CheckpointError(
                f"checkpoint {manifest.number} in {folder} is corrupt: its segments hold {len(seen)} keys,"
                f" but its manifest says {manifest.keys}"
            )
        self._remember(manifest, seen)

    def begin(
        self,
        partition: PartitionId,
        fingerprint: str,
        base: Manifest | None = None,
        number: int | None = None,
    ) -> FileSegmentWriter:
        """Start a checkpoint; see ``CheckpointStore``. ``CheckpointError`` where no folder can be made."""
        folder = self.folder(partition)
        try:
            make_folder(folder)
            numbers = manifest_numbers(folder)
        except OSError as error:
            raise CheckpointError(f"{folder} cannot hold checkpoints: {error.strerror}") from error
        try:
            remove_temporaries(folder)
        except OSError as error:  # they only cost space
            logger.warning("unfinished files in %s could not be removed: %s", folder, error.strerror)
        return FileSegmentWriter(
            folder,
            partition,
            fingerprint,
            base,
            max(numbers, default=0) + 1 if number is None else number,
            base_keys=self._keys_of,
            on_published=self._remember,
            now=self._clock,
        )

    def forget(self, partition: PartitionId) -> None:
        """Drop what is held in memory about a partition that left. Its checkpoints stay."""
        with self._lock:
            self._known_keys.pop(partition, None)

    def _keys_of(self, manifest: Manifest) -> set[str]:
        with self._lock:
            number, keys = self._known_keys.get(manifest.partition, (None, set()))
        if number == manifest.number:
            return keys
        return {key for key, _ in self.read(manifest.partition, manifest)}

    def _remember(self, manifest: Manifest, keys: set[str]) -> None:
        with self._lock:
            self._known_keys[manifest.partition] = (manifest.number, keys)


def folder_name(name: str) -> str:
    """Make a group's or topic's name one name in a folder, reversible by percent-decoding.

    Raises ``UsageError`` for a name that fits no folder: empty, too long, or not writable as UTF-8.
    """
    try:
        encoded = quote(name, safe="")
    except UnicodeEncodeError as error:
        raise UsageError(f"{name!r} cannot name a folder of checkpoints: it is not valid Unicode") from error
    if encoded in (".", ".."):
        encoded = encoded.replace(".", "%2E")
    if not 0 < len(encoded) <= _MAXIMUM_NAME_BYTES:
        raise UsageError(
            f"{name[:40]!r} cannot name a folder of checkpoints: percent-encoded it has {len(encoded)}"
            f" characters, and 1 to {_MAXIMUM_NAME_BYTES} are possible"
        )
    return encoded


def _own_folders(path: Path) -> list[str]:
    with os.scandir(path) as entries:
        return [entry.name for entry in entries if entry.is_dir() and _is_own(entry.name)]


def _is_own(name: str) -> bool:
    try:
        return folder_name(unquote(name, errors="strict")) == name
    except (UnicodeDecodeError, UsageError):
        return False


def _open_segment(path: Path) -> BinaryIO:
    try:
        return open(path, "rb", buffering=_READ_BUFFER_BYTES)
    except FileNotFoundError as error:
        raise CheckpointError(f"{path} is missing, but its manifest names it") from error
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {error.strerror}") from error


@contextlib.contextmanager
def _reaching(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UnreachableError(
            f"the folder of checkpoints {path} cannot be read: {error.strerror}"
        ) from error
