"""The place of one worker: the process that has it now, and when the next one may come."""

from __future__ import annotations

import time

from stream_rcf.observe.workers import WorkerState
from stream_rcf.service.supervisor_process import WorkerProcess
from stream_rcf.service.supervisor_restarts import Restarts


class Slot:
    """Worker ``index``. Written by the supervisor's loop alone; ``state`` may be asked from any thread."""

    def __init__(self, index: int) -> None:
        self.index = index
        self.process: WorkerProcess | None = None
        self.is_heard = False  # whether the selector listens to it
        self.restarts_policy = Restarts()
        self.start_at = 0.0  # monotonic; not before
        self.kill_at: float | None = None  # monotonic; set when it was asked to end
        self.was_asked_to_end = False
        self._starts = 0
        self._why_down: str | None = None

    def begin(self, process: WorkerProcess) -> None:
        """A new process has the place."""
        self.process = process
        self.is_heard = True
        self._starts += 1
        self._why_down = None
        self.was_asked_to_end = False
        self.kill_at = None

    def end(self) -> float:
        """The process has ended; returns how old it became, in seconds."""
        if self.process is None:
            raise AssertionError(f"worker {self.index} does not run")
        process, self.process = self.process, None
        process.release()
        self.is_heard = False
        return time.monotonic() - process.began

    def wait_for_restart(self, why_down: str, delay: float) -> None:
        """Nobody has the place for ``delay`` seconds, because the last process ``why_down``."""
        self.start_at = time.monotonic() + delay
        self._why_down = why_down

    def cancel_restart(self) -> None:
        """Leave the place empty."""
        self._why_down = None

    def ask_to_end(self, patience: float) -> None:
        """Ask a running process to end in order, once; it may be killed ``patience`` seconds later."""
        if self.process is not None and not self.was_asked_to_end:
            self.was_asked_to_end = True
            self.kill_at = time.monotonic() + patience
            self.process.terminate()

    @property
    def next_deadline(self) -> float | None:
        """When the loop must look at this place again, on the monotonic clock."""
        if self.process is not None:
            return self.kill_at
        return self.start_at if self._why_down is not None else None

    def state(self) -> WorkerState:
        """How the worker stands."""
        process = self.process
        return WorkerState(
            index=self.index,
            port=None if process is None else process.link.port,
            restarts=max(0, self._starts - 1),
            why_down=self._why_down,
            seconds_since_start=None if process is None else time.monotonic() - process.began,
            is_ending=process is not None and self.was_asked_to_end,
        )
