"""One row of a file on its way to one row of the output."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import orjson

from stream_rcf.files.columns import Columns
from stream_rcf.pipeline.decode import EventDecoder, EventSchema
from stream_rcf.pipeline.events import Event, Rejection

NO_TIME = 0  # ms: what rows without a time carry inside; scores do not depend on it
ANY_KEY = b"-"  # stands for the message key where all rows are one series; the decoder refuses an empty one


class Row(NamedTuple):
    """An event, or why the row is none; with the key and the time to show for it either way."""

    outcome: Event | Rejection
    key: str
    timestamp: int | None  # epoch ms


class RowDecoder:
    """Turns what readers find into rows, by the decoder that the service uses.

    ``series`` is the key of every row where no column is: the file's name, so that outputs say which series they are.
    ``fills_missing``: a row may lack features, but not all of them.
    """

    def __init__(self, columns: Columns, max_bytes: int, series: str, fills_missing: bool = False) -> None:
        self._series = series
        self._columns = columns
        self._decoder = EventDecoder(columns.schema(max_bytes, fills_missing))
        # Without a time no event finds its window, and it is refused.
        self._stand_in = -1 if columns.is_windowed else NO_TIME
        self.longest_line = max_bytes

    @property
    def schema(self) -> EventSchema:
        """Where a row keeps its parts."""
        return self._decoder.schema

    def from_mapping(self, mapping: Mapping[str, object]) -> Row:
        """Decode a row that is already split into named values."""
        outcome = self._decoder.from_mapping(mapping, ANY_KEY, self._stand_in)
        return (
            self._accepted(outcome, mapping)
            if isinstance(outcome, Event)
            else self._refused(outcome, mapping)
        )

    def from_line(self, line: bytes) -> Row:
        """Decode a line of JSON."""
        outcome = self._decoder.decode(line, ANY_KEY, self._stand_in)
        if isinstance(outcome, Event):
            # Only a time of 0 leaves open whether the event has one.
            unsure = self._columns.timestamp is not None and outcome.timestamp == NO_TIME
            return self._accepted(outcome, _parsed(line) if unsure else {})
        return self._refused(outcome, _parsed(line) if len(line) <= self.longest_line else {})

    def from_rejection(self, rejection: Rejection) -> Row:
        """Make a row of what the reader itself could not read."""
        return self._refused(rejection, {})

    def _accepted(self, event: Event, mapping: Mapping[str, object]) -> Row:
        timestamp: int | None = event.timestamp
        if self._columns.timestamp is None or (timestamp == NO_TIME and not self._has_time(mapping)):
            timestamp = None
        if not self._columns.keys:
            return Row(event._replace(key=self._series), self._series, timestamp)
        return Row(event, event.key, timestamp)

    def _refused(self, rejection: Rejection, mapping: Mapping[str, object]) -> Row:
        key = self._decoder.read_key(mapping, ANY_KEY) if self._columns.keys else self._series
        timestamp = self._decoder.read_timestamp(mapping, NO_TIME) if self._has_time(mapping) else None
        return Row(
            rejection,
            "" if isinstance(key, Rejection) else key,
            None if isinstance(timestamp, Rejection) else timestamp,
        )

    def _has_time(self, mapping: Mapping[str, object]) -> bool:
        """Tell whether the row has a time of its own, for otherwise there would be none to read from it."""
        if self._columns.timestamp is None:
            return False
        return isinstance(self._decoder.read_timestamp(mapping, -1), int)


def _parsed(line: bytes) -> Mapping[str, object]:
    try:
        document = orjson.loads(line)
    except orjson.JSONDecodeError:
        return {}
    return document if isinstance(document, dict) else {}
