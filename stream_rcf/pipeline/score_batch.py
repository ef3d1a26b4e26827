"""Score a batch of events over many keys and partitions: one kernel call."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from stream_rcf.core.batch import RunAll, process_blocks
from stream_rcf.core.layout import Model, model_of
from stream_rcf.core.parameters import DetectorParameters
from stream_rcf.core.process import (
    CONFIDENCE,
    FIRST_ANOMALOUS,
    GRADE,
    REASON,
    SCORE,
    SEEN,
    THRESHOLD,
)
from stream_rcf.core.scratch import Scratch, new_scratch
from stream_rcf.pipeline.events import Event
from stream_rcf.state.batch_keys import batch_done, blocks_of
from stream_rcf.state.key_table import KeyTable


class ScoredBatch(NamedTuple):
    """Results in the order of the events, as plain Python values. An event is anomalous where ``grade`` is above 0."""

    score: list[float]
    threshold: list[float]
    grade: list[float]  # 0 to 1
    confidence: list[float]  # 0 to 1
    reason: list[int]
    events_seen: list[int]
    first_anomalous_timestamp: list[int]  # epoch ms; means something only for anomalies
    attribution: dict[int, list[float]]  # by index of an anomaly: shares per feature, summing to 1


@lru_cache(maxsize=8)
def _prepared(parameters: DetectorParameters, threads: int) -> tuple[Model, list[Scratch], RunAll]:
    model = model_of(parameters)
    scratches = [new_scratch(model) for _ in range(threads)]
    return model, scratches, map if threads == 1 else ThreadPoolExecutor(threads, "score").map


def score_batch(
    parameters: DetectorParameters, events: Sequence[Event], tables: Sequence[KeyTable], threads: int = 1
) -> ScoredBatch:
    """Score each event against its key's past, then learn it; ``tables[i]`` holds the key of ``events[i]``.

    Events of one key are processed in the order given. The result does not depend on how a stream is cut into batches,
    nor on ``threads``, which share out the keys. Not to be called by two threads at once.
    """
    if not events:
        return ScoredBatch([], [], [], [], [], [], [], {})
    model, scratches, run_all = _prepared(parameters, threads)
    blocks = blocks_of(model, [event.key for event in events], tables)
    values = np.array([event.values for event in events], np.float64)
    timestamps = np.array([event.timestamp for event in events], np.int64)
    results = process_blocks(model, scratches, blocks, values, timestamps, run_all)
    batch_done(blocks, tables)
    numbers, integers = results.numbers, results.integers
    anomalies = np.flatnonzero(numbers[:, GRADE] > 0.0).tolist()
    return ScoredBatch(
        numbers[:, SCORE].tolist(),
        numbers[:, THRESHOLD].tolist(),
        numbers[:, GRADE].tolist(),
        numbers[:, CONFIDENCE].tolist(),
        integers[:, REASON].tolist(),
        integers[:, SEEN].tolist(),
        integers[:, FIRST_ANOMALOUS].tolist(),
        {index: results.shares[index].tolist() for index in anomalies},
    )
