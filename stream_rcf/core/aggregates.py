"""What raw events come to over a window of event time: which aggregates there are, and how they are written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

from stream_rcf.core.requirements import require
from stream_rcf.errors import UsageError

EMPTY_WINDOWS = 8  # as many as the default shingle is long: it is all zeros then
MAX_EMPTY_WINDOWS = 100  # what one event may cost, whatever the pause before it
MAX_OPEN_WINDOWS = 64  # of a key; each takes some hundred bytes, and 4 kB for every path with a quantile
MAX_WINDOW_MS = 366 * 24 * 3_600_000  # a year
COUNT = "count"
FORMS = f"{COUNT}, sum(path), mean(path), min(path), max(path) or a percentile such as p99(path)"


class Aggregation(IntEnum):
    """How the values of a window become one number."""

    COUNT = 0  # of events, whatever they hold
    SUM = 1
    MEAN = 2
    MINIMUM = 3
    MAXIMUM = 4
    PERCENTILE = 5  # nearest rank: the least value that so many percent of the values do not exceed


IS_ZERO_WHEN_EMPTY = (Aggregation.COUNT, Aggregation.SUM)
_BY_NAME = {
    "sum": Aggregation.SUM,
    "mean": Aggregation.MEAN,
    "min": Aggregation.MINIMUM,
    "max": Aggregation.MAXIMUM,
}
_PERCENTILES = {f"p{percent}": percent for percent in range(1, 100)}


class Aggregate(NamedTuple):
    """One feature of a windowed stream."""

    aggregation: Aggregation
    path: str  # to the number in the event; empty for COUNT
    percent: int  # 1 to 99 for PERCENTILE, else 0


def aggregate_of(text: str) -> Aggregate:
    """Read ``count`` or ``sum(path)``. Raises ``UsageError`` for anything else."""
    if text == COUNT:
        return Aggregate(Aggregation.COUNT, "", 0)
    name, _, rest = text.partition("(")
    path = rest.removesuffix(")")
    if path and rest.endswith(")") and not {"(", ")"}.intersection(path):
        if name in _BY_NAME:
            return Aggregate(_BY_NAME[name], path, 0)
        if name in _PERCENTILES:
            return Aggregate(Aggregation.PERCENTILE, path, _PERCENTILES[name])
    raise UsageError(f"{text!r} is no aggregate: over windows a feature is {FORMS}")


def aggregates_of(features: Sequence[str]) -> tuple[Aggregate, ...]:
    """Read all features of a windowed stream. Raises ``UsageError`` for the first that is no aggregate."""
    return tuple(map(aggregate_of, features))


def paths_of(features: Sequence[str]) -> tuple[str, ...]:
    """Return the paths that the aggregates read, each once: those with a percentile first, else in their order.

    It is the order of the values of a raw event of a windowed stream.
    """
    aggregates = [aggregate for aggregate in aggregates_of(features) if aggregate.path]
    sketched = [one.path for one in aggregates if one.aggregation is Aggregation.PERCENTILE]
    return tuple(dict.fromkeys([*sketched, *(one.path for one in aggregates)]))


@dataclass(frozen=True, slots=True)
class WindowParameters:
    """Raw events are added up by key over windows of event time, and each closed window is what the forest sees.

    ``window_ms``: their length; window ``i`` holds the times from ``i * window_ms`` on, below ``(i + 1) * window_ms``.
    ``empty_windows``: after a window with events so many without one are records of their own, where a feature is a
    count or a sum, which are 0 then; further ones are left out. 0 leaves all of them out.
    Raises ``UsageError`` for a value outside its range.
    """

    window_ms: int
    empty_windows: int = EMPTY_WINDOWS

    def __post_init__(self) -> None:
        long = f"between 1 and {MAX_WINDOW_MS}"
        require(1 <= self.window_ms <= MAX_WINDOW_MS, "window_ms", self.window_ms, long)
        many = f"between 0 and {MAX_EMPTY_WINDOWS}"
        require(0 <= self.empty_windows <= MAX_EMPTY_WINDOWS, "empty_windows", self.empty_windows, many)

    def open_windows(self, lateness_ms: int) -> int:
        """Return how many windows of a key are open at once at most, where events may be so late."""
        return -(-lateness_ms // self.window_ms) + 1
