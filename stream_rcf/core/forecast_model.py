"""What a ``Forecaster`` is asked for, in the form that kernels take, and what it takes of a key's memory."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from stream_rcf.core.forecast_parameters import ForecastParameters
from stream_rcf.core.requirements import require
from stream_rcf.errors import UsageError

SECTION_ALIGNMENT = 64  # bytes: a cache line


class ForecastModel(NamedTuple):
    """What is forecast, and what that takes of a key's block. All 0 where nothing is."""

    horizon: int
    coverage: float
    period: int  # 0 for none
    error_memory: int
    calibrate_every: int
    bytes: int  # of the section at the end of a key's block, before its windows
    limits: np.ndarray  # (2, dimensions) float64: the least and the greatest value of each feature


NO_FORECASTS = ForecastModel(0, 0.0, 0, 0, 0, 0, np.empty((2, 0), np.float64))


def forecast_model(parameters: ForecastParameters, dimensions: int) -> ForecastModel:
    """The kernels' form of ``parameters``."""
    size = 8 + state_bytes(parameters, dimensions)  # a word before the arrays, see forecast_section.py
    return ForecastModel(
        parameters.horizon,
        parameters.coverage,
        parameters.period or 0,
        parameters.error_memory,
        parameters.calibrate_every,
        -(-size // SECTION_ALIGNMENT) * SECTION_ALIGNMENT,
        limits_of(parameters.minimum or None, parameters.maximum or None, dimensions),
    )


def parameters_of(model: ForecastModel) -> ForecastParameters:
    """What ``forecast_model`` was given, but for the limits."""
    return ForecastParameters(
        model.horizon, model.coverage, model.period or None, model.error_memory, model.calibrate_every
    )


def state_bytes(parameters: ForecastParameters, dimensions: int) -> int:
    """Bytes of the arrays, known before any is made: nothing that is read makes a program ask for more memory."""
    methods = 2 if parameters.period is None else 3
    cells = parameters.horizon * dimensions
    recent = (parameters.period or 1) * dimensions
    calibration = cells * (methods * parameters.error_memory + 1 + 2 * (methods + 1) + 2)
    counts = 2 * parameters.horizon
    checks = parameters.checks * (2 + cells * (methods + 3))
    return 8 * (recent + calibration + counts + checks)


def limits_of(minimum: Any, maximum: Any, dimensions: int) -> np.ndarray:
    """The least and the greatest value of each feature, (2, dimensions) float64; infinite where there is none.

    Each is None, one number for all, or one for each feature (None among them for none). Raises ``UsageError``.
    """
    limits = np.empty((2, dimensions), np.float64)
    for row, (name, given, none) in enumerate(
        (("minimum", minimum, -math.inf), ("maximum", maximum, math.inf))
    ):
        values = list(given) if np.ndim(given) else [given] * dimensions
        require(len(values) == dimensions, name, given, f"None, a number, or {dimensions} of them")
        limits[row] = [none if value is None else float(value) for value in values]
    if not (limits[0] <= limits[1]).all():  # NaN neither
        raise UsageError(f"minimum is {minimum!r} and maximum {maximum!r}, but no value lies between them")
    return limits
