"""Whether a series goes with the time of the day or of the week, so that what is left of it says more."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np

from stream_rcf.core.model import past_words
from stream_rcf.core.preprocessing import Transform
from stream_rcf.core.seasons import HOUR_MS, WEEK_MS, take_off
from stream_rcf.local_time import local_time
from stream_rcf.tuning.sample import Floats, KeySample, Times

SeasonName = Literal["subtract_time_of_day", "subtract_time_of_week"]

DAY_MS = 24 * HOUR_MS
LEAST_STEPS_PER_DAY = 8  # fewer leave most hours unknown
# Half of the sample teaches, half is judged: of each time of the day, or of the week, at least two.
LEAST_DAYS, LEAST_WEEKS_AS_DAYS = 4, 28
# What is left, on average, of what an average alone leaves: well below, or the season costs more than it tells.
LEFT_OF_LEVEL = 0.6
LEFT_OF_DAY = 0.85  # of what is left by the day


class Season(NamedTuple):
    """A transform, and the share of the usual distance from the average that is left by it."""

    name: SeasonName
    left: float


def season_of(keys: Sequence[KeySample], place: int) -> Season | None:
    """Return what the feature at ``place`` goes with, by the keys that are long enough; None for nothing."""
    weights, by_day, by_week = [], [], []
    for key in keys:
        if key.times is None or not _is_long(key.times, LEAST_DAYS):
            continue
        times, values = key.times, key.values[:, place]
        level = min(_left(_without_average(times, values, memory)) for memory in (DAY_MS, WEEK_MS))
        if level == 0.0:
            continue
        weights.append(len(values))
        by_day.append(_left(without_season(times, values, "subtract_time_of_day")) / level)
        is_told = _is_long(times, LEAST_WEEKS_AS_DAYS)
        by_week.append(
            _left(without_season(times, values, "subtract_time_of_week")) / level if is_told else np.inf
        )
    if not weights:
        return None
    day, week = (float(np.average(shares, weights=weights)) for shares in (by_day, by_week))
    if week <= min(LEFT_OF_LEVEL, LEFT_OF_DAY * day):
        return Season("subtract_time_of_week", week)
    return Season("subtract_time_of_day", day) if day <= LEFT_OF_LEVEL else None


def without_season(times: Times, values: Floats, name: SeasonName, time_zone: str = "UTC") -> Floats:
    """Return what the detector would see of ``values`` (n,) at ``times`` (n,) epoch ms."""
    transform = Transform[name.upper()]
    left = values.astype(np.float64)
    take_off(
        np.zeros(past_words([transform])),
        transform == Transform.SUBTRACT_TIME_OF_WEEK,
        local_time(time_zone).since_monday(times),
        _pauses(times),
        left,
    )
    return left


def _without_average(times: Times, values: Floats, memory_ms: int) -> Floats:
    """Return what an average over such a time leaves: of a series that wanders, no clock is to have the credit."""
    spent = np.clip(_pauses(times), 0, HOUR_MS) / memory_ms
    left = np.empty(len(values))
    average = float(values[0])
    for event, value in enumerate(values.tolist()):
        left[event] = value - average
        average += max(float(spent[event]), 1.0 / (event + 1)) * (value - average)
    return left


def _pauses(times: Times) -> Times:
    pauses: Times = np.diff(np.maximum.accumulate(times), prepend=times[:1] - HOUR_MS)
    return pauses


def _is_long(times: Times, days: int) -> bool:
    span = float(times.max() - times.min()) / DAY_MS if len(times) else 0.0
    return span >= days and len(times) >= LEAST_STEPS_PER_DAY * span


def _left(values: Floats) -> float:
    """The average distance from 0 in the later half: how far usual values are from where they are expected."""
    return float(np.mean(np.abs(values[len(values) // 2 :])))
