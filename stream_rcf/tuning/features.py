"""Which of the numeric fields are worth watching, and why the others are not."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from stream_rcf.pipeline.timestamps import MILLISECONDS_LIMIT, SECONDS_LIMIT
from stream_rcf.time_zones import EARLIEST
from stream_rcf.tuning.sample import Floats, Sample
from stream_rcf.tuning.transforms import is_counter

LEAST_VALUES = 50  # fewer do not show what a field is
ID_WORDS = frozenset({"id", "ids", "uuid", "guid", "pid", "serial", "identifier"})
DISTINCT_SHARE = 0.99  # of an identifier's values
SPARSE = 1000  # an identifier's numbers come from a range at least so many times as large as there are values
# 0.1 % of samples of a uniform distribution lie further from it, times the root of their number.
UNIFORM_DISTANCE = 1.95
YEAR_2000_SECONDS = 946_684_800
_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[0-9]+")


class LeftOut(NamedTuple):
    """A field that is not watched, and why: the end of the sentence "it ..."."""

    name: str
    reason: str


def review(sample: Sample) -> tuple[tuple[str, ...], list[LeftOut]]:
    """Return the features worth watching, and those that are not. Counters are watched by their differences."""
    kept, left_out = [], []
    for place, name in enumerate(sample.features):
        reason = _objection(name, [key.values[:, place] for key in sample.keys])
        if reason is None:
            kept.append(name)
        else:
            left_out.append(LeftOut(name, reason))
    return tuple(kept), left_out


def _objection(name: str, series: list[Floats]) -> str | None:
    if all(values.min() == values.max() for values in series):
        everywhere = len({float(values[0]) for values in series}) == 1
        return "is constant" if everywhere else "is constant within each key, as a label is"
    if is_counter(series):
        # The rows of a file are numbered whatever their keys.
        if _mostly(series, _is_row_number) or _is_row_number(np.sort(np.concatenate(series))):
            return "counts the events one by one"
        if _mostly(series, _is_time):
            return "is a time; should it be the event's, name it by --timestamp"
        return None
    if _mostly(series, _is_whole) and (_is_called_id(name) or _mostly(series, _is_random_number)):
        return "looks like an identifier: whole numbers that name things, not amounts"
    return None


def _mostly(series: list[Floats], holds: Callable[[Floats], bool]) -> bool:
    return 2 * sum(len(values) for values in series if holds(values)) > sum(map(len, series))


def _is_whole(values: Floats) -> bool:
    return bool(np.all(values == np.floor(values)))


def _is_row_number(values: Floats) -> bool:
    return bool(len(values) > 1 and np.all(np.diff(values) == 1))


def _is_time(values: Floats) -> bool:
    """Tell whether all are seconds or milliseconds since 1970, of this century."""
    low, high = float(values.min()), float(values.max())
    seconds = low >= YEAR_2000_SECONDS and high < SECONDS_LIMIT // 20
    milliseconds = low >= YEAR_2000_SECONDS * 1000 and high < MILLISECONDS_LIMIT // 20
    return low > EARLIEST and (seconds or milliseconds)


def _is_called_id(name: str) -> bool:
    words = [word.lower() for word in _WORDS.findall(name.rsplit(".", 1)[-1])]
    return bool(ID_WORDS.intersection(words))


def _is_random_number(values: Floats) -> bool:
    """Tell whether whole numbers hardly repeat and fill a large range evenly, as those that are made up do."""
    count = len(values)
    if count < LEAST_VALUES or len(np.unique(values)) < DISTINCT_SHARE * count:
        return False
    ordered = np.sort(values)
    width = float(ordered[-1] - ordered[0])
    if width < SPARSE * count:
        return False
    expected = (np.arange(count) + 0.5) / count
    distance = float(np.abs((ordered - ordered[0]) / width - expected).max())
    return bool(distance * np.sqrt(count) < UNIFORM_DISTANCE)
