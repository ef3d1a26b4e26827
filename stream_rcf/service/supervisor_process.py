"""One worker process: how it is started, what it has told, and how it is ended."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence

from stream_rcf.service.signals import WORKER_SIGNALS
from stream_rcf.service.supervisor_link import SupervisorLink
from stream_rcf.settings.model import Settings
from stream_rcf.settings.workers import settings_of_worker, settings_to_bytes

WORKER_ARGUMENT = "--supervised"  # internal: descriptor, supervisor's process id and number, joined by colons
SEND_SECONDS = 30.0  # for a worker to take its settings; more than fit the socket wait until it reads

CommandLine = Callable[[str], Sequence[str]]


def command_line(tie: str) -> list[str]:
    """Return this program once more, as a worker. ``tie`` names its socket; nothing secret stands on a command line."""
    # Without -P Python would look for the package in the current folder first, where this process did not.
    is_safe = not {"", os.getcwd()} & set(sys.path)
    return [
        sys.executable,
        *(["-P"] if is_safe else []),
        "-m",
        "stream_rcf",
        "run",
        f"{WORKER_ARGUMENT}={tie}",
    ]


class WorkerProcess:
    """A started worker, number ``index``. Starts no thread, so that the process may be a parent safely.

    The worker's signals are blocked until it has its handlers: an early SIGTERM waits, and ends it in order.
    """

    def __init__(self, settings: Settings, index: int, command: CommandLine = command_line) -> None:
        ours, theirs = socket.socketpair()
        blocked = signal.pthread_sigmask(signal.SIG_BLOCK, WORKER_SIGNALS)
        try:
            with theirs:
                self._process = subprocess.Popen(  # noqa: S603 -- our own command
                    command(f"{theirs.fileno()}:{os.getpid()}:{index}"),
                    stdin=subprocess.DEVNULL,
                    pass_fds=(theirs.fileno(),),
                )
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
        self.index = index
        self.began = time.monotonic()
        self._send(ours, settings_to_bytes(settings_of_worker(settings, index)))
        self.link = SupervisorLink(ours)

    def _send(self, end: socket.socket, document: bytes) -> None:
        end.settimeout(SEND_SECONDS)
        try:
            end.sendall(document + b"\n")
        except (ConnectionError, TimeoutError):
            self.kill()  # it died at once, or hangs: its end will be noticed like any other

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def exit_code(self) -> int | None:
        """How it ended: an exit code, minus a signal's number, or None while it runs."""
        return self._process.poll()

    def terminate(self) -> None:
        """Ask it to end in order: commit, checkpoint, leave the group."""
        self._process.terminate()

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()

    def release(self) -> None:
        """Free what it used, after its end."""
        self.link.close()


def describe_end(code: int) -> str:
    """Say how a process ended."""
    if code < 0:
        try:
            return f"was ended by {signal.Signals(-code).name}"
        except ValueError:
            return f"was ended by signal {-code}"
    if code == 0:
        return "ended in order, though nobody asked it to here"
    meanings = {2: "its settings or their surroundings are wrong", 3: "an outside part is unreachable"}
    return f"ended with exit code {code}: {meanings.get(code, 'it failed')}; its last lines say why"
