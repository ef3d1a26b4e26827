from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream_rcf.pipeline.quiet_times import BatchTimes, QuietTimes, Spans, WeeklyTimes, WeeklyWindow, edges_of

BERLIN = "Europe/Berlin"
EVERY_DAY = tuple(range(7))
NIGHT = WeeklyWindow(EVERY_DAY, 22 * 60, 6 * 60, BERLIN)


def moment(text: str, zone: str = BERLIN, fold: int = 0) -> int:
    """A local time as epoch ms; ``fold`` 1 is the second of two."""
    local = datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold)
    return round(local.timestamp() * 1000)


def covered(quiet: QuietTimes, *timestamps: int) -> list[bool]:
    times = BatchTimes(np.array(timestamps, np.int64))
    return quiet.covers(times, np.arange(len(timestamps))).tolist()


def test_a_window_of_a_day() -> None:
    lunch = WeeklyTimes([WeeklyWindow((0, 1), 12 * 60, 13 * 60 + 30, BERLIN)])  # Monday and Tuesday

    times = ["2026-11-30 11:59:59.999", "2026-11-30 12:00", "2026-11-30 13:29:59.999", "2026-11-30 13:30"]
    assert covered(lunch, *map(moment, times)) == [False, True, True, False]
    assert covered(lunch, moment("2026-12-01 12:30"), moment("2026-12-02 12:30")) == [True, False]


def test_a_window_over_midnight_belongs_to_the_day_it_begins_on() -> None:
    friday = WeeklyTimes([WeeklyWindow((4,), 22 * 60, 6 * 60, BERLIN)])

    times = [
        "2026-11-27 21:59",
        "2026-11-27 22:00",
        "2026-11-28 05:59",
        "2026-11-28 06:00",
        "2026-11-27 05:00",
    ]
    assert covered(friday, *map(moment, times)) == [False, True, True, False, False]


def test_a_window_over_the_end_of_the_week() -> None:
    sunday = WeeklyTimes([WeeklyWindow((6,), 23 * 60, 60, "UTC")])

    times = ["2026-11-29 22:59", "2026-11-29 23:00", "2026-11-30 00:59", "2026-11-30 01:00"]
    assert covered(sunday, *(moment(text, "UTC") for text in times)) == [False, True, True, False]


def test_a_whole_day() -> None:
    weekend = WeeklyTimes([WeeklyWindow((5, 6), 0, 24 * 60, BERLIN)])

    times = ["2026-11-27 23:59", "2026-11-28 00:00", "2026-11-29 23:59", "2026-11-30 00:00"]
    assert covered(weekend, *map(moment, times)) == [False, True, True, False]


def test_windows_of_two_zones_add_up() -> None:
    both = WeeklyTimes([WeeklyWindow(EVERY_DAY, 0, 60, BERLIN), WeeklyWindow(EVERY_DAY, 0, 60, "Asia/Tokyo")])

    midnights = [moment("2026-06-01 00:30", zone) for zone in (BERLIN, "Asia/Tokyo", "UTC")]
    assert covered(both, *midnights) == [True, True, False]


def test_the_day_on_which_clocks_go_forward() -> None:
    """On 29 March 2026 the hour from 2 to 3 does not exist, and the night is an hour shorter."""
    skipped = WeeklyTimes([WeeklyWindow(EVERY_DAY, 2 * 60, 3 * 60, BERLIN)])
    day = [moment("2026-03-29 00:00") + minutes * 60_000 for minutes in range(23 * 60)]

    assert not any(covered(skipped, *day))
    assert sum(covered(WeeklyTimes([NIGHT]), *day)) == (5 + 2) * 60


def test_the_day_on_which_clocks_go_back() -> None:
    """On 25 October 2026 the hour from 2 to 3 is there twice."""
    doubled = WeeklyTimes([WeeklyWindow(EVERY_DAY, 2 * 60, 2 * 60 + 30, BERLIN)])
    day = [moment("2026-10-25 00:00") + minutes * 60_000 for minutes in range(25 * 60)]

    assert sum(covered(doubled, *day)) == 60
    assert covered(doubled, moment("2026-10-25 02:10"), moment("2026-10-25 02:10", fold=1)) == [True, True]
    assert sum(covered(WeeklyTimes([NIGHT]), *day)) == (7 + 2) * 60


def slowly(window: WeeklyWindow, timestamp: int) -> bool:
    """The obvious way: the local minute, and whether a window that began today or yesterday holds it."""
    local = datetime.fromtimestamp(timestamp // 1000, ZoneInfo(window.time_zone))
    minute, today = local.hour * 60 + local.minute, local.weekday()
    yesterday = (local.date() - timedelta(days=1)).weekday()
    if window.begin < window.end:
        return today in window.days and window.begin <= minute < window.end
    return (today in window.days and minute >= window.begin) or (
        yesterday in window.days and minute < window.end
    )


WINDOWS = st.builds(
    WeeklyWindow,
    st.sets(st.integers(0, 6), min_size=1).map(tuple),
    st.integers(0, 1439),
    st.integers(1, 1440),
    st.sampled_from([BERLIN, "UTC", "America/St_Johns", "Pacific/Apia"]),
).filter(lambda window: window.begin != window.end)


@settings(deadline=None)
@given(st.lists(WINDOWS, max_size=4), st.lists(st.integers(0, 4_102_444_799_999), min_size=1, max_size=30))
def test_windows_agree_with_the_obvious_way(windows: list[WeeklyWindow], timestamps: list[int]) -> None:
    expected = [any(slowly(window, timestamp) for window in windows) for timestamp in timestamps]

    assert covered(WeeklyTimes(windows), *timestamps) == expected


@pytest.mark.parametrize(
    ("spans", "edges"),
    [
        ([], []),
        ([(1, 3), (3, 5), (8, 9)], [1, 5, 8, 9]),
        ([(8, 9), (1, 10)], [1, 10]),
        ([(4, 4), (6, 5)], []),
    ],
)
def test_spans_are_joined(spans: list[tuple[int, int]], edges: list[int]) -> None:
    assert edges_of(spans).tolist() == edges


NUMBERS = st.integers(0, 30)


@settings(deadline=None)
@given(st.lists(st.tuples(NUMBERS, NUMBERS), max_size=8), st.lists(NUMBERS, min_size=1, max_size=10))
def test_spans_agree_with_the_obvious_way(spans: list[tuple[int, int]], timestamps: list[int]) -> None:
    expected = [any(begin <= timestamp < end for begin, end in spans) for timestamp in timestamps]

    assert covered(Spans(spans), *timestamps) == expected


def test_only_the_rows_asked_for_are_looked_at() -> None:
    times = BatchTimes(np.array([5, 50, 6, 60], np.int64))

    assert Spans([(5, 7)]).covers(times, np.array([2, 3])).tolist() == [True, False]
