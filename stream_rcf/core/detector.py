"""``Detector``: one key's forest with its threshold, as the service runs it, for a notebook or another program."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from stream_rcf.core.arrival_parameters import pause_ms
from stream_rcf.core.batch import process_blocks
from stream_rcf.core.block import KeyBlock
from stream_rcf.core.forecast_parameters import ForecastParameters
from stream_rcf.core.inputs import require_float32
from stream_rcf.core.key_forecaster import KeyForecaster
from stream_rcf.core.model import model_of
from stream_rcf.core.packing import pack, unpack
from stream_rcf.core.parameters import (
    ALERT_BUDGET,
    DetectorParameters,
    ForestParameters,
    LikelihoodParameters,
    ThresholdParameters,
)
from stream_rcf.core.preprocessing import preprocessing_of
from stream_rcf.core.process import (
    ALERTS,
    CONFIDENCE,
    FIRST_ANOMALOUS,
    GRADE,
    INCIDENT,
    LIKELIHOOD,
    REASON,
    SCORE,
    SEEN,
    THRESHOLD,
)
from stream_rcf.core.random_stream import key_seed
from stream_rcf.core.record import REASON_TEXTS, forecast_fields, incident_fields, score_fields
from stream_rcf.core.scratch import new_scratch
from stream_rcf.errors import UsageError


class Detector:
    """Scores a stream of records of one key, and says which are anomalous and which feature did it.

    ``features``: names of the numbers in a record, in the order of the forest's dimensions. ``key``: the same key and
    seed give the same scores as in the service. ``threshold``: z-factor and limits, see ``ThresholdParameters``.
    ``retire_after_seconds``: after a longer pause between timestamps the key begins anew; None for never.
    ``alert_budget``: so many anomalies a week are bearable where all is well, told by the likelihood; None: the
    threshold tells them.
    ``transforms``: how a feature is looked at, by its name: "log", "difference", "subtract_average",
    "subtract_time_of_day" or "subtract_time_of_week", by the clocks of ``time_zone``. ``normalize``: several features
    count alike for the forest, whatever their units; ``weights`` by name, 1 where there is none, make one count for
    more. See ``Preprocessing``. ``cooldown_seconds``: for so long after an anomaly there is no other.
    ``forecast``: each record then says what is expected of the next ones, as ``Forecaster`` does, such as
    ``ForecastParameters(horizon=24)``. None for no forecasts.
    The other arguments are those of ``RandomCutForest``. An instance must not be used by two threads at once.
    """

    def __init__(
        self,
        features: Sequence[str] = ("value",),
        shingle_size: int = 8,
        trees: int = 50,
        sample_size: int = 256,
        time_decay: float | None = None,
        seed: int = 0,
        key: str = "",
        threshold: ThresholdParameters | None = None,
        retire_after_seconds: float | None = None,
        alert_budget: float | None = ALERT_BUDGET,
        transforms: Mapping[str, str] | None = None,
        weights: Mapping[str, float] | None = None,
        normalize: bool = True,
        cooldown_seconds: float | None = None,
        time_zone: str = "UTC",
        forecast: ForecastParameters | None = None,
    ) -> None:
        if isinstance(features, str):
            raise UsageError(
                f'features is the string {features!r}, but must be a list of names: ["{features}"]'
            )
        forest = ForestParameters(trees, sample_size, len(features), shingle_size, time_decay, seed)
        self.key = key
        self.parameters = DetectorParameters(
            tuple(features),
            forest,
            threshold or ThresholdParameters(),
            pause_ms(retire_after_seconds),
            LikelihoodParameters(alert_budget or 0.0),
            cooldown_ms=pause_ms(cooldown_seconds, "cooldown_seconds"),
            preprocessing=preprocessing_of(features, transforms or {}, weights or {}, normalize, time_zone),
            forecast=forecast,
        )
        self._begin()

    def _begin(self) -> None:
        """Make the model of ``parameters``, with no event seen."""
        self._model = model_of(self.parameters)
        self._scratch = new_scratch(self._model)
        self._forecasters = [KeyForecaster(self._model)] if self.parameters.forecast is not None else []
        self._block = KeyBlock(self._model, key_seed(self.parameters.forest.seed, self.key))

    def __getstate__(self) -> tuple[str, DetectorParameters, bytes]:
        """A copy, or what pickle keeps, is made by way of the saved form: a block's address is its own."""
        return self.key, self.parameters, self.to_bytes()

    def __setstate__(self, state: tuple[str, DetectorParameters, bytes]) -> None:
        self.key, self.parameters, data = state
        self._begin()
        self.restore(data)

    def process(self, values: Mapping[str, float], timestamp: int) -> dict[str, Any]:
        """Score one record against the past, then learn it. ``timestamp`` is in epoch milliseconds.

        Returns the fields of a score record (``source`` is None), and for an anomaly those of its alert too.
        Raises ``UsageError``, and changes nothing, for a missing feature or a value that is not a finite 32-bit number.
        """
        missing = [name for name in self.parameters.features if name not in values]
        if missing:
            raise UsageError(f"the record lacks the feature {missing[0]!r}; it has {sorted(values)}")
        row = np.array([[values[name] for name in self.parameters.features]], np.float64)
        require_float32(row)
        results = process_blocks(
            self._model,
            [self._scratch],
            [self._block],
            row,
            np.array([timestamp], np.int64),
            forecasters=self._forecasters,
        )
        numbers, integers = results.numbers[0].tolist(), results.integers[0].tolist()
        details = results.details[0].tolist() if numbers[GRADE] > 0 else None
        record = score_fields(
            self.key,
            int(timestamp),
            self.parameters.features,
            row[0].tolist(),
            numbers[SCORE],
            numbers[THRESHOLD],
            numbers[GRADE],
            numbers[CONFIDENCE],
            numbers[LIKELIHOOD],
            details,
            REASON_TEXTS[integers[REASON]],
        )
        if results.forecasts:
            record |= forecast_fields(self.parameters.features, results.forecasts[0])
        record["source"] = None  # no topic: the caller knows where the record came from
        record["model"] = {"events_seen": integers[SEEN], "fingerprint": self.parameters.fingerprint()}
        if details is not None:
            record |= incident_fields(
                self.key,
                int(timestamp),
                self.parameters.features,
                details,
                integers[FIRST_ANOMALOUS],
                integers[INCIDENT],
                integers[ALERTS],
            )
        return record

    def to_bytes(self, *, quick: bool = False) -> bytes:
        """The state of the model; the parameters are not in it, ``restore`` needs an equal detector.

        ``quick``: about twice the bytes, in a tenth of the time.
        """
        return pack(self._block, quick=quick)

    def restore(self, data: bytes) -> None:
        """Continue from what ``to_bytes`` of a detector with the same parameters saved.

        Raises ``CheckpointError``, and changes nothing, for anything else.
        """
        self._block = unpack(self._model, data)
