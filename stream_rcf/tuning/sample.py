"""What is kept of an input to judge it by: the newest events of some keys, in bounded memory, and counts of all."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stream_rcf.files.rows import Row
from stream_rcf.pipeline.events import Event

Floats = NDArray[np.float64]
Times = NDArray[np.int64]

# Those seen first, among which those with many events mostly are. More tell little that these do not.
MOST_KEYS = 20
EVENTS_PER_KEY = 20_000  # the newest: ten weeks of five minutes, and five and a half hours of seconds
KEPT_VALUES = 4_000_000  # of all kept keys together, 32 MB; while reading up to a few times that
MOST_COUNTED_KEYS = 1_000_000  # told apart; beyond, the number of keys is "more than"


class Refused(NamedTuple):
    """Rows that are no events, of one error."""

    rows: int
    reason: str  # of the first of them


@dataclass(frozen=True)
class KeySample:
    """The newest events of one key, in order."""

    key: str
    events: int  # of the key in the whole input
    times: Times | None  # epoch ms, (n,); None where the rows have none
    values: Floats  # (n, features)

    @property
    def step_ms(self) -> float | None:
        """The median time between two events; None where it is not known or they come all at once."""
        if self.times is None or len(self.times) < 2:
            return None
        step = float(np.median(np.diff(np.sort(self.times))))
        return step if step > 0 else None


@dataclass(frozen=True)
class Sample:
    """A sample of an input. ``keys``: those kept, that with the most events first."""

    features: tuple[str, ...]
    keys: tuple[KeySample, ...]
    events: int  # in the whole input
    key_count: int
    counts_all_keys: bool  # else there are more than ``key_count``
    span_ms: int | None  # from the earliest to the latest event; None where rows have no time
    refused: Mapping[str, Refused]  # by error

    @property
    def kept_events(self) -> int:
        """Events that are here with their values."""
        return sum(len(key.values) for key in self.keys)

    @property
    def step_ms(self) -> float | None:
        """The median time between two events of a key, each key counting by its events; None where not known."""
        steps = [(key.step_ms, key.events) for key in self.keys]
        known = sorted((step, weight) for step, weight in steps if step is not None)
        if not known:
            return None
        weights = np.cumsum([weight for _, weight in known])
        return known[int(np.searchsorted(weights, weights[-1] / 2))][0]

    def only(self, features: tuple[str, ...]) -> Sample:
        """Return the same with some of its features, in the given order."""
        places = [self.features.index(name) for name in features]
        keys = tuple(KeySample(key.key, key.events, key.times, key.values[:, places]) for key in self.keys)
        return Sample(
            features, keys, self.events, self.key_count, self.counts_all_keys, self.span_ms, self.refused
        )


@dataclass
class _KeptKey:
    times: array[int] = field(default_factory=lambda: array("q"))
    values: array[float] = field(default_factory=lambda: array("d"))

    def keep(self, events: int, width: int) -> None:
        """Let go of all but the newest."""
        excess = len(self.times) - events
        if excess > 0:
            del self.times[:excess]
            del self.values[: excess * width]


class SampleCollector:
    """Takes rows one by one."""

    def __init__(self, features: tuple[str, ...]) -> None:
        self._features = features
        self._kept: dict[str, _KeptKey] = {}
        self._counts: dict[str, int] = {}
        self._refused: dict[str, Refused] = {}
        self._events = 0
        self._counts_all = True
        self._is_timed = True
        self._first, self._last = 2**63 - 1, -1

    def add(self, row: Row) -> None:
        """Keep a row, or count it."""
        event = row.outcome
        if not isinstance(event, Event):
            rows, reason = self._refused.get(event.error, (0, event.reason))
            self._refused[event.error] = Refused(rows + 1, reason)
            return
        self._events += 1
        if event.key in self._counts or len(self._counts) < MOST_COUNTED_KEYS:
            self._counts[event.key] = self._counts.get(event.key, 0) + 1
        else:
            self._counts_all = False
        if row.timestamp is None:
            self._is_timed = False
        self._first, self._last = min(self._first, event.timestamp), max(self._last, event.timestamp)
        kept = self._kept.get(event.key)
        if kept is None:
            if len(self._kept) == MOST_KEYS:
                return
            kept = self._kept[event.key] = _KeptKey()
        kept.times.append(event.timestamp)
        kept.values.extend(event.values)
        limit = self._limit()
        if len(kept.times) >= 2 * limit:
            kept.keep(limit, len(self._features))

    def sample(self) -> Sample:
        """Return what was kept so far."""
        width, limit = len(self._features), self._limit()
        keys = []
        for name, kept in self._kept.items():
            kept.keep(limit, width)
            times = np.array(kept.times, np.int64) if self._is_timed else None
            values = np.array(kept.values, np.float64).reshape(-1, width)
            keys.append(KeySample(name, self._counts[name], times, values))
        keys.sort(key=lambda key: -key.events)
        is_timed = self._is_timed and self._events > 0
        return Sample(
            self._features,
            tuple(keys),
            self._events,
            len(self._counts),
            self._counts_all,
            self._last - self._first if is_timed else None,
            dict(self._refused),
        )

    def _limit(self) -> int:
        """Events that each key may keep."""
        keys = max(1, len(self._kept))
        return max(1, min(EVENTS_PER_KEY, KEPT_VALUES // (keys * len(self._features))))


def sample_of(rows: Iterable[Row], features: tuple[str, ...]) -> Sample:
    """Read all rows and return the sample of them."""
    collector = SampleCollector(features)
    for row in rows:
        collector.add(row)
    return collector.sample()
