"""Work in a thread beside the display; what it raises is raised where somebody waits for it."""

from __future__ import annotations

import threading
from collections.abc import Callable


class Background:
    """Runs ``work(should_stop)`` in a thread until ``stop``.

    ``check`` raises what the work raised, and so does ``stop``, which waits for the end.
    """

    def __init__(self, name: str, work: Callable[[Callable[[], bool]], None]) -> None:
        self._name = name
        self._work = work
        self._stop = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._work(self._stop.is_set)
        except BaseException as failure:  # noqa: BLE001 -- raised again by check or stop
            self._failure = failure

    def check(self) -> None:
        """Raise what ended the work, if anything did."""
        if self._failure is not None:
            raise self._failure

    def abandon(self, seconds: float) -> None:
        """Ask the work to end and wait a little; for when something else has failed already, which is what counts."""
        self._stop.set()
        self._thread.join(seconds)

    def stop(self, seconds: float) -> None:
        """Ask the work to end and wait. Raises ``TimeoutError`` when it does not end in time."""
        self._stop.set()
        self._thread.join(seconds)
        if self._thread.is_alive():
            raise TimeoutError(f"the {self._name} did not end within {seconds:g} s")
        self.check()
