"""The supervisor's signals as events of its loop: handlers do nothing, the numbers come over a socket."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any

HEARD = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)


class SignalEvents:
    """Listens while the ``with`` block lasts; main thread only. ``fileno`` is for a selector.

    SIGHUP asks for a rolling restart, but also comes when a terminal is closed: ``is_terminal_gone`` tells which.
    Where it was ignored at the start (``nohup``) it stays so.
    """

    def __init__(self) -> None:
        self._had_terminal = _has_terminal()
        self._ours, self._theirs = socket.socketpair()
        self._ours.setblocking(False)
        self._theirs.setblocking(False)
        self._former: dict[signal.Signals, Callable[[int, FrameType | None], Any] | int | None] = {}
        self._former_descriptor = -1

    def __enter__(self) -> SignalEvents:
        self._former_descriptor = signal.set_wakeup_fd(self._theirs.fileno(), warn_on_full_buffer=False)
        for number in HEARD:
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
                self._former[number] = signal.signal(number, _ignore)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._former.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._former_descriptor)
        self._ours.close()
        self._theirs.close()

    def fileno(self) -> int:
        """Readable when a signal has come."""
        return self._ours.fileno()

    def take(self) -> list[signal.Signals]:
        """The signals since the last call, in order; SIGCHLD among them only says to look."""
        try:
            return [signal.Signals(number) for number in self._ours.recv(4096)]
        except BlockingIOError:
            return []

    def is_terminal_gone(self) -> bool:
        """Whether there was a terminal at the start, and it was closed since."""
        return self._had_terminal and not _has_terminal()


def _has_terminal() -> bool:
    try:
        os.close(os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY))
    except OSError:
        return False
    return True


def _ignore(_number: int, _frame: FrameType | None) -> None:
    """Only a signal with a handler reaches the socket."""
