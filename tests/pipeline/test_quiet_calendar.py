from __future__ import annotations

import sys
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream_rcf.pipeline.calendar_limits import CalendarError
from stream_rcf.pipeline.quiet_calendar import QuietCalendar, quiet_calendar
from stream_rcf.pipeline.quiet_times import BatchTimes
from tests.support.calendars import calendar

BERLIN, TOKYO = "Europe/Berlin", "Asia/Tokyo"


def moment(text: str, zone: str = "UTC") -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp() * 1000)


def covered(quiet: QuietCalendar, *timestamps: int) -> list[bool]:
    times = BatchTimes(np.array(timestamps, np.int64))
    return quiet.covers(times, np.arange(len(timestamps))).tolist()


def quiet_at(content: bytes, times: str, zone: str = "UTC", calendar_zone: str = "") -> str:
    """Which of the times, separated by commas, are quiet; they are local to ``zone``."""
    moments = [text.strip() for text in times.split(",")]
    found = covered(QuietCalendar(content, calendar_zone), *(moment(text, zone) for text in moments))
    return ", ".join(text for text, is_quiet in zip(moments, found, strict=True) if is_quiet)


def test_a_single_event_from_its_begin_until_before_its_end() -> None:
    content = calendar("DTSTART:20260501T100000Z\nDTEND:20260501T113000Z")

    times = "2026-05-01 09:59:59.999, 2026-05-01 10:00, 2026-05-01 11:29:59.999, 2026-05-01 11:30"
    assert quiet_at(content, times) == "2026-05-01 10:00, 2026-05-01 11:29:59.999"


def test_a_time_in_a_zone_goes_with_its_clock() -> None:
    content = calendar("DTSTART;TZID=Europe/Berlin:20260101T220000\nDURATION:PT1H\nRRULE:FREQ=DAILY")

    summer, winter = "2026-07-01 20:30, 2026-07-01 21:30", "2026-12-01 20:30, 2026-12-01 21:30"
    assert quiet_at(content, summer) == "2026-07-01 20:30"
    assert quiet_at(content, winter) == "2026-12-01 21:30"


def test_a_recurrence_with_exceptions() -> None:
    content = calendar(
        "DTSTART;TZID=Europe/Berlin:20260105T220000\nDURATION:PT4H\nRRULE:FREQ=WEEKLY;BYDAY=MO\n"
        "EXDATE;TZID=Europe/Berlin:20260112T220000\nRDATE;TZID=Europe/Berlin:20260114T220000"
    )

    evenings = ", ".join(f"2026-01-{day:02} 23:00" for day in range(5, 20))
    assert quiet_at(content, evenings, BERLIN) == "2026-01-05 23:00, 2026-01-14 23:00, 2026-01-19 23:00"


def test_an_occurrence_that_was_moved() -> None:
    content = calendar(
        "DTSTART:20260105T100000Z\nDURATION:PT1H\nRRULE:FREQ=WEEKLY;COUNT=3",
        "RECURRENCE-ID:20260112T100000Z\nDTSTART:20260113T150000Z\nDURATION:PT1H",
        uid="same",
    )

    times = "2026-01-05 10:30, 2026-01-12 10:30, 2026-01-13 15:30, 2026-01-19 10:30, 2026-01-26 10:30"
    assert quiet_at(content, times) == "2026-01-05 10:30, 2026-01-13 15:30, 2026-01-19 10:30"


def test_a_whole_day_is_one_of_the_zone_that_is_named() -> None:
    holiday = calendar("DTSTART;VALUE=DATE:20260501\nSUMMARY:Labour Day\nTRANSP:TRANSPARENT")

    times = "2026-04-30 23:59, 2026-05-01 00:00, 2026-05-01 23:59, 2026-05-02 00:00"
    quiet = "2026-05-01 00:00, 2026-05-01 23:59"
    for zone in (BERLIN, TOKYO):
        assert quiet_at(holiday, times, zone, calendar_zone=zone) == quiet
    assert quiet_at(holiday, times) == quiet
    own = calendar("DTSTART;VALUE=DATE:20260501", head="X-WR-TIMEZONE:Asia/Tokyo")
    assert quiet_at(own, times, TOKYO) == quiet
    assert quiet_at(own, times, BERLIN, calendar_zone=BERLIN) == quiet


def test_a_whole_day_on_which_clocks_change() -> None:
    content = calendar("DTSTART;VALUE=DATE:20260329", "DTSTART;VALUE=DATE:20261025")
    quiet = QuietCalendar(content, BERLIN)

    hours = {
        day: sum(covered(quiet, *(moment(f"{day} 00:00") + hour * 3_600_000 for hour in range(-12, 48))))
        for day in ("2026-03-29", "2026-10-25")
    }
    assert hours == {"2026-03-29": 23, "2026-10-25": 25}


def test_a_time_without_a_zone_is_local_too() -> None:
    content = calendar("DTSTART:20260501T100000\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=2")

    assert quiet_at(content, "2026-05-02 10:30, 2026-05-02 08:30", BERLIN, BERLIN) == "2026-05-02 10:30"
    assert quiet_at(content, "2026-05-02 10:30, 2026-05-02 08:30") == "2026-05-02 10:30"


def test_days_that_come_every_year_and_at_the_turn_of_it() -> None:
    content = calendar(
        "DTSTART;VALUE=DATE:20201231\nDTEND;VALUE=DATE:20210102\nRRULE:FREQ=YEARLY",
        "DTSTART;VALUE=DATE:20200525\nRRULE:FREQ=YEARLY;BYMONTH=5;BYDAY=-1MO",
    )

    times = "2025-12-31 12:00, 2026-01-01 12:00, 2026-01-02 12:00, 2026-05-25 12:00, 2099-12-31 23:59, 2019-12-31 12:00"
    quiet = "2025-12-31 12:00, 2026-01-01 12:00, 2026-05-25 12:00, 2099-12-31 23:59"
    assert quiet_at(content, times, TOKYO, TOKYO) == quiet


def test_cancelled_events_and_moments_are_not_quiet() -> None:
    content = calendar(
        "DTSTART:20260501T100000Z\nDURATION:PT1H\nSTATUS:CANCELLED", "DTSTART:20260501T100000Z"
    )

    assert quiet_at(content, "2026-05-01 10:00, 2026-05-01 10:30") == ""


def test_a_zone_that_the_file_itself_declares() -> None:
    zone = (
        "BEGIN:VTIMEZONE\nTZID:Plant 7\nBEGIN:STANDARD\nDTSTART:19700101T000000\nTZOFFSETFROM:+0530\n"
        "TZOFFSETTO:+0530\nEND:STANDARD\nEND:VTIMEZONE"
    )
    content = calendar("DTSTART;TZID=Plant 7:20260501T100000\nDURATION:PT1H", head=zone)

    assert quiet_at(content, "2026-05-01 04:29, 2026-05-01 04:30, 2026-05-01 05:30") == "2026-05-01 04:30"


def test_a_calendar_without_events_is_never_quiet() -> None:
    assert quiet_at(calendar(), "2026-05-01 10:00") == ""


@settings(deadline=None)
@given(
    st.lists(st.integers(-400, 400), min_size=1, max_size=8),
    st.integers(1, 4),
    st.sets(st.integers(0, 60), max_size=5),
    st.sampled_from([BERLIN, "America/St_Johns", "UTC"]),
)
def test_a_daily_recurrence_agrees_with_counting_the_days(
    hours: list[int], interval: int, skipped: set[int], zone: str
) -> None:
    """Seen from the events: which local days they lie on, and whether the recurrence has that day."""
    first = datetime(2026, 3, 20)  # noqa: DTZ001 -- local; the clocks change within the days that follow
    exceptions = "".join(
        f"\nEXDATE;TZID={zone}:{first + timedelta(days=day):%Y%m%dT090000}" for day in skipped
    )
    content = calendar(
        f"DTSTART;TZID={zone}:20260320T090000\nDURATION:PT2H\nRRULE:FREQ=DAILY;INTERVAL={interval}{exceptions}"
    )
    begin = moment("2026-03-29 12:00")
    moments = [begin + hour * 3_600_000 for hour in hours]

    expected = []
    for timestamp in moments:
        local = datetime.fromtimestamp(timestamp // 1000, ZoneInfo(zone))
        day = (local.date() - first.date()).days
        has_day = day >= 0 and day % interval == 0 and day not in skipped
        expected.append(has_day and 9 <= local.hour < 11)
    assert covered(QuietCalendar(content), *moments) == expected


def test_years_are_laid_out_once_and_only_those_that_events_are_in() -> None:
    quiet = QuietCalendar(calendar("DTSTART:20200101T100000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY"))

    covered(quiet, moment("2026-05-01 10:30"), moment("2031-05-01 10:30"))
    first = quiet._years[2026]
    covered(quiet, moment("2026-09-01 10:30"))

    assert sorted(quiet._years) == [2020, 2026, 2031]
    assert quiet._years[2026] is first


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "must be an iCalendar file that can be laid out, but"),
        (b"\x00\xff\xfe", "must be an iCalendar file that can be laid out, but"),
        (b"BEGIN:VEVENT\nEND:VEVENT\n", "which begins with BEGIN:VCALENDAR"),
        (calendar("DTSTART;TZID=Mars/Base:20260501T100000"), "not known, Mars/Base"),
        (calendar("DTSTART:20260501T100000Z", head="X-WR-TIMEZONE:Nowhere"), "X-WR-TIMEZONE:Nowhere"),
        (calendar("DTSTART:99991231T100000Z\nDURATION:P400D"), "can be laid out, but"),
    ],
)
def test_what_is_no_usable_calendar_is_refused(content: bytes, words: str) -> None:
    with pytest.raises(CalendarError, match=words):
        QuietCalendar(content)


def test_without_the_library_the_line_that_installs_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "recurring_ical_events", None)

    with pytest.raises(CalendarError, match=r"pip install 'stream-rcf\[calendar\]'"):
        QuietCalendar(calendar())


def test_the_same_content_is_laid_out_once() -> None:
    content = calendar("DTSTART;VALUE=DATE:20260501")

    assert quiet_calendar(content, BERLIN) is quiet_calendar(bytes(bytearray(content)), BERLIN)
    assert quiet_calendar(content, BERLIN) is not quiet_calendar(content, TOKYO)


WHOLE = calendar(
    "DTSTART;TZID=Europe/Berlin:20260105T220000\nDURATION:PT4H\nRRULE:FREQ=WEEKLY;BYDAY=MO;COUNT=40\n"
    "EXDATE;TZID=Europe/Berlin:20260112T220000",
    "DTSTART;VALUE=DATE:20260501\nDTEND;VALUE=DATE:20260502\nSTATUS:CONFIRMED",
)


@settings(deadline=None, max_examples=200)
@given(
    st.lists(st.tuples(st.integers(0, len(WHOLE) - 1), st.sampled_from(b"\x00\n;:=,-09AZ\xff")), max_size=4),
    st.integers(0, len(WHOLE)),
)
def test_damage_is_refused_in_words_or_makes_another_calendar(
    damage: list[tuple[int, int]], length: int
) -> None:
    content = bytearray(WHOLE)
    for place, byte in damage:
        content[place] = byte
    damaged = bytes(content[: max(length, len(WHOLE) // 2)])
    days = [moment(f"{year}-{month}-01 12:00") for year in (1970, 2026, 2099) for month in (10, 11, 12)]
    try:
        quiet = QuietCalendar(damaged)
    except CalendarError:
        return
    assert covered(quiet, *days) == covered(QuietCalendar(damaged), *days)
