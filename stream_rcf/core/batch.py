"""A batch of events over many keys as one kernel call: the step between Python objects and flat arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from stream_rcf.core.block import KeyBlock
from stream_rcf.core.layout import Model
from stream_rcf.core.process import process_batch
from stream_rcf.core.scratch import Scratch


class BatchResults(NamedTuple):
    """Results in the order of the events; columns as named in ``process``."""

    numbers: np.ndarray  # (m, 4) float64: score, threshold, grade, confidence
    integers: np.ndarray  # (m, 3) int64: reason, events seen, start of the run of anomalies
    shares: np.ndarray  # (m, dimensions) float64: attribution by feature where the grade is above 0


def process_blocks(
    model: Model, scratch: Scratch, blocks: Sequence[KeyBlock], values: np.ndarray, timestamps: np.ndarray
) -> BatchResults:
    """Process event ``i`` with ``blocks[i]``; a block may occur often, and its events keep their order.

    ``values`` (m, dimensions) float64, finite in float32; ``timestamps`` (m,) int64, epoch ms.
    """
    events = len(blocks)
    counts: dict[KeyBlock, int] = {}
    for block in blocks:
        counts[block] = counts.get(block, 0) + 1
    for block, count in counts.items():
        block.reserve(count)
        block.spend(count)
    addresses = np.fromiter((block.address for block in blocks), np.int64, events)
    # A key's events one after the other: its trees are in the cache then.
    order = np.argsort(addresses, kind="stable")
    results = BatchResults(
        np.zeros((events, 4), np.float64),
        np.zeros((events, 3), np.int64),
        np.zeros((events, model.dimensions), np.float64),
    )
    process_batch(model, addresses, order, values, timestamps, scratch, *results)
    for block in counts:
        if block.headroom <= 0:
            block.count_headroom()
    return results
