"""Fields of the event that an alert repeats: what may be copied, and that nothing else is."""

from __future__ import annotations

import pytest

from stream_rcf.pipeline.copied_fields import MAX_TEXT, CopiedFields
from stream_rcf.pipeline.payload import JsonPayload

FIELDS = CopiedFields(["host", "trace.id", "count", "is_test", "tags"], JsonPayload(()))


def test_text_numbers_and_truth_values_are_copied_by_path() -> None:
    event = b'{"host":"web-1","trace":{"id":17},"count":2.5,"is_test":false,"other":1}'
    assert FIELDS.read(event) == {"host": "web-1", "trace.id": 17, "count": 2.5, "is_test": False}


@pytest.mark.parametrize(
    "event", [None, b"not json", b"[]", b"{}", b'{"tags":["a"],"host":null,"trace":{"id":{"a":1}}}']
)
def test_what_is_absent_or_no_plain_value_is_left_out(event: bytes | None) -> None:
    assert FIELDS.read(event) == {}


def test_no_event_makes_an_alert_long() -> None:
    found = FIELDS.read(b'{"host":"' + b"x" * 100_000 + b'","count":' + b"9" * 19 + b"}")
    assert len(str(found["host"])) == MAX_TEXT
    assert FIELDS.read(b'{"host":"a","count":' + b"9" * 400 + b"}") in ({}, {"host": "a"})
