"""Which method's forecast to give, and the band around it that holds as many truths as was asked for.

Each method's last errors are kept, for each step ahead and each feature. The band around a forecast is the forecast
plus quantiles of its method's errors, and the share left out by those quantiles is steered by what happened to earlier
bands: adaptive conformal inference (Gibbs and Candes, NeurIPS 2021). So the coverage holds on streams that drift, and
nothing is assumed of how errors are distributed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from stream_rcf.core.forecast_parameters import ForecastParameters

# Of the wanted share of misses: how fast the level follows hits and misses (by 0.02 of them for a coverage of 0.8).
STEERING = 0.1
STRETCH = 0.1  # of the errors' range: how far a band goes beyond them all for each rank that is wanted beyond
PREFERENCE = 0.95  # a naive method's error must be below this share of the forest's to be taken instead
SHIFT_GAIN = 0.9  # what is left of a method's errors must be below this share of them for it to be shifted


class Banded(NamedTuple):
    """A forecast with its band, each (horizon, dimensions)."""

    values: np.ndarray  # float64
    lower: np.ndarray  # float64
    upper: np.ndarray  # float64
    method: np.ndarray  # int64: which method's it is


class Calibration:
    """Errors, levels and measurements for each step ahead and feature. Method 0 is the forest.

    ``limits`` (2, dimensions): no forecast or band goes beyond them.
    """

    def __init__(self, parameters: ForecastParameters, methods: int, limits: np.ndarray) -> None:
        shape = (parameters.horizon, limits.shape[1])
        self._parameters, self._limits = parameters, limits
        # Truth minus forecast, in a ring.
        self.errors = np.zeros((methods, parameters.error_memory, *shape), np.float64)
        self.compared = np.zeros(parameters.horizon, np.int64)  # truths so far, of each step
        self.judged = np.zeros(parameters.horizon, np.int64)  # of these, those that a band was there for
        # The share that the band is to leave out, as it is steered.
        self.level = np.zeros(shape, np.float64)
        # Averages over about the last ``error_memory`` truths. The given forecast comes behind the methods.
        self.absolute_error = np.zeros((methods + 1, *shape), np.float64)
        self.bias = np.zeros((methods + 1, *shape), np.float64)
        self.inside = np.zeros(shape, np.float64)
        self.width = np.zeros(shape, np.float64)
        self.begin()

    def begin(self) -> None:
        """Know nothing, whatever was known before."""
        for array in self.arrays():
            array[...] = 0
        self.level[...] = self._parameters.miss

    def arrays(self) -> list[np.ndarray]:
        """All state, in a fixed order."""
        measured = [self.absolute_error, self.bias, self.inside, self.width]
        return [self.errors, self.compared, self.judged, self.level, *measured]

    def lie_in(self, arrays: Sequence[np.ndarray]) -> None:
        """Take ``arrays``, of the shapes and in the order of ``arrays()``, for its state, with what they hold."""
        self.errors, self.compared, self.judged, self.level = arrays[:4]
        self.absolute_error, self.bias, self.inside, self.width = arrays[4:]

    def is_sound(self, seen: int) -> bool:
        """Whether the state is one that ``seen`` records can have led to."""
        counts = (self.judged >= 0) & (self.judged <= self.compared) & (self.compared <= seen)
        least, most = self._level_range()
        return bool(counts.all() and (self.level >= least).all() and (self.level <= most).all())

    def is_ready(self) -> bool:
        """Whether every step has had enough truths for a band."""
        return int(self.compared.min()) >= self._parameters.errors_needed

    def banded(self, candidates: np.ndarray) -> Banded:
        """The forecast to give, of ``candidates`` (methods, horizon, dimensions); ``is_ready`` must hold."""
        method = self._better_method()
        value = np.take_along_axis(candidates, method[None], 0)[0]
        errors = np.take_along_axis(self.errors, method[None, None], 0)[0]
        known = np.minimum(self.compared, self._parameters.error_memory)
        is_known = np.arange(len(errors))[:, None, None] < known[None, :, None]
        ordered = np.sort(np.where(is_known, errors, np.inf), axis=0)  # unknown ones behind
        count = np.broadcast_to(known[:, None], value.shape)
        place = (count + 1) * (self.level / 2.0)  # from below, and as far from above
        lower = value + _at_place(ordered, count, place)
        upper = value + _at_place(ordered, count, count + 1 - place)
        # A forecast that is known to lag, as the last value does on a trend, moves by the median of its errors.
        usual = _at_place(ordered, count, (count + 1) / 2.0)
        errors = np.where(is_known, errors, 0.0)
        shifted = np.where(is_known, errors - usual, 0.0)
        lags = _sum(np.abs(shifted)) < SHIFT_GAIN * _sum(np.abs(errors))
        lags |= (value < lower) | (value > upper)
        value = np.where(lags, value + usual, value)
        value = np.minimum(np.maximum(value, lower), upper)  # rounding, nothing else
        least, most = self._limits
        value, lower, upper = (np.minimum(np.maximum(x, least), most) for x in (value, lower, upper))
        return Banded(value, lower, upper, method)

    def compare(self, steps: np.ndarray, truth: np.ndarray, candidates: np.ndarray) -> None:
        """Take in the errors of forecasts whose step number ``steps`` (k,), from 0, came true as ``truth``.

        ``truth`` (dimensions,); ``candidates`` (methods, k, dimensions). Steps are all different.
        """
        place = self.compared[steps] % self._parameters.error_memory
        errors = truth - candidates
        self.errors[:, place, steps] = errors
        self.compared[steps] += 1
        rate = self._rate(self.compared[steps])
        _average_in(self.absolute_error[:-1], steps, np.abs(errors), rate)
        _average_in(self.bias[:-1], steps, errors, rate)

    def judge(self, steps: np.ndarray, truth: np.ndarray, given: np.ndarray) -> None:
        """Take in how the bands that were ``given`` (3: value, lower, upper; k, dimensions) fared, and steer by it."""
        value, lower, upper = given
        inside = (lower <= truth) & (truth <= upper)
        miss = self._parameters.miss
        level = self.level[steps] + (STEERING * miss) * (miss - ~inside)
        least, most = self._level_range()
        self.level[steps] = np.minimum(np.maximum(level, least), most)
        self.judged[steps] += 1
        rate = self._rate(self.judged[steps])
        error = truth - value
        _average_in(self.absolute_error[-1:], steps, np.abs(error)[None], rate)
        _average_in(self.bias[-1:], steps, error[None], rate)
        _average_in(self.inside[None], steps, inside[None].astype(np.float64), rate)
        _average_in(self.width[None], steps, (upper - lower)[None], rate)

    def _level_range(self) -> tuple[float, float]:
        """Where the level is kept, so that a spell that nothing can be learned from is soon over.

        Of counts that are mostly 0, say, bands of no width at all miss nothing for a long time.
        """
        miss = self._parameters.miss
        return -miss, min(1.0, 2.0 * miss)

    def _better_method(self) -> np.ndarray:
        """(horizon, dimensions) int64: the forest, unless a naive method was clearly better of late."""
        weighed = self.absolute_error[:-1].copy()
        weighed[0] *= PREFERENCE
        return np.argmin(weighed, axis=0)

    def _rate(self, count: np.ndarray) -> np.ndarray:
        """(k, 1): what the latest weighs in an average over ``count``, or over as many as are remembered."""
        return 1.0 / np.minimum(count, self._parameters.error_memory)[:, None]


def _at_place(ordered: np.ndarray, count: np.ndarray, place: np.ndarray) -> np.ndarray:
    """The value at ``place``, 1 for the least, of the first ``count`` along axis 0; beyond, stretched straight on."""
    whole = np.minimum(np.maximum(np.floor(place), 1), np.maximum(count - 1, 1)).astype(np.int64)
    below = np.take_along_axis(ordered, whole[None] - 1, 0)[0]
    above = np.take_along_axis(ordered, np.minimum(whole, count - 1)[None], 0)[0]
    least, most = ordered[0], np.take_along_axis(ordered, count[None] - 1, 0)[0]
    between = below + (above - below) * np.minimum(np.maximum(place - whole, 0.0), 1.0)
    beyond = np.minimum(place - 1, 0.0) + np.maximum(place - count, 0.0)
    return between + beyond * (STRETCH * (most - least))


def _sum(values: np.ndarray) -> np.ndarray:
    """Along axis 0, one after the other: numpy's own sum takes another order on another processor."""
    return np.cumsum(values, axis=0)[-1]


def _average_in(averages: np.ndarray, steps: np.ndarray, values: np.ndarray, rate: np.ndarray) -> None:
    """Move ``averages`` (n, horizon, dimensions) at ``steps`` (k,) towards ``values`` (n, k, dimensions)."""
    averages[:, steps] += (values - averages[:, steps]) * rate
