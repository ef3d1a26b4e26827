"""What the detector says of a series, one configuration for all of them, each event judged by its past alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from load_tests.quality.nab_corpus import Series
from stream_rcf.core.batch import process_blocks
from stream_rcf.core.block import KeyBlock
from stream_rcf.core.model import model_of
from stream_rcf.core.parameters import (
    ALERT_BUDGET,
    DetectorParameters,
    ForestParameters,
    LikelihoodParameters,
)
from stream_rcf.core.process import GRADE, LIKELIHOOD, SCORE
from stream_rcf.core.random_stream import key_seed
from stream_rcf.core.reasons import ALL_CORRECTIONS
from stream_rcf.core.scratch import new_scratch

BATCH_EVENTS = 1000
# The settings of AWS's own entry in the benchmark.
AWS_FOREST = ForestParameters(trees=100, sample_size=256, shingle_size=1, time_decay=1e-5)


@dataclass(frozen=True)
class Detections:
    """By event: the forest's raw score, the likelihood, and whether it is an anomaly."""

    score: np.ndarray  # (n,) float64
    likelihood: np.ndarray  # (n,) float64
    is_anomaly: np.ndarray  # (n,) bool


def detect(
    values: np.ndarray,
    timestamps: np.ndarray,
    seed: int,
    alert_budget: float = ALERT_BUDGET,
    corrections: int = ALL_CORRECTIONS,
) -> Detections:
    """The default detector with a budget over ``values`` (n, dimensions) with ``timestamps`` (n,) epoch ms."""
    dimensions = values.shape[1]
    names = tuple(f"feature_{i}" for i in range(dimensions))
    forest = ForestParameters(dimensions=dimensions, seed=seed)
    parameters = DetectorParameters(names, forest, likelihood=LikelihoodParameters(alert_budget, corrections))
    model = model_of(parameters)
    scratch, block = new_scratch(model), KeyBlock(model, key_seed(seed, ""))
    parts = []
    for start in range(0, len(values), BATCH_EVENTS):
        rows = np.ascontiguousarray(values[start : start + BATCH_EVENTS], np.float64)
        times = np.ascontiguousarray(timestamps[start : start + BATCH_EVENTS], np.int64)
        parts.append(process_blocks(model, [scratch], [block] * len(rows), rows, times).numbers)
    numbers = np.concatenate(parts)
    return Detections(numbers[:, SCORE], numbers[:, LIKELIHOOD], numbers[:, GRADE] > 0.0)


def detect_all(
    corpus: Sequence[Series],
    seed: int,
    alert_budget: float = ALERT_BUDGET,
    corrections: int = ALL_CORRECTIONS,
) -> list[Detections]:
    """The same of each series, each a key of its own."""
    return [
        detect(series.values[:, None], series.timestamps, seed, alert_budget, corrections)
        for series in corpus
    ]
