"""A batch of events over many keys as one kernel call: the step between Python objects and flat arrays."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from stream_rcf.core.block import KeyBlock
from stream_rcf.core.layout import Model
from stream_rcf.core.process import process_batch
from stream_rcf.core.scratch import Scratch

LEAST_EVENTS = 64  # per thread: fewer cost less than waking it

# Calls a function once for each element, perhaps at the same time, and returns when all are done.
RunAll = Callable[[Callable[[Any], None], Iterable[Any]], Any]


class BatchResults(NamedTuple):
    """Results in the order of the events; columns as named in ``process``."""

    numbers: np.ndarray  # (m, 4) float64: score, threshold, grade, confidence
    integers: np.ndarray  # (m, 3) int64: reason, events seen, start of the run of anomalies
    shares: np.ndarray  # (m, dimensions) float64: attribution by feature where the grade is above 0


def process_blocks(
    model: Model,
    scratches: Sequence[Scratch],
    blocks: Sequence[KeyBlock],
    values: np.ndarray,
    timestamps: np.ndarray,
    run_all: RunAll = map,
) -> BatchResults:
    """Process event ``i`` with ``blocks[i]``; a block may occur often, and its events keep their order.

    ``values`` (m, dimensions) float64, finite in float32; ``timestamps`` (m,) int64, epoch ms. With several scratches
    the keys are shared out to as many calls of ``run_all``, which release the GIL; the results are the same.
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

    def process(part: tuple[np.ndarray, Scratch]) -> None:
        process_batch(model, addresses, part[0], values, timestamps, part[1], *results)

    parts = parts_by_key(addresses[order], min(len(scratches), max(1, events // LEAST_EVENTS)))
    shares = [order[first:last] for first, last in parts]
    for _ in run_all(process, zip(shares, scratches, strict=False)):
        pass  # an exception of a thread is raised here
    for block in counts:
        if block.headroom <= 0:
            block.count_headroom()
    return results


def parts_by_key(addresses: np.ndarray, most: int) -> list[tuple[int, int]]:
    """Ranges of about equal length that cover sorted ``addresses`` and never part equal ones; at most ``most``."""
    wanted = np.linspace(0, len(addresses), most + 1).astype(np.int64)[1:-1]
    starts = np.searchsorted(addresses, addresses[wanted]) if len(addresses) else wanted[:0]
    edges = sorted({0, *starts.tolist(), len(addresses)})
    return [(edges[i], edges[i + 1]) for i in range(len(edges) - 1)]
