"""What the tests of the schema formats share."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from stream_rcf.kafka.schema_registry import Reference, RegisteredSchema, SchemaRefused
from stream_rcf.kafka.schema_registry_reader import PayloadDecoder, SchemaFormat
from stream_rcf.pipeline.event_errors import EventError
from stream_rcf.pipeline.events import Rejection

HEADER = b"\0\0\0\0\1"
PATIENCE_SECONDS = 30.0  # far more than a bounded answer takes, and far less than an unbounded one


def compiled(schema_format: SchemaFormat, text: str, **references: str) -> PayloadDecoder:
    """The decoder of a schema and those it refers to, by name."""
    found = tuple(Reference(name, other) for name, other in references.items())
    return schema_format.compile(RegisteredSchema(schema_format.kind, text, found))


def refusal(schema_format: SchemaFormat, text: str, **references: str) -> str:
    """Why the schema cannot be used, in time."""
    began = time.monotonic()
    with pytest.raises(SchemaRefused) as failure:
        compiled(schema_format, text, **references)
    assert time.monotonic() - began < PATIENCE_SECONDS, "a refusal must not take long"
    assert failure.value.rejection.error == EventError.INVALID_SCHEMA
    assert str(failure.value).isprintable()
    return str(failure.value)


def fields(outcome: Mapping[str, object] | Rejection) -> Mapping[str, Any]:
    """The fields of a value that can be read."""
    assert not isinstance(outcome, Rejection), outcome
    return outcome


def misfit(outcome: Mapping[str, object] | Rejection, error: EventError = EventError.INVALID_PAYLOAD) -> str:
    """Why a value is refused."""
    assert isinstance(outcome, Rejection), outcome
    assert outcome.error == error
    assert outcome.reason.isprintable()
    return outcome.reason


def in_time(action: Callable[[], Any]) -> Any:
    """What the action returns, in time: for what would take hours without its bound."""
    began = time.monotonic()
    outcome = action()
    assert time.monotonic() - began < PATIENCE_SECONDS
    return outcome
