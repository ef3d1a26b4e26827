"""What ties a worker to its supervisor: one socket pair, which carries settings down and a few facts up.

Each fact is one line of JSON. The socket ends when either process does, however it dies, and the other one notices.
"""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable

import orjson

from stream_rcf.errors import UnreachableError
from stream_rcf.settings.model import Settings
from stream_rcf.settings.workers import settings_from_bytes

PDEATHSIG = 1  # of Linux's prctl
CHUNK = 65_536  # bytes read at once


class WorkerLink:
    """The worker's end. ``descriptor`` is the socket's, ``supervisor`` the process id of who made it.

    Raises ``UnreachableError`` from ``settings`` when the supervisor died before it sent them.
    """

    def __init__(self, descriptor: int, supervisor: int) -> None:
        self._socket = socket.socket(fileno=descriptor)
        self._socket.set_inheritable(False)
        self._supervisor = supervisor

    def settings(self) -> Settings:
        """Wait for the settings, which come first."""
        received = bytearray()
        while not received.endswith(b"\n"):
            chunk = self._socket.recv(CHUNK)
            if not chunk:
                raise UnreachableError("the supervising process ended before it sent the settings")
            received += chunk
        return settings_from_bytes(bytes(received))

    def watch(self, on_end: Callable[[], None]) -> None:
        """Call ``on_end`` from a thread when the supervisor has died; on Linux SIGTERM comes too.

        The signal reaches a process that has not come to its loop yet, and the thread works everywhere.
        """
        _ask_for_signal_at_parents_death()

        def wait() -> None:
            try:
                while self._socket.recv(CHUNK):
                    pass
            except ConnectionError:
                pass  # the same end, while a fact was on its way
            on_end()

        threading.Thread(target=wait, name="supervisor-link", daemon=True).start()
        if os.getppid() != self._supervisor:
            on_end()  # it died before it was watched

    def listening(self, port: int) -> None:
        """Tell where this worker's endpoints answer."""
        self._tell({"port": port})

    def kernels_ready(self) -> None:
        """Tell that the kernels are compiled, so that the other workers find them."""
        self._tell({"kernels_ready": True})

    def _tell(self, fact: dict[str, object]) -> None:
        try:
            self._socket.sendall(orjson.dumps(fact) + b"\n")
        except ConnectionError:
            return  # the supervisor died: the watching thread ends this process in order


class SupervisorLink:
    """The supervisor's end: the facts that one worker has told so far. Never waits."""

    def __init__(self, end: socket.socket) -> None:
        self._socket = end
        self._socket.setblocking(False)
        self._received = b""
        self.port: int | None = None  # where the worker's endpoints answer
        self.are_kernels_ready = False

    def fileno(self) -> int:
        """The descriptor, for a selector."""
        return self._socket.fileno()

    def receive(self) -> bool:
        """Take in what has come; False when the worker has closed its end."""
        while True:
            try:
                chunk = self._socket.recv(CHUNK)
            except BlockingIOError:
                return True
            except ConnectionError:
                return False
            if not chunk:
                return False
            *lines, self._received = (self._received + chunk).split(b"\n")
            for line in lines:
                fact = orjson.loads(line)
                self.port = fact.get("port", self.port)
                self.are_kernels_ready = fact.get("kernels_ready", self.are_kernels_ready)

    def close(self) -> None:
        """Let the worker go; a living one ends in order."""
        self._socket.close()


def _ask_for_signal_at_parents_death() -> None:
    """Have SIGTERM sent when the parent dies, where the system can."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PDEATHSIG, signal.SIGTERM, 0, 0, 0)
