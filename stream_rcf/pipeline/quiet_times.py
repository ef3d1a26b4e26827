"""When a rule lets nothing through: hours of the week, and spans of time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from stream_rcf.local_time import MINUTES_PER_DAY, MINUTES_PER_WEEK, local_time


class BatchTimes:
    """The times of a batch's events; what rules ask of them is worked out once."""

    def __init__(self, timestamps: np.ndarray) -> None:
        """``timestamps`` are epoch ms, (m,) int64, within the years 1970 to 2099."""
        self.timestamps = timestamps
        self._minutes: dict[str, np.ndarray] = {}

    def minutes_of_week(self, time_zone: str) -> np.ndarray:
        """The local minute since Monday 00:00, by event."""
        minutes = self._minutes.get(time_zone)
        if minutes is None:
            minutes = self._minutes[time_zone] = local_time(time_zone).minutes_of_week(self.timestamps)
        return minutes


class QuietTimes(Protocol):
    """A set of moments; threads may not share it."""

    def covers(self, times: BatchTimes, rows: np.ndarray) -> np.ndarray:
        """Tell for each event of ``rows`` (indices into the batch) whether its time is in the set: (k,) bool."""


@dataclass(frozen=True)
class WeeklyWindow:
    """Some hours on some days of the week.

    ``begin`` and ``end`` are local minutes since midnight, the end exclusive and up to 1,440. An end that is no later
    than the begin is on the next day; ``days`` (Monday is 0) are those on which the window begins.
    """

    days: tuple[int, ...]
    begin: int
    end: int
    time_zone: str


class WeeklyTimes:
    """The union of windows.

    What the clock on the wall says decides: an hour that the clock skips is in no window, one that it shows twice is
    in its windows twice.
    """

    def __init__(self, windows: Sequence[WeeklyWindow]) -> None:
        self._minutes: dict[str, np.ndarray] = {}  # by zone: whether the minute of the week is in a window
        for window in windows:
            local_time(window.time_zone)  # worked out before there are events that wait for it
            minutes = self._minutes.setdefault(window.time_zone, np.zeros(MINUTES_PER_WEEK, np.bool_))
            length = window.end - window.begin + (MINUTES_PER_DAY if window.end <= window.begin else 0)
            for day in window.days:
                begin = day * MINUTES_PER_DAY + window.begin
                minutes[np.arange(begin, begin + length) % MINUTES_PER_WEEK] = True

    def covers(self, times: BatchTimes, rows: np.ndarray) -> np.ndarray:
        """Tell for each event of ``rows`` whether its local time is in a window."""
        covered = np.zeros(len(rows), np.bool_)
        for time_zone, minutes in self._minutes.items():
            covered |= minutes[times.minutes_of_week(time_zone)[rows]]
        return covered


class Spans:
    """The union of spans of time, their ends exclusive, in epoch ms."""

    def __init__(self, spans: Iterable[tuple[int, int]]) -> None:
        self._edges = edges_of(spans)

    def covers(self, times: BatchTimes, rows: np.ndarray) -> np.ndarray:
        """Tell for each event of ``rows`` whether its time is in a span."""
        return within(self._edges, times.timestamps[rows])


def edges_of(spans: Iterable[tuple[int, int]]) -> np.ndarray:
    """Return where the union of the spans begins and ends by turns, ascending: (2k,) int64."""
    edges: list[int] = []
    for begin, end in sorted(span for span in spans if span[0] < span[1]):
        if edges and begin <= edges[-1]:
            edges[-1] = max(edges[-1], end)
        else:
            edges += (begin, end)
    return np.array(edges, np.int64)


def within(edges: np.ndarray, timestamps: np.ndarray) -> np.ndarray:
    """Tell for each time whether it lies in the union whose ``edges`` these are."""
    covered: np.ndarray = np.searchsorted(edges, timestamps, side="right") % 2 == 1
    return covered
