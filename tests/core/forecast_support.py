"""A detector that forecasts, and streams for it, for the tests of its parts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from stream_rcf.core.arrival_parameters import ArrivalParameters
from stream_rcf.core.batch import BlockBatch
from stream_rcf.core.block import KeyBlock
from stream_rcf.core.event_arrays import plain_events
from stream_rcf.core.forecast_parameters import ForecastParameters
from stream_rcf.core.key_forecaster import KeyForecaster, RecordForecast
from stream_rcf.core.model import model_of
from stream_rcf.core.parameters import DetectorParameters, ForestParameters
from stream_rcf.core.preprocessing import preprocessing_of
from stream_rcf.core.scratch import new_scratch

DAY = 24  # records
MINUTE = 60_000
SMALL = ForecastParameters(3, error_memory=12)


def wave(count: int, features: int = 1, seed: int = 1) -> np.ndarray:
    random, time = np.random.default_rng(seed), np.arange(count)[:, None]
    return np.sin((time + np.arange(features)) * 2 * np.pi / DAY) + 0.1 * random.normal(
        size=(count, features)
    )


def forecasting(
    features: int = 1,
    forecast: ForecastParameters | None = SMALL,
    retire_after_ms: int = 0,
    transforms: dict[str, str] | None = None,
    **arrival: Any,
) -> DetectorParameters:
    names = tuple(f"f{i}" for i in range(features))
    return DetectorParameters(
        names,
        ForestParameters(3, 16, features, 3, seed=2),
        retire_after_ms=retire_after_ms,
        arrival=ArrivalParameters(**arrival),
        preprocessing=preprocessing_of(names, transforms or {}, {}, True),
        forecast=forecast,
    )


class ForecastKey:
    """Some keys of one detector, and what was forecast with their events."""

    def __init__(self, parameters: DetectorParameters, keys: int = 1, threads: int = 1) -> None:
        self.model = model_of(parameters)
        self.blocks = [KeyBlock(self.model, 1 + key) for key in range(keys)]
        self._scratches = [new_scratch(self.model) for _ in range(threads)]
        self._forecasters = [KeyForecaster(self.model) for _ in range(threads)]

    @property
    def block(self) -> KeyBlock:
        return self.blocks[0]

    def process(
        self,
        values: np.ndarray,
        times: Sequence[int] | np.ndarray,
        keys: Sequence[int] | None = None,
        run_all: Any = map,
    ) -> list[RecordForecast]:
        """What is forecast with each event, all in one batch; they are of the first key unless told otherwise."""
        blocks = [self.blocks[key] for key in keys or [0] * len(times)]
        arrays = plain_events(np.array(values, np.float64), np.array(times, np.int64))
        batch = BlockBatch(self.model, self._scratches, blocks, arrays, run_all, self._forecasters)
        batch.run()
        return list(batch.finish().forecasts)


def minutes(count: int, start: int = 0) -> np.ndarray:
    return MINUTE * np.arange(start, start + count)
