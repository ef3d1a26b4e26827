"""SIGTERM and SIGINT set a flag; the loop notices it between two batches and ends in order."""

from __future__ import annotations

import signal
from types import FrameType


class StopFlag:
    """True once the process was asked to stop. A second signal of the kind ends it at once."""

    def __init__(self) -> None:
        self._is_set = False

    def __call__(self) -> bool:
        """Whether the end was asked for."""
        return self._is_set

    def set(self) -> None:
        """Ask for the end."""
        self._is_set = True

    def listen(self) -> None:
        """Take over SIGTERM and SIGINT; only the main thread may."""
        signal.signal(signal.SIGTERM, self._on_signal)
        signal.signal(signal.SIGINT, self._on_signal)

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        self._is_set = True
        signal.signal(number, signal.SIG_DFL)
