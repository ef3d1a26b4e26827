"""Messages of a topic as an input beside the files: decoded as the service decodes them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from stream_rcf.errors import UsageError
from stream_rcf.files.columns import KEY_COLUMN, SAMPLE_ROWS, Columns, Fields, Wanted, mostly
from stream_rcf.files.rows import Row, RowDecoder
from stream_rcf.pipeline.decode import EventDecoder
from stream_rcf.pipeline.events import Event, Rejection
from stream_rcf.pipeline.paths import path_reader
from stream_rcf.pipeline.payload import PayloadReader

MOST_DEPTH = 5  # of objects within objects in which numbers are looked for
MOST_FIELDS = 1000  # offered of an event; more are no fields but data


class TopicMessage(Protocol):
    """A message as a reader of topics gives it."""

    @property
    def key(self) -> bytes | None:
        """The message key."""

    @property
    def value(self) -> bytes | None:
        """The message value."""

    @property
    def timestamp(self) -> int:
        """Milliseconds since 1970; negative for none."""


class TopicInput:
    """Reads messages as rows. Where no column is the key, the message key is, and the record's time stands in.

    ``reader`` turns values into fields. Unlike in files, numbers within nested objects are fields too, by dotted paths.
    Raises ``UsageError`` for no messages.
    """

    def __init__(
        self, name: str, messages: Sequence[TopicMessage], reader: PayloadReader, max_bytes: int
    ) -> None:
        if not messages:
            raise UsageError(f"{name}: the topic is empty")
        self.name = name
        self._messages = messages
        self._reader = reader
        self._max_bytes = max_bytes

    @property
    def has_message_keys(self) -> bool:
        """Tell whether most messages have a key."""
        return mostly([bool(message.key) for message in self._messages])

    def wanted(self, wanted: Wanted) -> Wanted:
        """Fill in the key as the service would: the message key, or else the field ``key``.

        Raises ``UsageError`` where there is neither, as the service could not tell whose an event is.
        """
        if wanted.keys is not None or self.has_message_keys:
            return replace(wanted, keys=wanted.keys or ())
        if not self.fields().holds(KEY_COLUMN):
            raise UsageError(
                f"{self.name}: most messages have no key, and the events have no field {KEY_COLUMN!r}; "
                "name the field that says whose an event is by --key"
            )
        return replace(wanted, keys=(KEY_COLUMN,))

    def fields(self) -> Fields:
        """Return the fields of the first events, nested ones by dotted paths."""
        documents = []
        for message in self._messages[:SAMPLE_ROWS]:
            value = message.value
            document = None if value is None or len(value) > self._max_bytes else self._reader.read(value)
            if document is not None and not isinstance(document, Rejection):
                documents.append(document)
        flat = [dict(_leaves(document)) for document in documents]
        names = list(dict.fromkeys(name for leaves in flat for name in leaves))[:MOST_FIELDS]
        numeric = {
            name: mostly([_is_number(leaves[name]) for leaves in flat if leaves.get(name) is not None])
            for name in names
        }
        return Fields(
            self.name,
            numeric,
            lambda path: any(path_reader(path)(document) is not None for document in documents),
        )

    def rows(self, columns: Columns, decoder: RowDecoder) -> Iterator[Row]:
        """Yield a row for each message; of ``decoder``, which is for files, only the schema is used."""
        events = EventDecoder(decoder.schema, self._reader)
        for message in self._messages:
            outcome = events.decode(message.value, message.key, message.timestamp)
            if isinstance(outcome, Event):
                yield Row(outcome, outcome.key, outcome.timestamp)
            else:
                yield Row(outcome, "", None)


def _leaves(
    document: Mapping[str, object], prefix: str = "", depth: int = MOST_DEPTH
) -> Iterator[tuple[str, object]]:
    for name, value in document.items():
        if isinstance(value, Mapping):
            if depth > 1:
                yield from _leaves(value, f"{prefix}{name}.", depth - 1)
        else:
            yield f"{prefix}{name}", value


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
