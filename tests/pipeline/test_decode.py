from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream_rcf.pipeline.decode import (
    FLOAT32_MAX,
    MAX_KEY_BYTES,
    EventDecoder,
    EventSchema,
    join_key,
    split_key,
)
from stream_rcf.pipeline.event_errors import EventError
from stream_rcf.pipeline.events import Event, Rejection

RECORD_TIME = 1_700_000_000_000  # ms
NEW_YEAR = 1_767_225_600_000  # 2026-01-01, ms


def decoder(
    keys: tuple[str, ...] = (),
    timestamp: str = "timestamp",
    features: tuple[str, ...] = ("value",),
    most: int = 1000,
) -> EventDecoder:
    return EventDecoder(EventSchema(keys, timestamp, features, most))


def decode(document: Any, message_key: bytes | None = b"k", **schema: Any) -> Event | Rejection:
    value = document if isinstance(document, bytes | None) else json.dumps(document).encode()
    return decoder(**schema).decode(value, message_key, RECORD_TIME)


def rejected(outcome: Event | Rejection, error: EventError, *parts: str) -> None:
    assert isinstance(outcome, Rejection)
    assert outcome.error == error
    for part in parts:
        assert part in outcome.reason


def test_the_event_of_the_contract_works_with_the_defaults() -> None:
    value = b'{"key":"host-1","timestamp":"2026-01-01T00:00:00Z","value":12.5}'
    assert decoder().decode(value, b"host-1", RECORD_TIME) == Event("host-1", NEW_YEAR, (12.5,))


def test_numbers_become_floats() -> None:
    outcome = decode({"value": 12, "b": -3.5}, features=("value", "b"))
    assert outcome == Event("k", RECORD_TIME, (12.0, -3.5))
    assert [type(number) for number in outcome.values] == [float, float]


def test_dotted_paths_lead_into_the_event() -> None:
    document = {"host": {"name": "web"}, "at": {"time": NEW_YEAR}, "cpu": {"load": 0.5}, "cpu.idle": 0.25}
    outcome = decode(
        document, None, keys=("host.name",), timestamp="at.time", features=("cpu.load", "cpu.idle")
    )
    assert outcome == Event("web", NEW_YEAR, (0.5, 0.25))


def test_a_composite_key_cannot_be_forged_by_its_parts() -> None:
    assert decode({"a": "x|y", "b": 7, "value": 1}, None, keys=("a", "b")) == Event(
        "x\\|y|7", RECORD_TIME, (1.0,)
    )
    assert join_key(["a|b", "c"]) != join_key(["a", "b|c"])
    assert join_key(["a\\", "b"]) != join_key(["a", "\\b"])


@given(
    st.lists(st.text("ab|\\", max_size=4), min_size=2, max_size=3),
    st.lists(st.text("ab|\\", max_size=4), min_size=2, max_size=3),
)
def test_different_parts_join_to_different_keys(first: list[str], second: list[str]) -> None:
    assert (join_key(first) == join_key(second)) == (first == second)


@settings(deadline=None)
@given(st.lists(st.text("ab|\\\n", min_size=1, max_size=4), min_size=1, max_size=3))
def test_a_composite_key_comes_apart_again(parts: list[str]) -> None:
    assert split_key(join_key(parts)) == parts


def test_the_records_time_stands_in_for_a_missing_one() -> None:
    for document in ({"value": 1}, {"value": 1, "timestamp": None}):
        assert decode(document) == Event("k", RECORD_TIME, (1.0,))
    assert decode({"value": 1, "timestamp": NEW_YEAR}, timestamp="") == Event("k", RECORD_TIME, (1.0,))


def test_an_event_without_any_time_is_refused() -> None:
    rejected(decoder().decode(b'{"value":1}', b"k", -1), EventError.INVALID_TIMESTAMP, "(-1)")


@pytest.mark.parametrize("value", ["soon", True, [], {}, -5, "2300-01-01", 1e300])
def test_a_time_that_makes_no_sense_is_refused(value: object) -> None:
    rejected(decode({"value": 1, "timestamp": value}), EventError.INVALID_TIMESTAMP, '"timestamp"')


def test_a_record_without_a_value_is_a_tombstone() -> None:
    rejected(decode(None), EventError.TOMBSTONE)


def test_a_value_is_measured_before_it_is_read() -> None:
    rejected(decode(b"x" * 1001), EventError.TOO_LARGE, "1001", "events.max_bytes", "1000")
    assert isinstance(decode(b'{"value":1}'.ljust(1000)), Event)


@pytest.mark.parametrize(
    ("value", "error"),
    [
        (b"", EventError.INVALID_JSON),
        (b"{", EventError.INVALID_JSON),
        (b'{"value":"\xc3"}', EventError.INVALID_UTF8),
        (b'{"value":NaN}', EventError.NON_FINITE_NUMBER),
        (b'{"value":1e999}', EventError.NON_FINITE_NUMBER),
        (b"[1]", EventError.NOT_AN_OBJECT),
        (b"1", EventError.NOT_AN_OBJECT),
        (b"null", EventError.NOT_AN_OBJECT),
    ],
)
def test_what_is_not_an_object_of_json_is_refused(value: bytes, error: EventError) -> None:
    rejected(decode(value), error)


@pytest.mark.parametrize(
    ("value", "error"),
    [
        ("1.5", EventError.NON_NUMERIC_FEATURE),
        (True, EventError.NON_NUMERIC_FEATURE),
        ([1], EventError.NON_NUMERIC_FEATURE),
        ({}, EventError.NON_NUMERIC_FEATURE),
        (None, EventError.MISSING_FEATURE),
        (1e39, EventError.NUMBER_OUT_OF_RANGE),
        (-1e39, EventError.NUMBER_OUT_OF_RANGE),
        (10**60, EventError.NUMBER_OUT_OF_RANGE),
    ],
)
def test_a_feature_must_be_a_number_that_a_point_can_hold(value: object, error: EventError) -> None:
    rejected(decode({"value": value}), error, '"value"')
    rejected(decode({"a": 1, "value": value}, features=("a", "value")), error, '"value"')


def test_a_missing_feature_is_named() -> None:
    rejected(decode({"a": 1}, features=("a", "b")), EventError.MISSING_FEATURE, '"b"')


def test_the_range_of_a_feature_is_that_of_a_point() -> None:
    assert decode({"value": FLOAT32_MAX}) == Event("k", RECORD_TIME, (FLOAT32_MAX,))
    assert decode({"value": -FLOAT32_MAX}) == Event("k", RECORD_TIME, (-FLOAT32_MAX,))


def test_parsed_rows_may_hold_what_json_cannot() -> None:
    reader = decoder()
    for number in (float("nan"), float("inf"), float("-inf")):
        rejected(reader.from_mapping({"value": number}, b"k", 0), EventError.NON_FINITE_NUMBER)
    rejected(reader.from_mapping({"value": 10**4000}, b"k", 0), EventError.NUMBER_OUT_OF_RANGE)


@pytest.mark.parametrize(
    ("message_key", "error"),
    [(None, EventError.MISSING_KEY), (b"", EventError.EMPTY_KEY), (b"\xff", EventError.INVALID_KEY)],
)
def test_a_message_key_must_be_text(message_key: bytes | None, error: EventError) -> None:
    rejected(decode({"value": 1}, message_key), error, "message key")


@pytest.mark.parametrize(
    ("key", "error"),
    [
        (None, EventError.MISSING_KEY),
        ("", EventError.EMPTY_KEY),
        (True, EventError.INVALID_KEY),
        (1.5, EventError.INVALID_KEY),
        (10**30, EventError.INVALID_KEY),
        ([], EventError.INVALID_KEY),
        ({}, EventError.INVALID_KEY),
    ],
)
def test_a_key_in_the_event_must_be_text_or_a_whole_number(key: object, error: EventError) -> None:
    rejected(decode({"id": key, "value": 1}, keys=("id",)), error, '"id"')


def test_whole_numbers_are_keys() -> None:
    assert decode({"id": -7, "value": 1}, keys=("id",)) == Event("-7", RECORD_TIME, (1.0,))


def test_a_key_that_no_record_could_carry_is_refused() -> None:
    rejected(decoder(("id",)).from_mapping({"id": "a\udcff", "value": 1.0}, None, 0), EventError.INVALID_KEY)


@pytest.mark.parametrize("character", ["x", "é", "€", "🌍"])
def test_the_length_of_a_key_is_counted_in_bytes(character: str) -> None:
    longest = character * (MAX_KEY_BYTES // len(character.encode()))
    assert decode({"value": 1}, longest.encode()) == Event(longest, RECORD_TIME, (1.0,))
    rejected(
        decode({"value": 1}, (longest + character).encode()), EventError.KEY_TOO_LONG, str(MAX_KEY_BYTES)
    )
    rejected(decode({"id": longest + "ab", "value": 1}, keys=("id",), most=10_000), EventError.KEY_TOO_LONG)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)
NEAR_EVENTS = st.fixed_dictionaries(
    {}, optional={"id": JSON_VALUES, "timestamp": JSON_VALUES, "value": JSON_VALUES}
)
SCHEMAS = st.sampled_from(
    [decoder(), decoder(("id",)), decoder(("id", "id.x"), "timestamp.a", ("value", "value.b"))]
)


def check_outcome(outcome: Event | Rejection) -> None:
    if isinstance(outcome, Rejection):
        assert outcome.error in set(EventError)
        assert outcome.reason.isprintable()
        assert len(outcome.reason) < 1000
    else:
        assert outcome.key
        assert len(outcome.key.encode()) <= MAX_KEY_BYTES
        assert all(type(number) is float and abs(number) <= FLOAT32_MAX for number in outcome.values)


@given(SCHEMAS, st.none() | st.binary(max_size=1200), st.none() | st.binary(max_size=1100), st.integers())
def test_no_bytes_raise(reader: EventDecoder, value: bytes | None, key: bytes | None, time: int) -> None:
    check_outcome(reader.decode(value, key, time))


@settings(max_examples=300)
@given(SCHEMAS, NEAR_EVENTS | JSON_VALUES, st.binary(max_size=5), st.booleans())
def test_nothing_near_an_event_raises(reader: EventDecoder, document: Any, key: bytes, escaped: bool) -> None:
    text = json.dumps(document, ensure_ascii=escaped)
    check_outcome(reader.decode(text.encode("utf-8", "surrogatepass"), key, 0))


@given(
    SCHEMAS,
    st.dictionaries(st.sampled_from(["id", "timestamp", "value"]), JSON_VALUES | st.dates() | st.datetimes()),
)
def test_no_parsed_row_raises(reader: EventDecoder, mapping: dict[str, object]) -> None:
    check_outcome(reader.from_mapping(mapping, b"k", 0))
