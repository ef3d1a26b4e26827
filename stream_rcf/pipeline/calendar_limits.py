"""What a calendar may ask of us: recurrences are endless, and some are found only after millions of steps."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

MAX_BYTES = 2**20  # of a calendar file; the parser reads about 300 kB a second
EARLIEST_YEAR, LATEST_YEAR = 1900, 2200  # in which a recurrence may begin: it is stepped through from there
# Of all recurring events together: a year is laid out in some 3 seconds, once.
MAX_OCCURRENCES_A_YEAR = 20_000
TOO_FREQUENT = re.compile(rb"^RRULE\b.*\bFREQ=(SECONDLY|MINUTELY|HOURLY)\b", re.MULTILINE | re.IGNORECASE)
# A time zone's own rules are stepped through while the file is parsed, from as early as 1601.
ZONE = re.compile(rb"^BEGIN:VTIMEZONE.*?(?:^END:VTIMEZONE|\Z)", re.MULTILINE | re.DOTALL | re.IGNORECASE)
ZONE_RULE = re.compile(rb"^RRULE:(?!.*\bBY(?:HOUR|MINUTE|SECOND)=).*\bFREQ=YEARLY\b", re.IGNORECASE)
# Which dateutil would step through forever.
NO_INTERVAL = re.compile(rb"^RRULE\b.*\bINTERVAL=(-[^;\r\n]*|\+?0+\b)", re.MULTILINE | re.IGNORECASE)
FOLD = re.compile(rb"\r?\n[ \t]")  # how iCalendar continues a line
TIMES = {"DTSTART", "DTEND", "DURATION", "RRULE", "RDATE", "EXDATE", "RECURRENCE-ID", "STATUS"}
WEEKS_A_YEAR, MONTHS_A_YEAR, DAYS_A_YEAR = 53, 12, 366
WEEKDAYS_A_MONTH = 5  # of one kind, at most


class CalendarError(ValueError):
    """A calendar that cannot be used; the message completes the sentence "the calendar ..."."""


def check_text(content: bytes) -> None:
    """Raise ``CalendarError`` for a file whose parsing alone might take too long."""
    if len(content) > MAX_BYTES:
        raise CalendarError(f"must have at most {MAX_BYTES} bytes")
    unfolded = FOLD.sub(b"", content)
    if NO_INTERVAL.search(unfolded) is not None:
        raise CalendarError("must have recurrences with an INTERVAL of at least 1")
    found = TOO_FREQUENT.search(unfolded)
    if found is not None:
        frequency = found[1].decode().upper()
        raise CalendarError(
            f"must recur by the day or more slowly, not FREQ={frequency}: write the hours as FREQ=DAILY;BYHOUR=..."
        )
    for zone in ZONE.findall(unfolded):
        for line in zone.splitlines():
            if line.upper().startswith(b"RRULE") and ZONE_RULE.match(line) is None:
                raise CalendarError(
                    "must have time zones whose clocks change by the year: VTIMEZONE with FREQ=YEARLY"
                )


def check_events(events: Sequence[Any]) -> None:
    """Raise ``CalendarError`` for events without a time or in an unknown zone, and for too many recurrences."""
    a_year = 0
    for event in events:
        _check_readable(event)
        _check_time(event)
        for rule in event.rrules:
            a_year += _occurrences_a_year(event, rule)
            _check_occurs(event, rule)
    if a_year > MAX_OCCURRENCES_A_YEAR:
        raise CalendarError(
            f"must have at most {MAX_OCCURRENCES_A_YEAR} recurrences a year in all, not {a_year}"
        )


def _check_readable(event: Any) -> None:
    """Raise for what the parser could not read and left out, where the times depend on it."""
    for name, words in event.errors:
        if name is None or str(name).upper() in TIMES:
            raise CalendarError(f"has an event whose {name} cannot be read ({words}): {_title(event)}")


def _check_time(event: Any) -> None:
    for name in ("DTSTART", "DTEND"):
        entry = event.get(name)
        if entry is None and name == "DTSTART":
            raise CalendarError(f"has an event without DTSTART: {_title(event)}")
        if entry is None:
            continue
        moment = entry.dt
        if not isinstance(moment, date):
            raise CalendarError(f"has an event whose {name} is no date: {_title(event)}")
        zone = entry.params.get("TZID")
        if isinstance(moment, datetime) and moment.tzinfo is None and zone is not None:
            raise CalendarError(f"has an event in a time zone that is not known, {zone}: {_title(event)}")


def _occurrences_a_year(event: Any, rule: Any) -> int:
    """Return no fewer than the rule has in any year."""
    frequency = str(rule.get("FREQ", [""])[0]).upper()
    week_days, month_days = len(rule.get("BYDAY", ())), len(rule.get("BYMONTHDAY", ()))
    days = {
        "DAILY": DAYS_A_YEAR,
        "WEEKLY": WEEKS_A_YEAR * max(1, week_days),
        "MONTHLY": MONTHS_A_YEAR * max(1, month_days, WEEKDAYS_A_MONTH * week_days),
        "YEARLY": _days_of_yearly(rule, max(1, month_days, WEEKDAYS_A_MONTH * week_days)),
    }.get(frequency)
    if days is None:
        raise CalendarError(
            f"has an event that recurs in no known way, FREQ={frequency or '(none)'}: {_title(event)}"
        )
    times = 1
    for part in ("BYHOUR", "BYMINUTE", "BYSECOND"):
        times *= max(1, len(rule.get(part, ())))
    return min(days, DAYS_A_YEAR) * times


def _days_of_yearly(rule: Any, a_month: int) -> int:
    if rule.get("BYWEEKNO") or rule.get("BYYEARDAY") or (a_month > 1 and not rule.get("BYMONTH")):
        return DAYS_A_YEAR
    return a_month * max(1, len(rule.get("BYMONTH", ())))


def _check_occurs(event: Any, rule: Any) -> None:
    """Raise for a rule that never comes true: looking for the next time would go through all years, each time."""
    from dateutil.rrule import rrulestr

    begin = event.start
    if not EARLIEST_YEAR <= begin.year <= LATEST_YEAR:
        raise CalendarError(
            f"has a recurring event that begins in the year {begin.year}, not within {EARLIEST_YEAR} to "
            f"{LATEST_YEAR}: {_title(event)}"
        )
    # What ends it has its own form, and says nothing of whether it ever comes true.
    lasting = {name: value for name, value in rule.items() if name.upper() not in {"UNTIL", "COUNT"}}
    try:
        first = next(iter(rrulestr(type(rule)(lasting).to_ical().decode(), dtstart=_naive(begin))), None)
    except ValueError as error:
        raise CalendarError(f"has an event whose RRULE cannot be read ({error}): {_title(event)}") from error
    if first is None:
        raise CalendarError(f"has an event whose RRULE never comes true: {_title(event)}")


def _naive(moment: date) -> datetime:
    if isinstance(moment, datetime):
        return moment.replace(tzinfo=None)
    return datetime(moment.year, moment.month, moment.day)  # noqa: DTZ001 -- local time, as recurrences are counted


def _title(event: Any) -> str:
    """Which event it is, in its own words."""
    words = " ".join(str(event.get("SUMMARY", event.get("UID", "without a name"))).split())
    return repr(words if len(words) <= 60 else words[:60] + "...")
