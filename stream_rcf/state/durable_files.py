"""Files that appear whole and survive a power cut: written aside, synced, then linked to a free name.

A writer holds a lock on what it is writing. The operating system drops the lock when the process dies, so
whoever tidies up can tell a dead writer's remains from a living writer's work.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import uuid
from collections.abc import Iterator
from pathlib import Path

TEMPORARY_SUFFIX = ".writing"
_BUFFER_BYTES = 2**20  # one system call for many small frames


class NewFile:
    """A file under a temporary name, locked, until ``publish`` gives it its own name.

    The lock lasts until ``close``, also after publishing: a segment is nobody's yet until a manifest names
    it. All methods raise ``OSError`` as the operating system does.
    """

    def __init__(self, folder: Path) -> None:
        self.published: Path | None = None
        self._temporary = folder / f"{os.getpid()}-{uuid.uuid4().hex}{TEMPORARY_SUFFIX}"
        self.file = open(self._temporary, "xb", buffering=_BUFFER_BYTES)  # noqa: SIM115 - it outlives this method
        try:
            fcntl.flock(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self.close()
            raise

    def sync(self) -> None:
        """Bring everything written so far to the disk."""
        self.file.flush()
        os.fsync(self.file.fileno())

    def publish(self, path: Path) -> None:
        """Give the synced file its name and make the name durable.

        ``FileExistsError`` if the name is taken. ``published`` is set as soon as others can see the file,
        also when making the name durable fails afterwards.
        """
        os.link(self._temporary, path)
        self.published = path
        os.unlink(self._temporary)
        sync_folder(path.parent)

    def close(self) -> None:
        """Release the lock and remove the temporary name if it is still there. May be called twice."""
        try:
            self._temporary.unlink(missing_ok=True)
        finally:
            with contextlib.suppress(
                OSError
            ):  # a published file was synced before; the rest of another is unwanted
                self.file.close()


@contextlib.contextmanager
def lock_if_abandoned(path: Path) -> Iterator[bool]:
    """Hold the lock of a file whose writer is gone; false while its writer lives, or if there is none."""
    try:
        descriptor = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        yield False
        return
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            locked = True
        except BlockingIOError:
            locked = False
        yield locked
    finally:
        os.close(descriptor)


def make_folder(path: Path) -> None:
    """Create a folder and its parents so that they survive a power cut. Raises ``OSError``."""
    if path.is_dir():
        return
    if path.parent != path:
        make_folder(path.parent)
    path.mkdir(exist_ok=True)
    sync_folder(path.parent)


def sync_folder(path: Path) -> None:
    """Make names created in or removed from a folder durable. Raises ``OSError``."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
