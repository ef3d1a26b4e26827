"""Quiet times from an iCalendar file: what stands in it is no time for alerts.

Its events, with their recurrences, exceptions and time zones, are laid out year by year, each year when the first event
of the stream falls in it. Only ``icalendar`` and ``recurring_ical_events`` know the format; they come with the extra
``calendar``.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from stream_rcf.pipeline.calendar_limits import CalendarError, check_events, check_text
from stream_rcf.pipeline.quiet_times import BatchTimes, edges_of, within
from stream_rcf.time_zones import MILLISECONDS_PER_SECOND

# Of a year on both sides: a day without a zone begins up to 14 hours from that of UTC.
MARGIN = timedelta(days=2)
FIRST_YEAR = 1970  # of numpy's years
EVENT_YEARS = set(range(1970, 2100))


class QuietCalendar:
    """The moments that lie within an event of an iCalendar file: any that is not cancelled, "free" ones too."""

    def __init__(self, content: bytes, time_zone: str = "") -> None:
        """``content`` is the file's. ``time_zone`` is that of whole days and of times without one.

        Empty: the calendar's own (X-WR-TIMEZONE), or UTC. Raises ``CalendarError`` where it is no calendar, or one that
        would take too long to lay out.
        """
        icalendar, recurring = _libraries()
        check_text(content)
        with _in_words():
            calendar = icalendar.Calendar.from_ical(content)
            if calendar.name != "VCALENDAR":
                raise CalendarError("must be an iCalendar file, which begins with BEGIN:VCALENDAR")
            events = list(calendar.walk("VEVENT"))
            check_events(events)
            begun = {event.start.year for event in events} & EVENT_YEARS
            self._zone = _zone(time_zone or str(calendar.get("X-WR-TIMEZONE", "UTC")))
            self._query: Any = recurring.of(calendar, components=["VEVENT"])
        self._years: dict[int, np.ndarray] = {}  # at most 130, the years that events have
        # What is wrong with an event shows where it is laid out, so that no event of a stream is the first to see it.
        for year in {min(begun), max(begun)} if begun else ():
            self._edges(year)

    def covers(self, times: BatchTimes, rows: np.ndarray) -> np.ndarray:
        """Tell for each event of ``rows`` whether its time lies within an event of the calendar."""
        moments = times.timestamps[rows]
        years = moments.astype("datetime64[ms]").astype("datetime64[Y]").astype(np.int64) + FIRST_YEAR
        covered = np.zeros(len(rows), np.bool_)
        for year in np.unique(years).tolist():
            of_year = years == year
            covered[of_year] = within(self._edges(year), moments[of_year])
        return covered

    def _edges(self, year: int) -> np.ndarray:
        edges = self._years.get(year)
        if edges is None:
            edges = self._years[year] = edges_of(self._spans(year))
        return edges

    def _spans(self, year: int) -> Iterator[tuple[int, int]]:
        """Begin and end, in epoch ms, of every occurrence that touches the year in UTC, and of some beside it."""
        utc = ZoneInfo("UTC")
        begin = datetime(year, 1, 1, tzinfo=utc) - MARGIN
        end = datetime(year + 1, 1, 1, tzinfo=utc) + MARGIN
        with _in_words():
            for event in self._query.between(begin, end):
                if str(event.get("STATUS", "")).upper() != "CANCELLED":
                    yield self._milliseconds(event.start), self._milliseconds(event.end)

    def _milliseconds(self, moment: date) -> int:
        if not isinstance(moment, datetime):
            moment = datetime(moment.year, moment.month, moment.day, tzinfo=self._zone)
        elif moment.tzinfo is None:
            moment = moment.replace(tzinfo=self._zone)
        return round(moment.timestamp() * MILLISECONDS_PER_SECOND)


@lru_cache(maxsize=64)
def quiet_calendar(content: bytes, time_zone: str) -> QuietCalendar:
    """Return the same calendar for the same content: laying it out takes time."""
    return QuietCalendar(content, time_zone)


def _libraries() -> tuple[Any, Any]:
    try:
        import icalendar
        import recurring_ical_events
    except ImportError as error:
        raise CalendarError(
            f"reading it needs a package that is not installed ({error.name}): pip install 'stream-rcf[calendar]'"
        ) from error
    return icalendar, recurring_ical_events


def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, LookupError) as error:
        raise CalendarError(f"must have a time zone that is known, not X-WR-TIMEZONE:{name}") from error


@contextmanager
def _in_words() -> Iterator[None]:
    """Turn what the libraries raise about a calendar into ``CalendarError``."""
    try:
        yield
    except CalendarError:
        raise
    except (ValueError, LookupError, ArithmeticError, TypeError, AttributeError) as error:
        raise CalendarError(f"must be an iCalendar file that can be laid out, but {_told(error)}") from error


def _told(error: Exception) -> str:
    """The library's words, in one line of bounded length."""
    words = " ".join(str(error).split()) or type(error).__name__
    return words if len(words) <= 200 else words[:200] + "..."
