from __future__ import annotations

import math
from typing import NamedTuple

import orjson
import pytest

from stream_rcf.core.aggregates import WindowParameters
from stream_rcf.core.parameters import DetectorParameters, ForestParameters
from stream_rcf.errors import UsageError
from stream_rcf.files.columns import Columns, Wanted, choose_columns
from stream_rcf.files.rows import RowDecoder
from stream_rcf.files.windowed_rows import WindowsAlone
from stream_rcf.pipeline.payload import JsonPayload
from stream_rcf.tuning.topic_input import TopicInput
from tests.files.support import MAX_BYTES, error_of, event_of


class Sent(NamedTuple):
    key: bytes | None
    value: bytes | None
    timestamp: int


def topic_of(*messages: Sent) -> TopicInput:
    return TopicInput("topic t", messages, JsonPayload(()), MAX_BYTES)


def event(key: bytes | None = b"k", timestamp: int = 1000, **fields: object) -> Sent:
    return Sent(key, orjson.dumps(fields), timestamp)


def test_nested_numbers_are_fields() -> None:
    found = topic_of(event(cpu=1, memory={"used": 2.5, "name": "x", "deep": {"er": 1}}, on=True)).fields()
    assert found.numeric == {
        "cpu": True,
        "memory.used": True,
        "memory.name": False,
        "memory.deep.er": True,
        "on": False,
    }
    assert found.holds("memory.used")
    assert not found.holds("memory.free")
    assert choose_columns(Wanted(()), found).features == ("cpu", "memory.used", "memory.deep.er")


def test_rows_are_what_the_service_reads() -> None:
    opened = topic_of(
        event(value=1.5),
        event(b"other", value=2.0, at="2026-01-01T00:00:00Z"),
        Sent(b"k", None, 0),
        event(None, value=1.0),
        event(value="x"),
    )
    columns = Columns((), "at", ("value",))
    rows = list(opened.rows(columns, RowDecoder(columns, MAX_BYTES, "unused")))
    assert event_of(rows[0])[:3] == ("k", 1000, (1.5,)), "the record's time stands in"
    assert event_of(rows[1])[:3] == ("other", 1_767_225_600_000, (2.0,))
    assert [error_of(row) for row in rows[2:]] == ["tombstone", "missing_key", "non_numeric_feature"]


def test_features_may_be_missing_as_in_the_service() -> None:
    opened, columns = topic_of(event(a=1.0), event(c=1)), Columns((), None, ("a", "b"))
    complete = list(opened.rows(columns, RowDecoder(columns, MAX_BYTES, "unused")))
    assert [error_of(row) for row in complete] == ["missing_feature"] * 2
    filled = list(opened.rows(columns, RowDecoder(columns, MAX_BYTES, "unused", fills_missing=True)))
    assert math.isnan(event_of(filled[0]).values[1])
    assert error_of(filled[1]) == "missing_feature"


def test_windows_are_of_the_records_time_where_an_event_has_none() -> None:
    opened = topic_of(*(event(timestamp=1000 * n, value=float(n)) for n in range(5)))
    wanted = opened.wanted(Wanted(features=("count", "max(value)"), is_windowed=True))
    columns = choose_columns(wanted, opened.fields())
    rows = opened.rows(columns, RowDecoder(columns, MAX_BYTES, "unused"))
    windows = WindowsAlone(
        DetectorParameters(columns.features, ForestParameters(dimensions=2), windows=WindowParameters(2000))
    )
    assert [event_of(row)[1:3] for row in windows.rows(rows)] == [(0, (2.0, 1.0)), (2000, (2.0, 3.0))]


def test_the_key_is_the_messages_or_a_field() -> None:
    assert topic_of(event(key_=1, value=1)).wanted(Wanted()).keys == ()
    keyless = topic_of(Sent(None, b'{"key":"a","value":1}', 0))
    assert keyless.wanted(Wanted()).keys == ("key",)
    assert keyless.wanted(Wanted(keys=("host",))).keys == ("host",)
    with pytest.raises(UsageError, match=r"most messages have no key.* by --key"):
        topic_of(Sent(None, b'{"value":1}', 0)).wanted(Wanted())


def test_an_empty_topic_and_values_that_are_no_objects() -> None:
    with pytest.raises(UsageError, match="topic t: the topic is empty"):
        topic_of()
    assert topic_of(Sent(b"k", b"broken", 0), Sent(b"k", b"x" * 2000, 0)).fields().numeric == {}
