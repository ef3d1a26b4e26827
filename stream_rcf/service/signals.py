"""SIGTERM and SIGINT set a flag; the loop notices it between two batches and ends in order."""

from __future__ import annotations

import signal
from types import FrameType

# What a worker's supervisor deals with in its place; blocked in a new worker until it has said so.
WORKER_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class StopFlag:
    """True once the process was asked to stop."""

    def __init__(self) -> None:
        self._is_set = False

    def __call__(self) -> bool:
        """Whether the end was asked for."""
        return self._is_set

    def set(self) -> None:
        """Ask for the end."""
        self._is_set = True

    def listen(self) -> None:
        """Take over SIGTERM and SIGINT; only the main thread may. A second signal of the kind ends it at once."""
        signal.signal(signal.SIGTERM, self._on_signal)
        signal.signal(signal.SIGINT, self._on_signal)

    def listen_as_worker(self) -> None:
        """Take over SIGTERM alone: what a terminal sends to all is the supervisor's business. Main thread only.

        A second SIGTERM ends nothing at once: systemd sends one to every process of a service, beside ours.
        """
        signal.signal(signal.SIGTERM, self._on_any_signal)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, WORKER_SIGNALS)

    def _on_any_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._is_set = True

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        self._is_set = True
        signal.signal(number, signal.SIG_DFL)
