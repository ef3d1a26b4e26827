"""Objects in memory, and objects that a test watches, holds and lets fail."""

from __future__ import annotations

import builtins
import threading
from collections.abc import Callable, Sequence

from stream_rcf.errors import CheckpointError
from stream_rcf.state.objects import ObjectExistsError, ObjectMissingError, Objects

PATIENCE_SECONDS = 20.0  # far more than anything takes; reached only by a hang


class MemoryObjects:
    """``Objects`` in a dictionary."""

    def __init__(self) -> None:
        self.content: dict[str, bytes] = {}
        self._lock = threading.Lock()

    @property
    def root(self) -> str:
        return "memory"

    def _below(self, folder: str) -> builtins.list[str]:
        start = f"{folder}/" if folder else ""
        with self._lock:
            return [name[len(start) :] for name in self.content if name.startswith(start)]

    def list(self, folder: str) -> builtins.list[str]:
        return [name for name in self._below(folder) if "/" not in name]

    def folders(self, folder: str) -> builtins.list[str]:
        return list(dict.fromkeys(name.split("/")[0] for name in self._below(folder) if "/" in name))

    def read(self, name: str, most: int) -> bytes:
        with self._lock:
            if name not in self.content:
                raise ObjectMissingError(f"memory/{name} is missing")
            data = self.content[name]
        if len(data) > most:
            raise CheckpointError(f"memory/{name} is corrupt: more than {most} bytes")
        return data

    def read_ranges(self, name: str, ranges: Sequence[tuple[int, int]]) -> builtins.list[bytes]:
        data = self.read(name, 2**62)
        if any(not 0 <= start <= end <= len(data) for start, end in ranges):
            raise CheckpointError(f"memory/{name} is corrupt: it has {len(data)} bytes only")
        return [data[start:end] for start, end in ranges]

    def create(self, name: str, data: bytes) -> None:
        with self._lock:
            if name in self.content:
                raise ObjectExistsError(f"memory/{name} exists already")
            self.content[name] = data

    def remove(self, name: str) -> None:
        with self._lock:
            self.content.pop(name, None)


class WatchedObjects:
    """Hands all on to other objects, after ``before`` was told the method and the name; it may raise or wait.

    ``calls`` are those that were told. Names in ``unlisted`` are there, but no listing shows them yet.
    """

    def __init__(self, inner: Objects) -> None:
        self.inner = inner
        self.before: Callable[[str, str], None] = lambda method, name: None
        self.after: Callable[[str, str], None] = lambda method, name: None
        self.calls: list[tuple[str, str]] = []
        self.unlisted: set[str] = set()

    def _told(self, method: str, name: str) -> None:
        self.calls.append((method, name))
        self.before(method, name)

    @property
    def root(self) -> str:
        return self.inner.root

    def list(self, folder: str) -> builtins.list[str]:
        self._told("list", folder)
        return [name for name in self.inner.list(folder) if name not in self.unlisted]

    def folders(self, folder: str) -> builtins.list[str]:
        self._told("folders", folder)
        return self.inner.folders(folder)

    def read(self, name: str, most: int) -> bytes:
        self._told("read", name)
        return self.inner.read(name, most)

    def read_ranges(self, name: str, ranges: Sequence[tuple[int, int]]) -> builtins.list[bytes]:
        self._told("read_ranges", name)
        return self.inner.read_ranges(name, ranges)

    def create(self, name: str, data: bytes) -> None:
        self._told("create", name)
        self.inner.create(name, data)
        self.after("create", name)

    def remove(self, name: str) -> None:
        self._told("remove", name)
        self.inner.remove(name)


class Gate:
    """For ``before``: those calls that it is for wait while it is closed."""

    def __init__(self, *methods: str) -> None:
        self._methods = methods
        self._open = threading.Event()
        self._open.set()
        self.reached = threading.Event()  # a call waits, or waited

    def close(self) -> None:
        self._open.clear()

    def open(self) -> None:
        self._open.set()

    def __call__(self, method: str, name: str) -> None:
        if method in self._methods and not self._open.is_set():
            self.reached.set()
            assert self._open.wait(PATIENCE_SECONDS), "the test never opened the gate"
