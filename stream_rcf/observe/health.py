"""Whether the process lives and is ready, as its loop last said: written by one thread, asked by another."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import NamedTuple

TICK_LIMIT_SECONDS = (
    300.0  # what max.poll.interval.ms is by default: a loop that stands longer is put out of its group
)


class Answer(NamedTuple):
    """``ok`` decides the status; ``details`` tell a person why."""

    ok: bool
    details: dict[str, object]


class Health:
    """What a loop says of itself: ``ticked`` at each turn, its group and partitions when they change.

    ``tick_limit_seconds`` is how long one turn may take before the process counts as hanging, until ``allow`` says
    otherwise; ``clock`` is monotonic.
    """

    def __init__(
        self, tick_limit_seconds: float = TICK_LIMIT_SECONDS, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._tick_limit_seconds = tick_limit_seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._last_tick = clock()
        self._joined = False
        self._states: dict[str, str] = {}

    def allow(self, tick_limit_seconds: float) -> None:
        """Let one turn take so long: what the group allows is known later than that the process lives."""
        self._tick_limit_seconds = tick_limit_seconds

    def ticked(self) -> None:
        """Note that the loop turned."""
        self._last_tick = self._clock()

    def seconds_since_tick(self) -> float:
        """Tell how long ago the loop turned."""
        return self._clock() - self._last_tick

    def group_joined(self, joined: bool) -> None:
        """Note whether the group has given this process its share, which may be no partition at all."""
        with self._lock:
            self._joined = joined

    def partitions(self, states: Mapping[tuple[str, int], str]) -> None:
        """Note the state of every assigned partition, by topic and number; others are forgotten."""
        named = {f"{topic}[{number}]": state for (topic, number), state in states.items()}
        with self._lock:
            self._states = named

    def live(self) -> Answer:
        """Tell whether the loop turned within the limit."""
        seconds = self.seconds_since_tick()
        ok = seconds <= self._tick_limit_seconds
        details: dict[str, object] = {"live": ok, "seconds_since_tick": round(seconds, 3)}
        if not ok:
            limit = self._tick_limit_seconds
            details["reason"] = (
                f"the loop has not turned for {seconds:.0f} s, where {limit:.0f} s are allowed"
            )
        return Answer(ok, details)

    def ready(self) -> Answer:
        """Tell whether the group was joined and every assigned partition is live."""
        with self._lock:
            joined, states = self._joined, dict(self._states)
        waiting = sorted(name for name, state in states.items() if state != "live")
        ok = joined and not waiting
        details: dict[str, object] = {"ready": ok, "joined": joined, "partitions": states}
        if not joined:
            details["reason"] = "the consumer group has not been joined yet"
        elif waiting:
            details["reason"] = f"not live yet: {', '.join(waiting)}"
        return Answer(ok, details)
