"""What checkpoints are kept in: immutable objects with names, in a folder or in a bucket.

Nothing else is asked of a store than that an object appears whole or not at all, that a name which is taken stays so,
and that what was created can be read at once. A listing may lag behind: nobody relies on it alone.
"""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from typing import Protocol

from stream_rcf.errors import CheckpointError, UnreachableError


class ObjectMissingError(CheckpointError):
    """No object has that name, or it was removed meanwhile."""


class ObjectExistsError(CheckpointError):
    """The name is taken: somebody else was quicker."""


class StoreUnreachableError(UnreachableError):
    """The store does not answer, refuses us, or is full. What was asked may work later."""


class Objects(Protocol):
    """Objects under one root. Names are relative, their parts separated by ``/``. All methods are for any thread.

    Any method may raise ``StoreUnreachableError``, whose sentence says what was tried and never holds a credential.
    """

    @property
    def root(self) -> str:
        """The root for messages, without credentials."""

    def list(self, folder: str) -> builtins.list[str]:
        """Names of the objects right in ``folder``, without the folder, in no promised order; of no folder, none."""

    def folders(self, folder: str) -> builtins.list[str]:
        """Names of the folders right in ``folder``; ``""`` is the root."""

    def read(self, name: str, most: int) -> bytes:
        """The whole object. ``ObjectMissingError``; ``CheckpointError`` where it has more than ``most`` bytes."""

    def read_ranges(self, name: str, ranges: Sequence[tuple[int, int]]) -> builtins.list[bytes]:
        """The bytes from start to end (exclusive) of each range, in order.

        ``ObjectMissingError``; ``CheckpointError`` where the object ends before a range does.
        """

    def create(self, name: str, data: bytes) -> None:
        """Make a durable object, whole, under a free name. ``ObjectExistsError`` where the name is taken."""

    def remove(self, name: str) -> None:
        """Remove an object; one that is gone already is no error."""
