from __future__ import annotations

import io

import pytest

from stream_rcf.errors import UsageError
from stream_rcf.files.columns import SAMPLE_ROWS, Columns
from stream_rcf.files.json_lines_input import JsonLinesInput
from stream_rcf.files.rows import Row
from stream_rcf.pipeline.event_errors import EventError
from stream_rcf.pipeline.events import Event
from tests.files.support import MAX_BYTES, decoder_of, error_of, event_of

COLUMNS = Columns(("key",), "timestamp", ("value",))


def opened(text: bytes) -> JsonLinesInput:
    return JsonLinesInput("data.jsonl", io.BytesIO(text), MAX_BYTES)


def rows(text: bytes, columns: Columns = COLUMNS) -> list[Row]:
    return list(opened(text).rows(columns, decoder_of(columns)))


def test_lines_become_events_in_order_and_blank_ones_are_left_out() -> None:
    found = rows(b'{"key":"a","timestamp":5,"value":1}\r\n\n  \n{"key":7,"value":2.5}')
    assert [row.outcome for row in found] == [Event("a", 5000, (1.0,)), Event("7", 0, (2.5,))]
    assert [row.timestamp for row in found] == [5000, None]


def test_dotted_paths_lead_into_the_events() -> None:
    columns = Columns(("host.name",), None, ("cpu.load",))
    (row,) = rows(b'{"host":{"name":"web"},"cpu":{"load":0.5}}\n', columns)
    assert row.outcome == Event("web", 0, (0.5,))


def test_the_first_events_tell_what_there_is() -> None:
    fields = opened(
        b'{"key":"a","value":1,"on":true,"text":"5","deep":{"x":1}}\nbroken\n{"value":null,"late":2}\n'
    ).fields()
    assert dict(fields.numeric) == {
        "key": False,
        "value": True,
        "on": False,
        "text": False,
        "deep": False,
        "late": True,
    }
    assert fields.holds("deep.x")
    assert not fields.holds("deep.y")


def test_a_broken_line_spoils_itself_only() -> None:
    first, second, third = rows(b'{"key":"a","value":1}\n{"key":"a",\n{"key":"a","value":3}\n')
    assert error_of(second) == EventError.INVALID_JSON
    assert (event_of(first).values, event_of(third).values) == ((1.0,), (3.0,))


@pytest.mark.parametrize("excess", [1, 2, MAX_BYTES, 10 * MAX_BYTES])
def test_a_line_that_is_too_long_is_one_row_and_the_next_is_read(excess: int) -> None:
    long = b'{"key":"a","value":1}'.ljust(MAX_BYTES + excess)
    first, second = rows(long + b'\n{"key":"a","value":2}\n')
    assert error_of(first) == EventError.TOO_LARGE
    assert event_of(second).values == (2.0,)


def test_a_line_of_the_longest_length_is_read() -> None:
    found = rows(b'{"key":"a","value":1}'.ljust(MAX_BYTES) + b'\n{"key":"a","value":2}\n')
    assert [event_of(row).values for row in found] == [(1.0,), (2.0,)]


def test_all_lines_come_though_only_the_first_are_read_ahead() -> None:
    stream = io.BytesIO(b'{"key":"a","value":1}\n' * 5000)
    reader = JsonLinesInput("data.jsonl", stream, MAX_BYTES)
    assert stream.tell() == SAMPLE_ROWS * 22
    assert len(list(reader.rows(COLUMNS, decoder_of(COLUMNS)))) == 5000


def test_an_empty_file_is_refused() -> None:
    with pytest.raises(UsageError, match=r"^data.jsonl: is empty$"):
        opened(b"\n \n")
