"""Extrapolation: the records to come, each imputed as a whole and then taken for known when the next one is imputed.

Algorithm reference, section 8. The forest does not change.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from stream_rcf.core.imputation import (
    LOWER_PERCENT,
    MEDIAN_PERCENT,
    UPPER_PERCENT,
    impute_point,
    percentile,
)
from stream_rcf.core.kernel import kernel
from stream_rcf.core.layout import EVENTS_SEEN, open_block
from stream_rcf.core.model import Model
from stream_rcf.core.scratch import Scratch


class Extrapolation(NamedTuple):
    """Expected records, next one first, each (horizon, dimensions) float64; all NaN where nothing can be said yet.

    ``lower`` and ``upper`` hold four trees in five at each step. They do not widen with the distance, because each
    step takes the medians before it for what happened.
    """

    values: np.ndarray
    lower: np.ndarray
    upper: np.ndarray


@kernel
def _impute_future(
    address: int,
    model: Model,
    point: np.ndarray,
    missing: np.ndarray,
    step: int,
    scratch: Scratch,
    candidates: np.ndarray,
) -> None:
    """Impute the record that comes ``step`` after the next one; see ``impute_point``."""
    block = open_block(address, model)
    sequence = block.integers[EVENTS_SEEN] + 1 - model.shingle_size + step
    impute_point(block, model, point, missing, sequence, 1.0, scratch, candidates)


def extrapolate_records(
    address: int, model: Model, shingle: np.ndarray, horizon: int, scratch: Scratch
) -> Extrapolation:
    """The ``horizon`` records after those in ``shingle`` (shingle_size * dimensions,) float32, oldest first.

    The shingle's last record is the place of the next one, and is overwritten; so is the shingle.
    """
    dimensions = model.dimensions
    missing = np.arange(model.point_dimensions - dimensions, model.point_dimensions)
    candidates = np.empty((model.trees, dimensions), np.float32)
    results = Extrapolation(*(np.empty((horizon, dimensions), np.float64) for _ in range(3)))
    for step in range(horizon):
        _impute_future(address, model, shingle, missing, step, scratch, candidates)
        results.values[step] = percentile(candidates, MEDIAN_PERCENT)
        results.lower[step] = percentile(candidates, LOWER_PERCENT)
        results.upper[step] = percentile(candidates, UPPER_PERCENT)
        shingle[-dimensions:] = results.values[step]
        shingle[:-dimensions] = shingle[dimensions:].copy()
    return results
