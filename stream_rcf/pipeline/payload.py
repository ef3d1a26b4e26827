"""From the bytes of a record to its fields: the one step of decoding that depends on how events are written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import orjson

from stream_rcf.pipeline.event_errors import EventError, quoted
from stream_rcf.pipeline.events import Rejection
from stream_rcf.pipeline.paths import path_reader
from stream_rcf.pipeline.unreadable import explain_unreadable


class PayloadReader(Protocol):
    """Reads values of one format. Threads may share it."""

    def read(self, value: bytes) -> Mapping[str, object] | Rejection:
        """Return the fields, nested ones as mappings, or why there are none.

        Nothing in ``value`` may raise. Raises ``RegistryUnavailableError`` where a schema is not known and cannot be
        asked for at present, and ``UnreachableError`` where asking is forbidden.
        """


class JsonPayload:
    """JSON objects. ``features`` are dotted paths, named where a number is one that JSON cannot hold."""

    def __init__(self, features: Sequence[str]) -> None:
        self._features = [(path, path_reader(path)) for path in features]

    def read(self, value: bytes) -> Mapping[str, object] | Rejection:
        """Return the object, or why the value is none."""
        try:
            document = orjson.loads(value)
        except orjson.JSONDecodeError as error:
            return explain_unreadable(value, str(error), self._features)
        if type(document) is not dict:
            return not_an_object(document)
        return document


def not_an_object(document: object) -> Rejection:
    """Refuse a value that could be read but has no fields."""
    return Rejection(
        EventError.NOT_AN_OBJECT, f"the value is {quoted(document)}, but an event is an object with fields"
    )
