"""What the clock on the wall says in a time zone, for many moments at once."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np

from stream_rcf.time_zones import EARLIEST, LATEST, MILLISECONDS_PER_SECOND

MILLISECONDS_PER_MINUTE = 60_000
MINUTES_PER_DAY = 1_440
MINUTES_PER_WEEK = 7 * MINUTES_PER_DAY
THURSDAY = 3  # of a week that begins on Monday: 1970 began on one
_SECONDS_PER_DAY = 86_400


class LocalTime:
    """The local time of one zone from 1970 to 2099, the years that events have.

    Holds the moments at which the zone's distance from UTC changes. One look a day finds them all: no zone has changed
    twice within six days since 1970.
    """

    def __init__(self, name: str) -> None:
        """``name`` is one of the IANA's, such as Europe/Berlin."""
        zone = ZoneInfo(name)
        changes = [(EARLIEST // MILLISECONDS_PER_SECOND, _offset(zone, 0))]
        for day in range(_SECONDS_PER_DAY, LATEST // MILLISECONDS_PER_SECOND, _SECONDS_PER_DAY):
            offset = _offset(zone, day)
            if offset != changes[-1][1]:
                changes.append((_change(zone, day - _SECONDS_PER_DAY, day), offset))
        # (n,) epoch ms, ascending; (n,) ms: from each of them on the zone's clocks are so far ahead of UTC
        self.since = np.array([second for second, _ in changes], np.int64) * MILLISECONDS_PER_SECOND
        self.offsets = np.array([offset for _, offset in changes], np.int64) * MILLISECONDS_PER_SECOND

    def since_monday(self, timestamps: np.ndarray) -> np.ndarray:
        """Return, for each moment in epoch ms, the local milliseconds since Monday 00:00."""
        change = np.searchsorted(self.since, timestamps, side="right") - 1
        local = timestamps + self.offsets[np.maximum(change, 0)]
        found: np.ndarray = (local + THURSDAY * MINUTES_PER_DAY * MILLISECONDS_PER_MINUTE) % (
            MINUTES_PER_WEEK * MILLISECONDS_PER_MINUTE
        )
        return found

    def minutes_of_week(self, timestamps: np.ndarray) -> np.ndarray:
        """Return, for each moment in epoch ms, the local minute since Monday 00:00, 0 to 10,079."""
        minutes: np.ndarray = self.since_monday(timestamps) // MILLISECONDS_PER_MINUTE
        return minutes


@lru_cache(maxsize=1024)  # more than there are zones
def local_time(name: str) -> LocalTime:
    """Return the zone's local time; the first time it takes some 50 ms."""
    return LocalTime(name)


def _offset(zone: ZoneInfo, second: int) -> int:
    """How far the zone's clocks are ahead of UTC, in seconds."""
    offset = datetime.fromtimestamp(second, zone).utcoffset()
    return 0 if offset is None else offset.days * _SECONDS_PER_DAY + offset.seconds


def _change(zone: ZoneInfo, before: int, after: int) -> int:
    """The first second of another offset than that of ``before``; there is one up to ``after``."""
    offset = _offset(zone, before)
    while after - before > 1:
        middle = (before + after) // 2
        if _offset(zone, middle) == offset:
            before = middle
        else:
            after = middle
    return after
