"""A name for this process that is unique while it lives and the same after a crash.

The transactional id must be unique, or two processes fence each other; and it should come back after a crash, so that
the broker aborts the leftover transaction at once instead of after its time-out. A locked file gives both: the
operating system frees the lock of a dead process.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import socket
from pathlib import Path
from types import TracebackType

from stream_rcf.errors import UnreachableError

MOST_INSTANCES = 1024  # on one host, for one group: beyond this something else is wrong


class Instance:
    """The lowest free number among this host's members of a group, held until the process ends."""

    def __init__(self, folder: Path, group: str) -> None:
        self._group = group
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self.number, self._descriptor = self._claim(folder)
        except OSError as error:
            raise UnreachableError(
                f"cannot lock an instance number in {folder}: {error}. Make the folder writable, or "
                "set kafka.transactional_id to a name that no other process uses"
            ) from None

    def _claim(self, folder: Path) -> tuple[int, int]:
        # Of this group alone: members of others come and go, and would change the number of one that is restarted.
        group = hashlib.blake2b(self._group.encode("utf-8"), digest_size=8).hexdigest()
        for number in range(MOST_INSTANCES):
            path = folder / f"{socket.gethostname()}-{group}-{number}.lock"
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return number, descriptor
            except BlockingIOError:
                os.close(descriptor)
        raise UnreachableError(f"{MOST_INSTANCES} processes of this host already hold a lock in {folder}")

    @property
    def transactional_id(self) -> str:
        """Unique to the living, and this process's again after a crash."""
        return f"{self._group}-{socket.gethostname()}-{self.number}"

    def __enter__(self) -> Instance:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._descriptor)
