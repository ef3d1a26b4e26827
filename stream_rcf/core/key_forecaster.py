"""Forecasts of many keys, each by its own forest: what ``Forecaster`` does, on the state in the keys' blocks."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from stream_rcf.core.block import KeyBlock
from stream_rcf.core.forecast_section import ForecastSection
from stream_rcf.core.future import expect_future
from stream_rcf.core.layout import EVENTS_SEEN
from stream_rcf.core.model import Model
from stream_rcf.core.process import LEARNED_AFTER_GAP, NOT_LEARNED
from stream_rcf.core.scratch import Scratch


class FeatureForecast(NamedTuple):
    """The next values of one feature, next one first, with the band around each."""

    values: list[float]
    lower: list[float]
    upper: list[float]


class RecordForecast(NamedTuple):
    """What is forecast with one record, by feature in their order."""

    features: list[FeatureForecast] | None  # None where nothing can be said yet, or the event was passed over
    coverage: list[float] | None  # the share of truths in their bands of late; None before the first


NO_FORECAST = RecordForecast(None, None)


class KeyForecaster:
    """Follows the keys of a detector event by event. Not to be used by two threads at once.

    A record that lacks features is learned as the detector learns it, and is compared with no forecast: what was filled
    in is no truth. After a gap (``max_gap_ms``) no forecast is compared with what comes, the period is learned anew,
    and there is no forecast until the shingle is whole; errors that are known stay. A key that begins anew knows
    nothing.
    """

    def __init__(self, model: Model) -> None:
        self._model = model
        self._state = ForecastSection(model)
        self._shingle = np.empty(model.point_dimensions, np.float32)
        self._expected = np.empty((model.dimensions, model.forecast.horizon), np.float64)

    def follow(
        self, block: KeyBlock, learning: int, row: np.ndarray, is_complete: bool, scratch: Scratch
    ) -> RecordForecast:
        """Compare the event that ``block`` has just met with earlier forecasts, and forecast what comes after it.

        ``learning``: the column of ``process_batch``. ``row`` (dimensions,): the event's values, what was missing
        filled in; ``is_complete``: nothing was. ``scratch``: the one that the event was processed with.
        """
        if learning == NOT_LEARNED:
            return NO_FORECAST
        state = self._state
        state.open_block(block)
        calibration, checks = state.calibration, state.checks
        seen = int(block.header()[EVENTS_SEEN]) - 1  # before this event
        if seen == 0:
            state.begin()
        elif learning == LEARNED_AFTER_GAP:
            state.begin_after_gap(seen)
        truth = row.astype(np.float32).astype(np.float64)  # as the forest learned it
        if is_complete:
            due, banded = checks.due(seen)
            calibration.compare(due.steps, truth, checks.candidates_of(due))
            calibration.judge(banded.steps, truth, checks.given_of(banded))
        state.peers.learn(seen, truth)
        candidates = self._candidates(block, seen + 1, scratch)
        if candidates is None:
            return RecordForecast(None, self._coverage())
        given = calibration.banded(candidates)[:3] if calibration.is_ready() else None
        if checks.is_time(seen + 1):
            checks.put(seen + 1, candidates, given)
        if given is None:
            return RecordForecast(None, self._coverage())
        by_feature = zip(*(part.T.tolist() for part in given), strict=True)
        return RecordForecast([FeatureForecast(*parts) for parts in by_feature], self._coverage())

    def _candidates(self, block: KeyBlock, seen: int, scratch: Scratch) -> np.ndarray | None:
        """(methods, horizon, dimensions): what each method says now; None before all of them can."""
        peers = self._state.peers
        if not peers.is_ready(seen - int(self._state.unbroken_since[0])):
            return None
        if not expect_future(block.address, self._model, scratch, self._shingle, self._expected):
            return None
        return np.concatenate((self._expected.T[None], peers.forecast(seen, self._model.forecast.horizon)))

    def _coverage(self) -> list[float] | None:
        """By feature, over the steps of which a band has met its truth."""
        calibration = self._state.calibration
        judged = calibration.judged > 0
        if not judged.any():
            return None
        inside = calibration.inside[judged]
        # numpy's own sum takes another order on another processor.
        shares: list[float] = (np.cumsum(inside, axis=0)[-1] / len(inside)).tolist()
        return shares
