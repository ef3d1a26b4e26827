from __future__ import annotations

import io

import pytest

from stream_rcf.errors import UsageError
from stream_rcf.files.columns import SAMPLE_ROWS, Columns
from stream_rcf.files.csv_input import CsvInput
from stream_rcf.files.rows import Row
from stream_rcf.pipeline.event_errors import EventError
from stream_rcf.pipeline.events import Event
from tests.files.support import decoder_of, error_of, event_of

COLUMNS = Columns(("key",), "timestamp", ("value",))


def opened(text: str | bytes) -> CsvInput:
    return CsvInput("data.csv", io.BytesIO(text if isinstance(text, bytes) else text.encode()))


def rows(text: str | bytes, columns: Columns = COLUMNS) -> list[Row]:
    return list(opened(text).rows(columns, decoder_of(columns)))


def test_lines_become_events_in_order() -> None:
    found = rows("key,value,timestamp\na,1.5,2026-01-01\nb,-2,2026-01-02\n")
    assert [row.outcome for row in found] == [
        Event("a", 1_767_225_600_000, (1.5,)),
        Event("b", 1_767_312_000_000, (-2.0,)),
    ]


def test_other_delimiters_a_byte_order_mark_and_blank_lines_are_understood() -> None:
    plain = rows("key,value,timestamp\na,1,5\nb,2,6\n")
    assert rows("key;value;timestamp\r\na;1;5\r\n\r\nb;2;6") == plain
    assert rows("\ufeffkey\tvalue\ttimestamp\n\na\t1\t5\nb\t2\t6\n\n") == plain


def test_quoted_cells_may_hold_delimiters_and_line_ends() -> None:
    assert event_of(rows('key,value,timestamp\n"a,\n""b""",1,5\n')[0]).key == 'a,\n"b"'


def test_the_first_rows_tell_numbers_from_text() -> None:
    fields = opened("key,value,note,empty,timestamp\na,1,x,,5\nb,oops,y,,6\nc,3,4,,7\n").fields()
    assert dict(fields.numeric) == {
        "key": False,
        "value": True,
        "note": False,
        "empty": False,
        "timestamp": True,
    }
    assert fields.holds("empty")
    assert not fields.holds("absent")


def test_only_the_first_rows_are_read_ahead() -> None:
    class Counting(io.BytesIO):
        bytes_read = 0

        def read1(self, size: int = -1, /) -> bytes:
            data = super().read1(size)
            Counting.bytes_read += len(data)
            return data

    text = "key,timestamp,value\n" + "a,5,1\n" * 100_000
    reader = CsvInput("data.csv", Counting(text.encode()))
    assert Counting.bytes_read < len(text) / 10
    assert len(list(reader.rows(COLUMNS, decoder_of(COLUMNS)))) == 100_000 > SAMPLE_ROWS


@pytest.mark.parametrize(
    ("cell", "error"),
    [
        ("", EventError.MISSING_FEATURE),
        (" ", EventError.MISSING_FEATURE),
        ("abc", EventError.NON_NUMERIC_FEATURE),
        ("true", EventError.NON_NUMERIC_FEATURE),
        ("nan", EventError.NON_FINITE_NUMBER),
        ("inf", EventError.NON_FINITE_NUMBER),
        ("1e999", EventError.NON_FINITE_NUMBER),
        ("1e39", EventError.NUMBER_OUT_OF_RANGE),
    ],
)
def test_a_bad_number_spoils_its_row_only(cell: str, error: EventError) -> None:
    first, second, third = rows(f"key,timestamp,value\na,5,1\na,6,{cell}\na,7,3\n")
    assert (error_of(second), second.key, second.timestamp) == (error, "a", 6000)
    assert event_of(first).values == (1.0,)
    assert event_of(third).values == (3.0,)


def test_a_row_of_another_width_says_which_line_it_is() -> None:
    found = rows("key,timestamp,value\na,5,1\n\na,6\na,7,1,9\n")
    assert [error_of(row) for row in found[1:]] == [EventError.MALFORMED_ROW] * 2
    assert found[1].outcome[1] == "line 4 has 2 cells, but the header has 3"
    assert found[2].outcome[1] == "line 5 has 4 cells, but the header has 3"


def test_bytes_that_are_not_utf_8_spoil_the_row_whose_key_they_are_in() -> None:
    first, second = rows(b"key,timestamp,value\n\xff,5,1\nb,6,2\n")
    assert error_of(first) == EventError.INVALID_KEY
    assert event_of(second).key == "b"


def test_short_whole_numbers_are_times_and_eight_digits_a_date() -> None:
    found = rows("key,timestamp,value\na,7,1\na,20260101,1\na,1767225600,1\na,1767225600.5,1\na,,1\n")
    assert [row.timestamp for row in found] == [
        7000,
        1_767_225_600_000,
        1_767_225_600_000,
        1_767_225_600_500,
        None,
    ]


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("", "is empty"),
        ("\n\n", "is empty"),
        ("1,2\n3,4\n", "line 1 holds only numbers"),
        ("a,b,a\n1,2,3\n", "names 'a' more than once"),
        ("a,b\n" + "x" * 200_000 + ",1\n", "data.csv, line 2: is not CSV: field larger than field limit"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused(text: str, part: str) -> None:
    with pytest.raises(UsageError, match=r"^data.csv") as failure:
        opened(text)
    assert part in str(failure.value)
