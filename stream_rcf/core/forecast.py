"""``Forecaster``: the next records of a stream, with bands that hold as many of them as was asked for."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from stream_rcf.core.forecast_bytes import read_forecaster, write_forecaster
from stream_rcf.core.forecast_calibration import Calibration
from stream_rcf.core.forecast_checks import Checks
from stream_rcf.core.forecast_model import limits_of
from stream_rcf.core.forecast_naive import FOREST, NaivePeers
from stream_rcf.core.forecast_parameters import ForecastParameters
from stream_rcf.core.forest import RandomCutForest
from stream_rcf.core.inputs import checked_row, checked_rows
from stream_rcf.errors import CheckpointError, UsageError

GIVEN = "forecast"  # beside the methods' names: what was given to the user


class Forecast(NamedTuple):
    """The next records, next one first, each (horizon, dimensions); ``lower`` <= ``values`` <= ``upper``."""

    values: np.ndarray  # float64
    lower: np.ndarray  # float64
    upper: np.ndarray  # float64
    source: np.ndarray  # str: whose forecast it is, "forest", "last_value" or "seasonal"


class Accuracy(NamedTuple):
    """How forecasts fared, over about the last ``error_memory`` of each step; each array (horizon, dimensions).

    NaN where nothing is known yet. Errors are in the values' units, for each of the methods and for ``"forecast"``,
    which is what was given. A ``bias`` above 0: the truth was above the forecast.
    """

    coverage: np.ndarray
    width: np.ndarray  # of the band, in the values' units
    absolute_error: dict[str, np.ndarray]
    bias: dict[str, np.ndarray]


class Forecaster:
    """Forecasts the next ``horizon`` records of a stream, each with a band that holds ``coverage`` of the truths.

    The forest forecasts (``RandomCutForest.extrapolate``), and beside it two who know nothing: the last value, and with
    a ``period`` the value a period ago. What is given is the forest's, unless one of these had, for that step and
    feature, an error of late that is clearly smaller (by a twentieth); ``Forecast.source`` says whose it is. Where the
    median of its errors, had it been added, would have made them clearly smaller (by a tenth), as on a trend, it is.

    Bands are quantiles of the errors that such forecasts had, steered by how the bands before them fared (adaptive
    conformal inference, Gibbs and Candes 2021): they widen with the distance, and hold their coverage on streams that
    drift, in the long run. After a sudden change they are wrong until the errors of it have been seen.

    ``dimensions``, ``shingle_size``, ``trees``, ``sample_size``, ``time_decay``, ``seed``: the forest's, see
    ``RandomCutForest``. A shingle (2 at least) as long as the stream's period, a day say, forecasts best.
    ``horizon``: how many records ahead. ``coverage``: 0.01 to 0.999, the share of truths to lie inside the band, for
    each step and feature on its own.
    ``error_memory``: errors kept for each method, step and feature; None for 100, or twice what ``coverage`` needs.
    ``period``: of the stream, in records, for the seasonal peer; None for none.
    ``calibrate_every``: every so many records a forecast is put aside and compared with what comes; None for an eighth
    of the horizon. A forecast costs as much as ``horizon`` imputations, whether asked for or put aside.
    ``minimum``, ``maximum``: the range of possible values, one number or one for each feature, None for none: a count
    is not negative. Forecasts and bands are cut off there; records are not.

    Everything is a pure function of (settings, records): asking for forecasts changes nothing. Memory does not grow
    with the stream: beside the forest, about ``error_memory + 25`` numbers for each method, step and feature, and the
    records of a period.
    Raises ``UsageError`` for a setting outside its range, and, changing nothing, for a record of another length or with
    NaN, an infinity or a number beyond float32. An instance must not be used by two threads at once.
    """

    def __init__(
        self,
        dimensions: int = 1,
        shingle_size: int = 8,
        horizon: int = 24,
        coverage: float = 0.8,
        trees: int = 50,
        sample_size: int = 256,
        time_decay: float | None = None,
        seed: int = 0,
        error_memory: int | None = None,
        period: int | None = None,
        calibrate_every: int | None = None,
        minimum: Any = None,
        maximum: Any = None,
    ) -> None:
        if shingle_size < 2:
            raise UsageError(
                f"shingle_size is {shingle_size!r}, but must be at least 2: "
                "a single record says nothing of the next one"
            )
        for name, value in (("error_memory", error_memory), ("calibrate_every", calibrate_every)):
            if value is not None and value < 1:
                raise UsageError(f"{name} is {value!r}, but must be at least 1, or None for the default")
        self.parameters = ForecastParameters(
            horizon, coverage, period, error_memory or 0, calibrate_every or 0
        )
        self._forest = RandomCutForest(dimensions, shingle_size, trees, sample_size, time_decay, seed)
        self._limits = limits_of(minimum, maximum, dimensions)
        self._peers = NaivePeers(period, dimensions)
        self._methods = (FOREST, *self._peers.names)
        self._calibration = Calibration(self.parameters, len(self._methods), self._limits)
        self._checks = Checks(self.parameters, len(self._methods), dimensions)

    @property
    def events_seen(self) -> int:
        """Records learned so far."""
        return self._forest.events_seen

    def process(self, record: Any) -> Forecast | None:
        """Take in ``record`` (dimensions,), and forecast what comes after it; see ``update`` and ``forecast``."""
        self.update(record)
        return self.forecast()

    def process_many(self, x: Any) -> Forecast | None:
        """Take in each row of ``x`` (n, dimensions), or (n,) for one dimension; the forecast after the last of them."""
        for row in checked_rows(x, self._peers.recent.shape[1]):
            self.update(row)
        return self.forecast()

    def update(self, record: Any) -> None:
        """Take in ``record`` (dimensions,): compare it with what earlier forecasts said of it, then learn it."""
        row = checked_row(record, self._peers.recent.shape[1])
        row = row.astype(np.float32).astype(np.float64)  # as the forest learns it
        seen = self.events_seen
        due, banded = self._checks.due(seen)
        self._calibration.compare(due.steps, row, self._checks.candidates_of(due))
        self._calibration.judge(banded.steps, row, self._checks.given_of(banded))
        self._forest.update(row)
        self._peers.learn(seen, row)
        candidates = self._candidates() if self._checks.is_time(seen + 1) else None
        if candidates is not None:
            given = self._calibration.banded(candidates)[:3] if self._calibration.is_ready() else None
            self._checks.put(seen + 1, candidates, given)

    def forecast(self) -> Forecast | None:
        """The next ``horizon`` records as they are expected, with their bands; changes nothing.

        None until there are bands: forecasts begin once the forest is ready (``max(sample_size // 4, shingle_size)``
        records) and a ``period`` is known; then every step must have had ``2 / (1 - coverage)`` truths to compare with.
        With the defaults that is after 117 records.
        """
        candidates = self._candidates() if self._calibration.is_ready() else None
        if candidates is None:
            return None
        banded = self._calibration.banded(candidates)
        return Forecast(*banded[:3], np.array(self._methods)[banded.method])

    def coverage(self) -> np.ndarray:
        """(horizon, dimensions): the share of truths that lay inside their bands, of about the last ``error_memory``.

        NaN where no band has met its truth yet.
        """
        return self._where(self._calibration.judged, self._calibration.inside)

    def accuracy(self) -> Accuracy:
        """How well the forecasts, and each method on its own, did of late; see ``Accuracy``."""
        calibration, errors, biases = self._calibration, {}, {}
        for i, name in enumerate((*self._methods, GIVEN)):
            known = calibration.judged if name == GIVEN else calibration.compared
            errors[name] = self._where(known, calibration.absolute_error[i])
            biases[name] = self._where(known, calibration.bias[i])
        return Accuracy(self.coverage(), self._where(calibration.judged, calibration.width), errors, biases)

    def to_bytes(self) -> bytes:
        """The whole state, settings included; ``from_bytes`` continues with the same bits."""
        return write_forecaster(self.parameters, self._forest, self._limits, self._arrays())

    @classmethod
    def from_bytes(cls, data: bytes) -> Forecaster:
        """The forecaster that ``to_bytes`` saved. Raises ``CheckpointError`` for anything else."""
        saved = read_forecaster(data)
        forest, parameters = saved.forest.parameters, saved.parameters
        try:
            forecaster = cls(
                forest.dimensions,
                forest.shingle_size,
                parameters.horizon,
                parameters.coverage,
                forest.trees,
                forest.sample_size,
                forest.time_decay,
                forest.seed,
                parameters.error_memory,
                parameters.period,
                parameters.calibrate_every,
                saved.limits[0],
                saved.limits[1],
            )
        except UsageError as error:
            raise CheckpointError(f"a saved Forecaster is damaged: {error}") from None
        forecaster._forest = saved.forest
        saved.fill(forecaster._arrays())
        seen = forecaster.events_seen
        if not (forecaster._calibration.is_sound(seen) and forecaster._checks.is_sound(seen)):
            raise CheckpointError("a saved Forecaster is damaged: its counters contradict each other")
        return forecaster

    def _arrays(self) -> list[np.ndarray]:
        """All state but the forest, in a fixed order."""
        return [self._peers.recent, *self._calibration.arrays(), *self._checks.arrays()]

    def _candidates(self) -> np.ndarray | None:
        """(methods, horizon, dimensions): what each method says now; None before all of them can."""
        seen, horizon = self.events_seen, self.parameters.horizon
        slot = self._checks.slot(seen)
        if self._checks.made_at[slot] == seen:
            return self._checks.candidates[slot]
        if not self._peers.is_ready(seen):
            return None
        expected = self._forest.extrapolate(horizon).values
        if np.isnan(expected).any():
            return None
        return np.concatenate((expected[None], self._peers.forecast(seen, horizon)))

    @staticmethod
    def _where(count: np.ndarray, values: np.ndarray) -> np.ndarray:
        return np.where(count[:, None] > 0, values, np.nan)
