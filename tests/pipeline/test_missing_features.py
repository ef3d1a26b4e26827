"""Events that lack features: refused, or read with NaN in their place; and the ids that tell duplicates."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from stream_rcf.pipeline.decode import EventDecoder, EventSchema, identity_of
from stream_rcf.pipeline.event_errors import EventError
from stream_rcf.pipeline.events import Event, Rejection


def decode(value: bytes, fills_missing: bool = True, id_path: str = "") -> Event | Rejection:
    schema = EventSchema((), "at", ("a", "b.c"), 1000, id_path, fills_missing)
    return EventDecoder(schema).decode(value, b"k", 5)


@pytest.mark.parametrize("value", [b'{"a":1}', b'{"a":1,"b":{"c":null}}', b'{"a":1,"b":5}'])
def test_a_missing_feature_is_not_a_number(value: bytes) -> None:
    event = decode(value)
    assert isinstance(event, Event)
    assert event.values[0] == 1.0
    assert math.isnan(event.values[1])
    refused = decode(value, fills_missing=False)
    assert isinstance(refused, Rejection)
    assert refused.error == EventError.MISSING_FEATURE


def test_an_event_without_any_feature_is_refused() -> None:
    refused = decode(b'{"b":{}}')
    assert isinstance(refused, Rejection)
    assert refused.error == EventError.MISSING_FEATURE


def test_an_event_without_any_feature_is_counted_where_events_are() -> None:
    counting = EventSchema((), "at", ("a", "b.c"), 1000, "", fills_missing=True, counts_events=True)
    event = EventDecoder(counting).decode(b'{"b":{}}', b"k", 5)
    assert isinstance(event, Event)
    assert all(map(math.isnan, event.values))
    strict = EventDecoder(replace(counting, fills_missing=False)).decode(b'{"b":{}}', b"k", 5)
    assert isinstance(strict, Rejection)
    for fills_missing in (False, True):
        alone = EventSchema((), "at", (), 1000, "", fills_missing, counts_events=True)
        assert EventDecoder(alone).decode(b"{}", b"k", 5) == Event("k", 5, ())


@pytest.mark.parametrize(
    "value", [b'{"a":"x","b":{"c":1}}', b'{"a":true,"b":{"c":1}}', b'{"a":1e39,"b":{"c":1}}']
)
def test_what_is_there_and_wrong_is_refused_as_before(value: bytes) -> None:
    assert isinstance(decode(value), Rejection)


def test_an_id_is_read_by_its_path() -> None:
    first, same = (
        decode(b'{"a":1,"b":{"c":2},"id":"e-1"}', id_path="id"),
        decode(b'{"a":7,"b":{"c":2},"id":"e-1"}', id_path="id"),
    )
    other = decode(b'{"a":1,"b":{"c":2},"id":"e-2"}', id_path="id")
    assert isinstance(first, Event)
    assert isinstance(same, Event)
    assert isinstance(other, Event)
    assert first.identity == same.identity != other.identity
    assert first.identity != 0


@pytest.mark.parametrize("value", [None, 1.5, True, [], {}])
def test_what_is_no_id_tells_no_duplicates(value: object) -> None:
    assert identity_of(value) == 0


def test_ids_that_look_alike_are_told_apart() -> None:
    assert len({identity_of(value) for value in ("1", "01", "", " 1", 2, -(2**63), "\ud800")}) == 7
