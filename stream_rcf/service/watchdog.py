"""Ends the process when a client call hangs: some take no time-out, and no signal reaches Python inside one.

``commit`` of a consumer and ``send_offsets_to_transaction`` (librdkafka #5456) wait for as long as a broker
hangs. Ending is safe at any moment, since the next owner restores from checkpoint and input; waiting is not, since
the group gives the partitions to nobody while this member seems alive.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable
from types import TracebackType

logger = logging.getLogger(__name__)

# Of max.poll.interval.ms, without a turn of the loop: just before it puts us out of the group.
STALL_SHARE = 0.93
LEAST_STALL_SECONDS = 90.0  # longer than any call that has a time-out, several of them in one turn included
STOP_SECONDS = 90.0  # from the request to stop: flush, commit and the last checkpoints, each bounded by 30 s
LOOK_SECONDS = 1.0  # between two looks
EXIT_CODE = 1


def stall_seconds(max_poll_seconds: float) -> float:
    """How long the loop may stand still where the group allows ``max_poll_seconds``."""
    return max(LEAST_STALL_SECONDS, max_poll_seconds * STALL_SHARE)


class Watchdog:
    """A thread that looks at the loop from outside while the ``with`` block lasts.

    ``seconds_since_turn`` tells how long ago the loop turned. ``end`` ends the process; tests put their own there.
    """

    def __init__(
        self,
        seconds_since_turn: Callable[[], float],
        should_stop: Callable[[], bool],
        stall_seconds: float,
        stop_seconds: float = STOP_SECONDS,
        look_seconds: float = LOOK_SECONDS,
        end: Callable[[int], None] = os._exit,
    ) -> None:
        self._seconds_since_turn = seconds_since_turn
        self._should_stop = should_stop
        self._stall_seconds = stall_seconds
        self._stop_seconds = stop_seconds
        self._look_seconds = look_seconds
        self._end = end
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)

    def __enter__(self) -> Watchdog:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_over.set()
        self._thread.join()

    def _watch(self) -> None:
        stop_seen: float | None = None
        while not self._is_over.wait(self._look_seconds):
            if self._should_stop():
                stop_seen = stop_seen or time.monotonic()
                if time.monotonic() - stop_seen > self._stop_seconds:
                    self._give_up(f"no end {self._stop_seconds:.0f} s after the request to stop")
                    return
            elif self._seconds_since_turn() > self._stall_seconds:
                self._give_up(f"the loop has not turned for {self._stall_seconds:.0f} s: a call hangs")
                return

    def _give_up(self, why: str) -> None:
        logger.critical("%s; ending the process, its partitions go to the next owner", why)
        logging.shutdown()
        self._end(EXIT_CODE)
