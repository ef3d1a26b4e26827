"""Which transform a feature should have before the forest sees it, judged by its values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Literal, NamedTuple

import numpy as np

from stream_rcf.tuning.sample import Floats, Sample
from stream_rcf.tuning.seasons import SeasonName, season_of, without_season

Transform = Literal["none", "log", "difference"] | SeasonName

WORDS: dict[SeasonName, str] = {"subtract_time_of_day": "day", "subtract_time_of_week": "week"}

LEAST_VALUES = 50  # of a key: fewer tell little about a tail or a direction
RISING_SHARE = 0.99  # of a counter's steps go up or nowhere; the rest are its resets
MOVING_SHARE = 0.1  # and at least so many go up, else it is a level that changed now and then
# Upper tail against lower one, from the median to the 99th and to the 1st percentile: 1 for a bell, 6 for an
# exponential distribution, more for latencies. It must also reach to some times the median: else a logarithm changes
# little.
LONG_TAIL, FAR_TAIL = 4.0, 3.0


class Advice(NamedTuple):
    """The transform of one feature, and why."""

    feature: str
    transform: Transform
    reason: str


def advise(sample: Sample) -> list[Advice]:
    """Return a transform for each of the sample's features."""
    found = []
    for place, name in enumerate(sample.features):
        advice = advise_feature(name, [key.values[:, place] for key in sample.keys])
        season = season_of(sample.keys, place) if advice.transform == "none" else None
        if season is not None:
            advice = Advice(
                name,
                season.name,
                f"it goes with the time of the {WORDS[season.name]}, which leaves {season.left:.0%} "
                "of its usual distance from the average",
            )
        found.append(advice)
    return found


def transformed(sample: Sample, advice: Sequence[Advice]) -> Sample:
    """Return the sample as the detector would see it."""
    places = {name: place for place, name in enumerate(sample.features)}
    keys = []
    for key in sample.keys:
        values = key.values.copy()
        for one in advice:
            column = values[:, places[one.feature]]
            if one.transform == "log":
                column[:] = np.copysign(np.log1p(np.abs(column)), column)
            elif one.transform == "difference":
                column[:] = np.diff(column, prepend=column[:1])
            elif one.transform != "none" and key.times is not None:
                column[:] = without_season(key.times, column, one.transform)
        keys.append(replace(key, values=values))
    return replace(sample, keys=tuple(keys))


def advise_feature(name: str, series: Sequence[Floats]) -> Advice:
    """Return the transform of one feature by its series, one for each key; those with many events decide."""
    if is_counter(series):
        return Advice(
            name, "difference", "it only rises, as counters do, so that its rate is what can be unusual"
        )
    if _weighted_share(series, is_heavy_tailed) > 0.5:
        return Advice(name, "log", "it is never negative and its large values are many times its usual ones")
    return Advice(name, "none", "its values are spread about evenly around the usual one")


def is_counter(series: Sequence[Floats]) -> bool:
    """Tell whether most series only rise, but for resets."""
    return _weighted_share(series, _only_rises) > 0.5


def _only_rises(values: Floats) -> bool:
    steps = np.diff(values)
    return bool(np.mean(steps >= 0) >= RISING_SHARE and np.mean(steps > 0) >= MOVING_SHARE)


def is_heavy_tailed(values: Floats) -> bool:
    """Tell whether values are all at least 0, with a tail upward that is far longer than that downward."""
    if values.min() < 0:
        return False
    low, middle, large, high = np.quantile(values, [0.01, 0.5, 0.9, 0.99])
    # Ever farther apart, unlike the two levels of day and night.
    is_thinning = high - large >= large - middle
    return bool(
        high > middle
        and is_thinning
        and high - middle >= LONG_TAIL * (middle - low)
        and high >= FAR_TAIL * middle
    )


def _weighted_share(series: Sequence[Floats], holds: Callable[[Floats], bool]) -> float:
    """Return the share of values in series for which ``holds``, of those long enough to tell."""
    judged = [(len(values), holds(values)) for values in series if len(values) >= LEAST_VALUES]
    total = sum(count for count, _ in judged)
    return sum(count for count, yes in judged if yes) / total if total else 0.0
