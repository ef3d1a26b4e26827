"""Objects as files of a folder: written aside, synced, then linked to their name, so that they survive a power cut."""

from __future__ import annotations

import builtins
import contextlib
import errno
import os
import time
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path

from stream_rcf.errors import CheckpointError
from stream_rcf.state.objects import ObjectExistsError, ObjectMissingError, StoreUnreachableError

TEMPORARY_SUFFIX = ".writing"
# A file that somebody left unfinished is removed after this long; no living writer takes as long for one object.
ABANDONED_SECONDS = 3600.0
_NO_LINKS = (errno.EPERM, errno.EOPNOTSUPP)


class FolderObjects:
    """``Objects`` in a folder that processes may share. It must support hard links; it is made when first needed."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def root(self) -> str:
        """The folder."""
        return str(self._path)

    def list(self, folder: str) -> builtins.list[str]:
        """Names of files; see ``Objects``. Unfinished ones are not there yet."""
        with self._reaching(folder):
            try:
                with os.scandir(self._path / folder) as entries:
                    return [
                        entry.name
                        for entry in entries
                        if not entry.name.endswith(TEMPORARY_SUFFIX) and entry.is_file()
                    ]
            except FileNotFoundError:
                return []

    def folders(self, folder: str) -> builtins.list[str]:
        """Names of folders; see ``Objects``."""
        with self._reaching(folder):
            try:
                with os.scandir(self._path / folder) as entries:
                    return [entry.name for entry in entries if entry.is_dir()]
            except FileNotFoundError:
                return []

    def read(self, name: str, most: int) -> bytes:
        """A whole file; see ``Objects``."""
        with self._reaching(name), open(self._path / name, "rb", buffering=0) as file:
            size = os.fstat(file.fileno()).st_size
            if size > most:
                raise CheckpointError(
                    f"{self._path / name} is corrupt: more than {most} bytes, namely {size}"
                )
            return _read_exactly(file.fileno(), 0, size)

    def read_ranges(self, name: str, ranges: Sequence[tuple[int, int]]) -> builtins.list[bytes]:
        """Parts of a file; see ``Objects``."""
        with self._reaching(name), open(self._path / name, "rb", buffering=0) as file:
            size = os.fstat(file.fileno()).st_size
            for start, end in ranges:
                if not 0 <= start <= end <= size:
                    raise CheckpointError(
                        f"{self._path / name} is corrupt: it has {size} bytes, but {start} to {end} were looked for"
                    )
            return [_read_exactly(file.fileno(), start, end - start) for start, end in ranges]

    def create(self, name: str, data: bytes) -> None:
        """Write a file aside, sync it, link it to its name and sync that; see ``Objects``."""
        path = self._path / name
        with self._reaching(name):
            _make_folder(path.parent)
            temporary = path.parent / f"{os.getpid()}-{uuid.uuid4().hex}{TEMPORARY_SUFFIX}"
            try:
                with open(temporary, "xb", buffering=0) as file:
                    _write_all(file.fileno(), data)
                    os.fsync(file.fileno())
                try:
                    os.link(temporary, path)
                except FileExistsError:
                    raise ObjectExistsError(f"{path} exists already") from None
            finally:
                with contextlib.suppress(OSError):  # what stays is removed when it is old
                    os.unlink(temporary)
            _sync_folder(path.parent)

    def remove(self, name: str) -> None:
        """Remove a file, and beside it what dead writers left unfinished; see ``Objects``."""
        path = self._path / name
        with self._reaching(name):
            path.unlink(missing_ok=True)
            if not path.parent.is_dir():
                return
            for entry in list(os.scandir(path.parent)):
                if entry.name.endswith(TEMPORARY_SUFFIX):
                    with contextlib.suppress(FileNotFoundError):
                        if time.time() - entry.stat().st_mtime > ABANDONED_SECONDS:
                            os.unlink(entry.path)

    @contextlib.contextmanager
    def _reaching(self, name: str) -> Iterator[None]:
        path = self._path / name
        try:
            yield
        except FileNotFoundError as error:
            raise ObjectMissingError(f"{path} is missing") from error
        except OSError as error:
            hint = " (the file system must support hard links)" if error.errno in _NO_LINKS else ""
            raise StoreUnreachableError(f"{path}: {error.strerror or error}{hint}") from error


def _read_exactly(descriptor: int, start: int, length: int) -> bytes:
    parts: list[bytes] = []
    while length > 0:
        part = os.pread(descriptor, length, start)
        if not part:
            raise OSError(errno.EIO, "the file shrank while it was read")
        parts.append(part)
        start += len(part)
        length -= len(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _write_all(descriptor: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _make_folder(path: Path) -> None:
    """Create a folder and its parents so that they survive a power cut."""
    if path.is_dir():
        return
    if path.parent != path:
        _make_folder(path.parent)
    path.mkdir(exist_ok=True)
    _sync_folder(path.parent)


def _sync_folder(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
