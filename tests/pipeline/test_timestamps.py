from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream_rcf.pipeline.timestamps import TimestampError, epoch_milliseconds
from stream_rcf.time_zones import EARLIEST, LATEST

NEW_YEAR = 1_767_225_600_000  # 2026-01-01 00:00:00 UTC, in milliseconds
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MOMENTS = st.integers(0, LATEST * 1000 - 1).map(lambda number: EPOCH + timedelta(microseconds=number))


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-01T00:00:00Z",
        "2026-01-01T00:00:00+00:00",
        "2026-01-01T01:00:00+01:00",
        "2025-12-31T19:00:00-05:00",
        "2026-01-01T00:00:00",
        "2026-01-01 00:00:00",
        "2026-01-01T00:00",
        "2026-01-01",
        "20260101T000000Z",
        "20260101",
        "2026-01-01T00:00:00.0009",
        "2026-01-01T00:00:00.000999999Z",
    ],
)
def test_iso_8601_means_utc_where_nothing_else_is_said(text: str) -> None:
    assert epoch_milliseconds(text) == NEW_YEAR


@pytest.mark.parametrize("unit", [10**9, 10**6, 10**3, 1])
def test_the_magnitude_of_a_number_tells_its_unit(unit: int) -> None:
    nanoseconds = NEW_YEAR * 10**6 + 123_000_000 if unit < 10**9 else NEW_YEAR * 10**6
    number = nanoseconds // unit
    expected = nanoseconds // 10**6
    assert epoch_milliseconds(number) == expected
    assert epoch_milliseconds(str(number)) == expected
    assert epoch_milliseconds(float(number)) == expected


@pytest.mark.parametrize("number", [1768010400000, 1769122823000, 1768010400, 1970010112345])
def test_a_number_in_which_a_date_could_be_read_stays_a_number(number: int) -> None:
    assert epoch_milliseconds(str(number)) == epoch_milliseconds(number)


def test_whole_nanoseconds_are_rounded_down_without_passing_through_a_double() -> None:
    assert epoch_milliseconds(NEW_YEAR * 10**6 + 999_999) == NEW_YEAR
    assert epoch_milliseconds(NEW_YEAR * 10**6 + 10**6 - 1) == NEW_YEAR
    assert epoch_milliseconds(NEW_YEAR * 10**6 - 1) == NEW_YEAR - 1


def test_fractions_of_a_second_are_what_a_person_wrote() -> None:
    for milliseconds in range(1000):
        seconds = NEW_YEAR // 1000 + milliseconds / 1000
        assert epoch_milliseconds(seconds) == NEW_YEAR + milliseconds
        assert epoch_milliseconds(f"{NEW_YEAR // 1000}.{milliseconds:03d}") == NEW_YEAR + milliseconds


def test_a_time_object_is_taken_as_it_is() -> None:
    moment = datetime(2026, 1, 1, 3, tzinfo=timezone(timedelta(hours=3)))
    assert epoch_milliseconds(moment) == NEW_YEAR
    assert epoch_milliseconds(moment.astimezone(UTC).replace(tzinfo=None)) == NEW_YEAR


def test_the_bounds_are_fixed_dates() -> None:
    assert epoch_milliseconds(0) == EARLIEST
    assert epoch_milliseconds("1970-01-01T00:00:00Z") == EARLIEST
    assert epoch_milliseconds("2099-12-31T23:59:59.999Z") == LATEST - 1
    for absurd in (
        "2100-01-01T00:00:00Z",
        "1969-12-31T23:59:59.999Z",
        "0001-01-01",
        -1,
        9_999_999_999,
        5 * 10**12,
    ):
        with pytest.raises(TimestampError, match="outside the years 1970 to 2099"):
            epoch_milliseconds(absurd)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "yesterday",
        "12345678901234567890123",
        "1234567",
        "2026-13-01",
        "2026-01-01T25:00:00Z",
        "\uff12\uff10\uff12\uff16-01-01",
        "1767225600 ",
        "\udcff",
        float("nan"),
        float("inf"),
        float("-inf"),
        True,
        None,
        [],
        {},
        b"2026-01-01",
    ],
)
def test_anything_else_is_refused_with_a_reason(value: object) -> None:
    with pytest.raises(TimestampError, match=r"^(is|lies) "):
        epoch_milliseconds(value)


@given(MOMENTS)
def test_every_form_of_a_moment_gives_the_same_milliseconds(moment: datetime) -> None:
    expected = (moment - EPOCH) // timedelta(milliseconds=1)
    assert epoch_milliseconds(moment.isoformat()) == expected
    assert epoch_milliseconds(moment.replace(tzinfo=None).isoformat(" ")) == expected
    assert (
        epoch_milliseconds(moment.astimezone(timezone(timedelta(hours=5, minutes=45))).isoformat())
        == expected
    )


@given(
    st.integers() | st.floats() | st.text() | st.from_regex(r"-?[0-9]{8,22}(\.[0-9]{1,22})?", fullmatch=True)
)
def test_a_result_is_always_within_the_bounds(value: object) -> None:
    try:
        milliseconds = epoch_milliseconds(value)
    except TimestampError:
        return
    assert type(milliseconds) is int
    assert EARLIEST <= milliseconds < LATEST
