from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream_rcf.local_time import MINUTES_PER_DAY, LocalTime, local_time
from stream_rcf.time_zones import EARLIEST, LATEST

# Half hours, a change by thirty minutes, a date line crossed, two changes a week apart, an offset with seconds.
ZONES = [
    "UTC",
    "Europe/Berlin",
    "America/St_Johns",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Asia/Gaza",
    "Africa/Monrovia",
    "Africa/Casablanca",
    "Asia/Kathmandu",
]


def minute_of_week(timestamp: int, zone: str) -> int:
    """The same for one moment, by the library's own conversion."""
    local = datetime.fromtimestamp(timestamp // 1000, ZoneInfo(zone))
    return local.weekday() * MINUTES_PER_DAY + local.hour * 60 + local.minute


@settings(deadline=None)
@given(st.sampled_from(ZONES), st.lists(st.integers(EARLIEST, LATEST - 1), min_size=1, max_size=20))
def test_it_is_what_the_clock_on_the_wall_says(zone: str, timestamps: list[int]) -> None:
    minutes = local_time(zone).minutes_of_week(np.array(timestamps, np.int64))

    assert minutes.tolist() == [minute_of_week(timestamp, zone) for timestamp in timestamps]


@pytest.mark.parametrize("zone", ZONES)
def test_every_change_of_the_zone_is_met_to_the_millisecond(zone: str) -> None:
    clock = LocalTime(zone)
    changes = clock.since[1:]
    around = np.sort(np.concatenate([changes + step for step in (-1001, -1, 0, 1, 60_000)]))

    assert clock.minutes_of_week(around).tolist() == [minute_of_week(int(moment), zone) for moment in around]
    assert (len(changes) > 0) == (zone != "UTC")


@pytest.mark.parametrize("zone", ZONES)
def test_no_change_lies_between_two_looks(zone: str) -> None:
    """Every three hours of all 130 years: a zone that changes and changes back within a day would show."""
    every = np.arange(EARLIEST, LATEST, 3 * 3_600_000, dtype=np.int64)

    found = local_time(zone).minutes_of_week(every)

    expected = [minute_of_week(moment, zone) for moment in every[::7].tolist()]
    assert found[::7].tolist() == expected


def test_monday_is_the_first_day() -> None:
    monday = int(datetime(2026, 11, 30, tzinfo=UTC).timestamp() * 1000)

    assert local_time("UTC").minutes_of_week(np.array([monday, monday - 1])).tolist() == [0, 10_079]
