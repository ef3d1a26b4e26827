"""How long a partition that was taken over takes to learn again what was already published, in the log."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

logger = logging.getLogger(__name__)

PROGRESS_SECONDS = 10.0  # between two lines about the same replay


@dataclass(slots=True)
class _Replay:
    began: float
    events: int  # to learn when it was first heard of
    next_line: float


class ReplayLog:
    """Told now and then how many events each partition has still to learn; says when they begin and when they end."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._replays: dict[tuple[str, int], _Replay] = {}

    def remaining(self, topic: str, partition: int, events: int) -> None:
        """Note what is left; 0 once the partition is live."""
        replay = self._replays.get((topic, partition))
        now = self._clock()
        if replay is None:
            if events:
                self._replays[topic, partition] = _Replay(now, events, now + PROGRESS_SECONDS)
                self._say("replaying what was already published", topic, partition, events=events)
        elif not events:
            seconds = round(now - replay.began, 1)
            self._say(
                "replayed; the partition is live", topic, partition, events=replay.events, seconds=seconds
            )
            self.forget(topic, partition)
        elif events > replay.events:  # it began anew
            replay.events = events
        elif now >= replay.next_line:
            replay.next_line = now + PROGRESS_SECONDS
            done = replay.events - events
            left = round((now - replay.began) * events / done) if done else None
            self._say("still replaying", topic, partition, events=events, seconds_left=left)

    def forget(self, topic: str, partition: int) -> None:
        """The partition is somebody else's now."""
        self._replays.pop((topic, partition), None)

    def _say(self, what: str, topic: str, partition: int, **facts: object) -> None:
        logger.info(what, extra={"context": {"topic": topic, "partition": partition, **facts}})
