from __future__ import annotations

from stream_rcf.files.columns import Columns
from stream_rcf.files.rows import Row
from stream_rcf.pipeline.event_errors import EventError
from stream_rcf.pipeline.events import Event, Rejection
from tests.files.support import MAX_BYTES, SERIES, decoder_of, error_of

KEYED = decoder_of(Columns(("key",), "time", ("value",)))
SINGLE = decoder_of(Columns((), None, ("value",)))


def test_a_line_of_json_becomes_an_event() -> None:
    assert KEYED.from_line(b'{"key":"a","time":5,"value":1}') == Row(Event("a", 5000, (1.0,)), "a", 5000)


def test_rows_of_one_series_share_its_name() -> None:
    assert SINGLE.from_line(b'{"key":"a","time":5,"value":1}') == Row(Event(SERIES, 0, (1.0,)), SERIES, None)
    assert SINGLE.from_mapping({"value": 2.0}) == Row(Event(SERIES, 0, (2.0,)), SERIES, None)


def test_a_row_without_a_time_shows_none_though_its_event_holds_zero() -> None:
    for row in (KEYED.from_line(b'{"key":"a","value":1}'), KEYED.from_mapping({"key": "a", "value": 1.0})):
        assert row == Row(Event("a", 0, (1.0,)), "a", None)


def test_the_first_millisecond_of_1970_is_a_time() -> None:
    assert KEYED.from_line(b'{"key":"a","time":0,"value":1}').timestamp == 0
    assert KEYED.from_mapping({"key": "a", "time": 0, "value": 1.0}).timestamp == 0


def test_a_refused_row_keeps_the_key_and_time_that_it_has() -> None:
    row = KEYED.from_line(b'{"key":"a","time":5,"value":"x"}')
    assert (error_of(row), row.key, row.timestamp) == (EventError.NON_NUMERIC_FEATURE, "a", 5000)
    row = KEYED.from_mapping({"key": "a", "time": "soon", "value": 1.0})
    assert (error_of(row), row.key, row.timestamp) == (EventError.INVALID_TIMESTAMP, "a", None)
    row = KEYED.from_mapping({"time": 5, "value": 1.0})
    assert (error_of(row), row.key, row.timestamp) == (EventError.MISSING_KEY, "", 5000)


def test_what_cannot_be_read_at_all_has_neither() -> None:
    for line in (b"nonsense", b"[1]", b'{"key":"a","time":5,"value":NaN}', b"x" * (MAX_BYTES + 1)):
        row = KEYED.from_line(line)
        assert isinstance(row.outcome, Rejection)
        assert (row.key, row.timestamp) == ("", None)


def test_a_readers_own_finding_becomes_a_row() -> None:
    rejection = Rejection(EventError.MALFORMED_ROW, "line 3 has 2 cells")
    assert KEYED.from_rejection(rejection) == Row(rejection, "", None)
