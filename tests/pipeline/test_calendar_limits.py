from __future__ import annotations

import pytest

from stream_rcf.pipeline.calendar_limits import MAX_BYTES, CalendarError, check_text
from stream_rcf.pipeline.quiet_calendar import QuietCalendar
from tests.support.calendars import calendar

NOON = "DTSTART:20260501T120000Z\nDURATION:PT1H\nSUMMARY:nightly build\n"
MINUTES = ",".join(map(str, range(60)))


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("FREQ=SECONDLY", "not FREQ=SECONDLY: write the hours as FREQ=DAILY;BYHOUR"),
        ("INTERVAL=2;FREQ=minutely", "not FREQ=MINUTELY"),
        ("FREQ=HOURLY", "not FREQ=HOURLY"),
        ("FREQ=DAILY;INTERVAL=0", "INTERVAL of at least 1"),
        ("FREQ=DAILY;INTERVAL=+00", "INTERVAL of at least 1"),
        ("FREQ=DAILY;INTERVAL=-1", "INTERVAL of at least 1"),
        ("FREQ=SOMETIMES", "whose RRULE cannot be read .*: 'nightly build'"),
        ("FREQ=DAILY;UNTIL=never", "whose RRULE cannot be read"),
        ("BYDAY=MO", "recurs in no known way"),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "whose RRULE never comes true: 'nightly build'"),
        (f"FREQ=DAILY;BYMINUTE={MINUTES}", "at most 20000 recurrences a year in all, not 21960"),
        (f"FREQ=WEEKLY;BYDAY=MO,TU,WE;BYHOUR=1,2,3;BYMINUTE={MINUTES}", "not 28620"),
        (f"FREQ=MONTHLY;BYMONTHDAY=1,2;BYHOUR=1,2;BYSECOND={MINUTES};BYMINUTE=0,1,2,3,4,5,6,7", "not 23040"),
        (
            f"FREQ=YEARLY;BYMONTH=1,2;BYDAY=MO;BYHOUR=1,2,3,4,5,6;BYMINUTE={MINUTES};BYSECOND=1,2,3,4,5,6",
            "not 21600",
        ),
        (f"FREQ=YEARLY;BYDAY=MO;BYMINUTE={MINUTES}", "not 21960"),
    ],
)
def test_recurrences_that_would_take_too_long_are_refused(rule: str, words: str) -> None:
    with pytest.raises(CalendarError, match=words):
        QuietCalendar(calendar(f"{NOON}RRULE:{rule}"))


def test_a_folded_line_hides_nothing() -> None:
    with pytest.raises(CalendarError, match="not FREQ=SECONDLY"):
        check_text(calendar(f"{NOON}RRULE:FREQ=SECON\n DLY"))


def calendar_with_zone(rule: str) -> bytes:
    half = f"DTSTART:16010101T000000\nTZOFFSETFROM:+0000\nTZOFFSETTO:+0100\nRRULE:{rule}"
    zone = (
        f"BEGIN:VTIMEZONE\nTZID:Plant\nBEGIN:STANDARD\n{half}\nEND:STANDARD\n"
        f"BEGIN:DAYLIGHT\n{half}\nEND:DAYLIGHT\nEND:VTIMEZONE"
    )
    return calendar("DTSTART;TZID=Plant:20260501T120000\nDURATION:PT1H\nRRULE:FREQ=DAILY;BYHOUR=3", head=zone)


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=SECONDLY",
        "FREQ=DAILY",
        "FREQ=MONTHLY",
        "FREQ=YEARLY;BYHOUR=1,2",
        "BYSECOND=1;FREQ=YEARLY",
        "COUNT=1",
    ],
)
def test_a_zone_s_own_rules_are_bounded_before_they_are_read(rule: str) -> None:
    with pytest.raises(CalendarError, match=r"by the year|not FREQ=SECONDLY"):
        QuietCalendar(calendar_with_zone(rule))


def test_a_zone_whose_clocks_change_by_the_year_is_read() -> None:
    for rule in ("FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3", "BYMONTH=3;BYDAY=-1SU;FREQ=YEARLY"):
        check_text(calendar_with_zone(rule))
        assert len(QuietCalendar(calendar_with_zone(rule))._years) == 1


@pytest.mark.parametrize(
    ("event", "words"),
    [
        ("SUMMARY:no begin", "without DTSTART: 'no begin'"),
        ("DTSTART:2026x", "whose DTSTART cannot be read"),
        ("DTSTART;VALUE=TIME:120000", "whose DTSTART is no date: '0'"),
        (f"{NOON}EXDATE:x", "whose EXDATE cannot be read"),
        (f"{NOON}RDATE:x", "whose RDATE cannot be read"),
        ("DTSTART:18000101T000000Z\nRRULE:FREQ=DAILY", "begins in the year 1800"),
        ("DTSTART:20260501T120000Z\nDTEND;TZID=Mars/Base:20260501T130000", "not known, Mars/Base"),
    ],
)
def test_events_whose_times_are_not_sure_are_refused(event: str, words: str) -> None:
    with pytest.raises(CalendarError, match=words):
        QuietCalendar(calendar(event))


def test_all_recurrences_of_a_calendar_count_together() -> None:
    daily = f"{NOON}RRULE:FREQ=DAILY"

    QuietCalendar(calendar(*[daily] * 54))
    with pytest.raises(CalendarError, match="not 20130"):
        QuietCalendar(calendar(*[daily] * 55))


def test_a_file_has_a_size_that_can_be_read() -> None:
    with pytest.raises(CalendarError, match=f"at most {MAX_BYTES} bytes"):
        check_text(b" " * (MAX_BYTES + 1))


def test_what_recurs_for_ever_is_fine() -> None:
    every = calendar(
        f"{NOON}RRULE:FREQ=DAILY",
        f"{NOON}RRULE:FREQ=WEEKLY;BYDAY=MO,FR",
        f"{NOON}RRULE:FREQ=MONTHLY;BYDAY=-1SU",
        f"{NOON}RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29",
        f"{NOON}RRULE:FREQ=DAILY;BYHOUR=0,6,12,18",
    )
    assert isinstance(QuietCalendar(every), QuietCalendar)
