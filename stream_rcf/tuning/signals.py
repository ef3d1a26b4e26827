"""Plain signal processing that periods are found with; numpy alone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Times = NDArray[np.int64]

# Events come at even times when so many of the gaps between them are about the usual one, and few are missing.
EVEN_SHARE, EVEN_WITHIN, MISSING_SHARE = 0.8, 0.1, 0.02
LONG_GAP = 10  # times the usual gap: an outage, which says nothing about how often events come
MOST_STRETCHED = 3  # times as many steps as events, when outages are filled
USUAL_AT = 200  # frequencies at which the usual power is worked out; between them it is interpolated
LEAST_AROUND = 8  # frequencies to take it from


def standardised_ranks(values: Floats) -> Floats:
    """Replace values by their ranks, equal values by their mean rank, with mean 0 and variance 1.

    So that no outlier and no heavy tail decides alone. All 0 where the values are all equal.
    """
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts + 1) / 2.0)[places]
    ranks -= ranks.mean()
    spread = float(np.sqrt(np.mean(ranks**2)))
    scaled: Floats = ranks / spread if spread > 0 else ranks
    return scaled


def moving_average(values: Floats, window: int) -> Floats:
    """Return the centred average over ``window`` values, over fewer at the ends."""
    half = max(0, window // 2)
    sums = np.concatenate([[0.0], np.cumsum(values)])
    places = np.arange(len(values))
    low, high = np.maximum(0, places - half), np.minimum(len(values), places + half + 1)
    averages: Floats = (sums[high] - sums[low]) / (high - low)
    return averages


def without_trend(values: Floats, window: int) -> Floats:
    """Take away a straight line and what changes more slowly than ``window``; the rest with mean 0 and variance 1.

    Values count by their ranks, so that neither line nor rest hangs on outliers.
    """
    third = max(1, len(values) // 3)
    slope = (np.median(values[-third:]) - np.median(values[:third])) / max(1, len(values) - third)
    ranks = standardised_ranks(values - slope * np.arange(len(values)))
    rest = ranks - moving_average(ranks, window)
    rest -= rest.mean()
    spread = float(np.sqrt(np.mean(rest**2)))
    scaled: Floats = rest / spread if spread > 0 else rest
    return scaled


def autocorrelation(values: Floats, lags: int) -> Floats:
    """Correlation of a series of mean 0 with itself, ``(lags + 1,)``: 1 at lag 0, each lag over the pairs it has."""
    count = len(values)
    size = 1 << (2 * count - 1).bit_length()
    spectrum = np.fft.rfft(values, size)
    products = np.fft.irfft(spectrum * np.conj(spectrum), size)[: lags + 1]
    if products[0] <= 0:
        return np.concatenate([[1.0], np.zeros(lags)])
    pairs = count - np.arange(lags + 1)
    correlation: Floats = products / pairs * (count / products[0])
    return correlation


def prominence(values: Floats) -> Floats:
    """How far each frequency stands out of those around it: its power over their usual power, 1 on average for noise.

    Index ``k`` is ``k`` cycles over the whole series. What is usual is taken from an octave on either side, so that
    noise of any colour, a random walk's too, has no frequency that stands out.
    """
    power = np.abs(np.fft.rfft(values * np.hanning(len(values)))) ** 2
    power[0] = 0.0
    last = len(power) - 1
    if last < 1:
        return power
    centres = np.unique(np.geomspace(1, last, min(last, USUAL_AT)).astype(np.int64))
    usual = [float(np.median(power[max(1, one // 2) : max(2 * one, LEAST_AROUND) + 1])) for one in centres]
    floor = 1e-12 * max(float(power.max()), 1e-300)
    # Of an exponential distribution, which noise's power has, the median is log 2 of the mean.
    level = np.maximum(np.interp(np.arange(last + 1), centres, usual) / np.log(2.0), floor)
    ratio: Floats = power / level
    return ratio


def is_regular(times: Times) -> bool:
    """Tell whether events come at even times with hardly any missing; ``times`` are in order."""
    gaps = np.diff(times)
    if not len(gaps):
        return True
    usual = float(np.median(gaps))
    if usual <= 0 or float(np.mean(np.abs(gaps - usual) <= EVEN_WITHIN * usual)) < EVEN_SHARE:
        return False
    return float(times[-1] - times[0]) <= (1 + MISSING_SHARE) * usual * len(gaps)


def on_even_times(times: Times, values: Floats) -> tuple[Floats, float]:
    """Return irregular events as a regular series, and its step in ms: the mean time between events.

    A step with several events takes their mean. One without repeats the last value, in an outage the middle of all.
    ``times`` are in order and not all the same. Where outages are most of the time they are shortened.
    """
    gaps = np.diff(times).astype(np.float64)
    longest = LONG_GAP * float(np.median(gaps) or np.mean(gaps))
    step = max(float(np.mean(gaps[gaps <= longest])), 1.0)
    if (times[-1] - times[0]) / step > MOST_STRETCHED * len(times):
        gaps = np.minimum(gaps, longest)
    clock = np.concatenate([[0.0], np.cumsum(gaps)]) / step
    if clock[-1] > MOST_STRETCHED * len(times):
        return values, step  # a few bursts and nothing between: the events are all the order there is
    cells = clock.astype(np.int64)
    counts = np.bincount(cells)
    sums = np.bincount(cells, weights=values)
    places = np.arange(len(counts))
    last = np.maximum.accumulate(np.where(counts > 0, places, 0))
    even: Floats = sums[last] / counts[last]
    even[places - last > LONG_GAP] = float(np.median(values))
    return even, step


def events_within(times: Times, milliseconds: float) -> int:
    """Return how many events a stretch of time usually holds; ``times`` are in order."""
    starts = times[times <= times[-1] - milliseconds]
    if not len(starts):
        starts = times[:1]
    ends = np.searchsorted(times, starts + milliseconds)
    return int(np.median(ends - np.arange(len(starts))))
