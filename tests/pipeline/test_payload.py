from __future__ import annotations

from collections.abc import Mapping

import pytest

from stream_rcf.errors import RegistryUnavailableError
from stream_rcf.pipeline.decode import EventDecoder, EventSchema
from stream_rcf.pipeline.event_errors import EventError
from stream_rcf.pipeline.events import Event, Rejection
from stream_rcf.pipeline.payload import JsonPayload, not_an_object

SCHEMA = EventSchema((), "timestamp", ("value",), 100)


class FixedReader:
    """A reader whose values are known beforehand."""

    def __init__(self, outcome: Mapping[str, object] | Rejection | Exception) -> None:
        self.outcome = outcome
        self.seen: list[bytes] = []

    def read(self, value: bytes) -> Mapping[str, object] | Rejection:
        self.seen.append(value)
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome


def test_json_objects_are_read_and_others_refused() -> None:
    reader = JsonPayload(["value"])
    assert reader.read(b'{"value":1}') == {"value": 1}
    for value, error in ((b"[1]", EventError.NOT_AN_OBJECT), (b"{", EventError.INVALID_JSON)):
        outcome = reader.read(value)
        assert isinstance(outcome, Rejection)
        assert outcome.error == error


def test_a_feature_that_json_cannot_hold_is_named() -> None:
    outcome = JsonPayload(["a.b"]).read(b'{"a":{"b":NaN}}')
    assert isinstance(outcome, Rejection)
    assert outcome.error == EventError.NON_FINITE_NUMBER
    assert '"a.b"' in outcome.reason


def test_a_decoder_takes_its_fields_from_the_reader_it_is_given() -> None:
    reader = FixedReader({"value": 2.5, "timestamp": 1_767_225_600_000})
    assert EventDecoder(SCHEMA, reader).decode(b"\x00raw", b"k", 0) == Event("k", 1_767_225_600_000, (2.5,))
    assert reader.seen == [b"\x00raw"]


def test_what_the_reader_refuses_stays_refused() -> None:
    refusal = not_an_object([1])
    assert EventDecoder(SCHEMA, FixedReader(refusal)).decode(b"x", b"k", 0) is refusal


def test_tombstones_and_large_values_never_reach_the_reader() -> None:
    reader = FixedReader({"value": 1.0})
    for value in (None, b"x" * 101):
        assert isinstance(EventDecoder(SCHEMA, reader).decode(value, b"k", 0), Rejection)
    assert reader.seen == []


def test_a_registry_that_does_not_answer_is_no_rejection() -> None:
    failure = RegistryUnavailableError("no answer", lambda: None)
    with pytest.raises(RegistryUnavailableError, match="no answer"):
        EventDecoder(SCHEMA, FixedReader(failure)).decode(b"x", b"k", 0)
