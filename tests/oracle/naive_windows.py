"""Windows in plain Python: every event of a key is kept, and what a window is worth is worked out when it closes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from stream_rcf.core.aggregates import Aggregate, Aggregation

LARGEST_FLOAT32 = 3.4028234663852886e38


class RawEvent(NamedTuple):
    """One event; ``values`` by path, None where it has none."""

    timestamp: int
    values: dict[str, float | None]
    identity: int = 0  # 0 for none


class NaiveWindow(NamedTuple):
    """A closed window: its start, its aggregates (NaN where nothing is known), and the event that closed it."""

    start: int
    values: tuple[float, ...]
    closed_by: int


@dataclass
class NaiveWindows:
    """The windows of one key."""

    aggregates: Sequence[Aggregate]
    length: int
    lateness: int = 0
    empty_windows: int = 8
    remembered_ids: int = 0
    retire_after: int = 0
    closed: list[NaiveWindow] = field(default_factory=list)
    late: list[int] = field(default_factory=list)  # events, by their number
    duplicate: list[int] = field(default_factory=list)
    _open: dict[int, list[RawEvent]] = field(default_factory=dict)
    _ids: list[int] = field(default_factory=list)
    _latest: int | None = None
    _last_filled: int | None = None
    _events: int = 0

    def add(self, event: RawEvent) -> None:
        """Take one event, in the order in which they come."""
        number, self._events = self._events, self._events + 1
        window = math.floor(event.timestamp / self.length)
        if self._latest is not None:
            if window * self.length + self.length + self.lateness <= self._latest:
                self.late.append(number)
                return
            before = math.floor(self._latest / self.length)
            if self.retire_after and (window - before) * self.length > self.retire_after:
                self._open, self._ids, self._last_filled = {}, [], None
        if event.identity and event.identity in self._ids:
            self.duplicate.append(number)
            return
        if event.identity and self.remembered_ids:
            self._ids = [*self._ids, event.identity][-self.remembered_ids :]
        if self._latest is None or event.timestamp > self._latest:
            self._close(event.timestamp, number)
            self._latest = event.timestamp
        self._open.setdefault(window, []).append(event)

    def _close(self, now: int, closed_by: int) -> None:
        """Close what ends at least ``lateness`` before ``now``, and the empty ones between."""
        if self._latest is None:
            return
        first = math.floor((self._latest - self.lateness) / self.length)
        last = math.floor((now - self.lateness) / self.length) - 1
        can_be_empty = any(one.aggregation in (Aggregation.COUNT, Aggregation.SUM) for one in self.aggregates)
        for window in range(first, last + 1):
            events = self._open.pop(window, [])
            if events:
                self._last_filled = window
            elif (
                not can_be_empty
                or self._last_filled is None
                or window > self._last_filled + self.empty_windows
            ):
                continue
            values = tuple(_worth(one, events) for one in self.aggregates)
            self.closed.append(NaiveWindow(window * self.length, values, closed_by))


def _worth(aggregate: Aggregate, events: Sequence[RawEvent]) -> float:
    if aggregate.aggregation is Aggregation.COUNT:
        return float(len(events))
    values = [value + 0.0 for event in events if (value := event.values[aggregate.path]) is not None]
    total = 0.0
    for value in values:
        total += value
    match aggregate.aggregation:
        case Aggregation.SUM:
            return min(max(total, -LARGEST_FLOAT32), LARGEST_FLOAT32)
        case _ if not values:
            return math.nan
        case Aggregation.MEAN:
            return min(max(total / len(values), min(values)), max(values))
        case Aggregation.MINIMUM:
            return min(values)
        case Aggregation.MAXIMUM:
            return max(values)
        case _:
            return sorted(values)[math.ceil(aggregate.percent * len(values) / 100) - 1]
