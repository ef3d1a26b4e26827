from __future__ import annotations

from orjson import dumps

from stream_rcf.demo.bad_events import bad_event
from stream_rcf.pipeline.decode import EventDecoder, EventSchema
from stream_rcf.pipeline.events import Event, Rejection

FIELDS: dict[str, object] = {"timestamp": "2026-01-01T00:00:00Z", "cpu": 1.5, "latency": 2.5}
DECODER = EventDecoder(EventSchema((), "timestamp", ("cpu", "latency"), 10_000))


def test_each_way_of_going_wrong_is_refused_with_an_error_of_its_own() -> None:
    answers = [
        DECODER.decode(value, key, 0) for key, value in (bad_event(i, b"web-01", FIELDS) for i in range(7))
    ]
    errors = [answer.error for answer in answers if isinstance(answer, Rejection)]

    assert errors == [
        "invalid_json",
        "non_numeric_feature",
        "missing_feature",
        "non_finite_number",
        "invalid_timestamp",
        "empty_key",
        "invalid_utf8",
    ]


def test_the_ways_come_in_turn() -> None:
    assert bad_event(7, b"k", FIELDS) == bad_event(0, b"k", FIELDS)


def test_the_event_they_are_made_from_is_a_good_one() -> None:
    assert isinstance(DECODER.decode(dumps(FIELDS), b"web-01", 0), Event)
