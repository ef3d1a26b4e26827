"""What flows through a batch: plain tuples that every layer shares."""

from __future__ import annotations

from typing import NamedTuple


class Event(NamedTuple):
    """A valid event, ready to be scored."""

    key: str
    timestamp: int  # epoch ms
    values: tuple[float, ...]  # by feature, finite in float32; NaN where it is missing, if that is allowed
    identity: int = 0  # a 64-bit digest of the id its source gave it, 0 for none


class Rejection(NamedTuple):
    """Why an input is not an event."""

    error: str  # its class, snake_case, one of a closed set
    reason: str  # a sentence for a person


class Position(NamedTuple):
    """Where a record came from; of a window, the event that closed it."""

    topic: str
    partition: int
    offset: int
    # Its start, epoch ms, since one event may close several; None where events are records.
    window: int | None = None


def alert_id(source: Position) -> str:
    """A pure function of where the event lies: no topic name holds a colon, so no two positions share an id.

    Of a window it is that of the event that closed it, and the window's start.
    """
    position = f"{source.topic}:{source.partition}:{source.offset}"
    return position if source.window is None else f"{position}:{source.window}"
