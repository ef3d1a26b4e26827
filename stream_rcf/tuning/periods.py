"""The dominant period of a sample, in events: what repeats is seen by the autocorrelation and must stand out of noise.

A lag is a candidate where the autocorrelation has a hill: higher than half a lag before and after, by which a trend
and slow wandering cancel. It is confirmed where its frequency and the first multiples of it stand out of the spectrum
around them, which noise of any colour does not. Of several hills the shortest that is about as high as the highest is
taken: multiples of a period repeat as well as it does.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from stream_rcf.tuning.sample import Floats, KeySample, Sample, Times
from stream_rcf.tuning.signals import (
    autocorrelation,
    events_within,
    is_regular,
    on_even_times,
    prominence,
    without_trend,
)
from stream_rcf.tuning.words import USUAL_PERIODS, usual_length

LEAST_CYCLES = 4  # that a sample must hold of a period: what wanders comes back three times by chance
SHORTEST = 4  # events; a shorter period is within any shingle
LEAST_HILL = 0.1  # of the variance that a period must explain, about: less is not worth a longer shingle
# Of the height of a hill at three, five, ... times a lag: a hill at the lag itself is the period if it is so high.
LEAST_PART = 0.35
AS_HIGH = 0.7  # of the highest hill: the shortest such is the period, the others its multiples
HARMONICS = 4
# A sum of four powers of noise, each over its usual power, exceeds this once in a million candidates or so.
LEAST_PROMINENCE = 25.0
NEAR_HILL = 0.06  # of a lag: the hill's top is so near to the period
AS_CLEAR = 0.5  # of how far the clearest frequency near by stands out
ALIKE = 0.05  # two keys whose periods differ by less mean the same one
LEAST_SHARE = 0.2  # of the events that are of series with the period
NEIGHBOURS = 10  # lags that tell whether values depend on those before
# Of the sum of their squares times n, which one in a thousand independent series exceeds (chi squared, 10 degrees).
INDEPENDENT_LIMIT = 29.6


class Vote(NamedTuple):
    """What one feature of one key says. ``period``: in events; None for none. ``period_ms``: None where not known."""

    period: int | None
    period_ms: float | None
    strength: float  # height of the hill, 0 to 2
    is_independent: bool  # each value of those before
    events: int


class PeriodFound(NamedTuple):
    """The dominant period of a sample.

    ``events``, ``milliseconds``: its length; None for none, and for a time that is not known. ``share``: of the looked
    at events, those of series that have it. ``agreeing``, ``voters``: series. ``independent_share``: events of series
    whose values are independent.
    """

    events: int | None
    milliseconds: float | None
    share: float
    agreeing: int
    voters: int
    independent_share: float


def dominant_period(sample: Sample) -> PeriodFound:
    """Let every feature of every kept key vote; votes weigh by events and by how clear the period is."""
    votes = [vote for key in sample.keys for vote in _votes(key)]
    total = sum(vote.events for vote in votes)
    if not total:
        return PeriodFound(None, None, 0.0, 0, 0, 0.0)
    independent = sum(vote.events for vote in votes if vote.is_independent) / total
    having = [vote for vote in votes if vote.period is not None]
    best: list[Vote] = []
    for candidate in having:
        near = [vote for vote in having if _alike(vote, candidate)]
        if _weight(near) > _weight(best):
            best = near
    share = sum(vote.events for vote in best) / total
    if share < LEAST_SHARE:
        return PeriodFound(None, None, 0.0, 0, len(votes), independent)
    ordered = sorted(best, key=lambda vote: vote.period or 0)
    weights = np.cumsum([vote.events * vote.strength for vote in ordered])
    middle = ordered[int(np.searchsorted(weights, weights[-1] / 2))]
    return PeriodFound(middle.period, middle.period_ms, share, len(best), len(votes), independent)


def _alike(one: Vote, other: Vote) -> bool:
    shorter, longer = sorted((one.period or 0, other.period or 0))
    return longer - shorter <= max(1, ALIKE * longer)


def _weight(votes: Sequence[Vote]) -> float:
    return sum(vote.events * vote.strength for vote in votes)


def _votes(key: KeySample) -> list[Vote]:
    count = len(key.values)
    if count < LEAST_CYCLES * SHORTEST:
        return []
    times, values = key.times, key.values
    if times is not None:
        order = np.argsort(times, kind="stable")
        times, values = times[order], values[order]
        if times[0] == times[-1]:
            times = None
    # A constant series has no say.
    return [_vote(column, times) for column in values.T if column.min() < column.max()]


def _vote(values: Floats, times: Times | None) -> Vote:
    count = len(values)
    if times is None or is_regular(times):
        step = None if times is None else float(np.median(np.diff(times)))
        found = find_period(values, step)
        if found is not None:
            lag, strength = found
            return Vote(lag, None if step is None else lag * step, strength, False, count)
    else:
        even, step = on_even_times(times, values)
        found = find_period(even, step)
        if found is not None:
            length = usual_length(found[0] * step)
            return Vote(max(1, events_within(times, length)), length, found[1], False, count)
    return Vote(None, None, 0.0, is_independent(values), count)


def find_period(values: Floats, step_ms: float | None = None) -> tuple[int, float] | None:
    """Return the dominant period of a regular series and the height of its hill, 0 to 2; None where there is none.

    ``step_ms``: the time between two values, by which a length that periods usually have is told.
    """
    longest = len(values) // LEAST_CYCLES
    if longest < SHORTEST:
        return None
    series = without_trend(values, longest)
    correlation = autocorrelation(series, min(len(values) - 1, longest + longest // 2 + 1))
    heights = {lag: hill_height(correlation, lag) for lag in _tops(correlation, longest)}
    hills = {lag: height for lag, height in heights.items() if height >= LEAST_PART * LEAST_HILL}
    if not hills:
        return None
    ratios = prominence(series)
    confirmed: dict[int, float] = {}
    for lag, height in hills.items():
        exact = _standing_out(ratios, len(values), lag, step_ms)
        if exact is not None:
            confirmed.setdefault(exact, height)
    clear = {lag: height for lag, height in confirmed.items() if height >= max(LEAST_HILL, lag / len(values))}
    if not clear:
        return None
    highest = max(clear.values())
    lag = next(lag for lag, height in clear.items() if height >= AS_HIGH * highest)
    return _within(lag, confirmed), clear[lag]


def _within(lag: int, hills: dict[int, float]) -> int:
    """Return the shortest period that ``lag`` is three, five, ... times of; else itself.

    What follows shortly after resembles what was before, so that three periods may make a higher hill than one. Twice
    a period makes none, as half of it is a period too.
    """
    for shorter, height in hills.items():
        times = round(lag / shorter)
        if (
            times >= 3
            and times % 2 == 1
            and abs(lag - times * shorter) <= max(1, ALIKE * shorter)
            and height >= LEAST_PART * hills[lag]
        ):
            return shorter
    return lag


def _tops(correlation: Floats, longest: int) -> list[int]:
    """Return the lags where the correlation is positive and the highest within a tenth of the lag, rising."""
    lags = np.arange(SHORTEST, longest + 1)
    inner = correlation[lags]
    near = lags[(inner > 0) & (inner >= correlation[lags - 1]) & (inner >= correlation[lags + 1])]
    return [int(lag) for lag in near if _is_top(correlation, int(lag))]


def hill_height(correlation: Floats, lag: int) -> float:
    """How much more a series is like itself ``lag`` later than half a lag earlier or later than that; at most 2."""
    half = lag / 2.0
    before, after = _between(correlation, half), _between(correlation, lag + half)
    return float(correlation[lag]) - 0.5 * (before + after)


def _between(correlation: Floats, lag: float) -> float:
    low = int(lag)
    high = min(low + 1, len(correlation) - 1)
    return float(correlation[low] + (lag - low) * (correlation[high] - correlation[low]))


def _is_top(correlation: Floats, lag: int) -> bool:
    reach = max(1, lag // 10)
    return bool(correlation[lag] >= correlation[lag - reach : lag + reach + 1].max())


def _standing_out(ratios: Floats, count: int, lag: int, step_ms: float | None) -> int | None:
    """Return the period at or near ``lag`` whose frequency and first multiples stand out; None where none does.

    The hill of a period that is long beside what wanders lies a little too early: then a frequency near by stands out
    far more, and says where the period is. Otherwise the hill does, which is the finer measure of few cycles. A day, or
    another usual length, is taken where it does about as well.
    """
    cycles = count / lag
    reach = NEAR_HILL * cycles
    around = [cycles + step / 2.0 for step in range(-int(2 * reach), int(2 * reach) + 1)]
    best = max(around, key=lambda candidate: _together(ratios, candidate))
    most = _together(ratios, best)
    if most < LEAST_PROMINENCE:
        return None
    if step_ms is not None:
        for usual in (round(length / step_ms) for length in USUAL_PERIODS):
            is_near = abs(usual - lag) <= max(1, NEAR_HILL * lag) and usual >= SHORTEST
            if is_near and _together(ratios, count / usual) >= AS_CLEAR * most:
                return usual
    return lag if _together(ratios, cycles) >= AS_CLEAR * most else max(SHORTEST, round(count / best))


def _together(ratios: Floats, cycles: float) -> float:
    """Return how far a frequency and its first multiples stand out, added up."""
    total = 0.0
    for harmonic in range(1, HARMONICS + 1):
        low = int(harmonic * cycles)
        if low + 2 > len(ratios):
            break
        total += float(max(ratios[low], ratios[low + 1]))  # it lies between these two
    return total


def is_independent(values: Floats) -> bool:
    """Tell whether the values could be drawn independently of those before, apart from a slow trend."""
    if len(values) < 2 * NEIGHBOURS:
        return False
    series = without_trend(values, len(values) // LEAST_CYCLES)
    correlation = autocorrelation(series, NEIGHBOURS)
    return float(len(values) * np.sum(correlation[1:] ** 2)) < INDEPENDENT_LIMIT
