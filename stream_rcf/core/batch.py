"""A batch of events over many keys as one kernel call: the step between Python objects and flat arrays."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from stream_rcf.core.block import KeyBlock
from stream_rcf.core.event_arrays import EventArrays, plain_events
from stream_rcf.core.explanation import DETAILS
from stream_rcf.core.key_forecaster import NO_FORECAST, KeyForecaster, RecordForecast
from stream_rcf.core.model import Model
from stream_rcf.core.process import INTEGERS, LEARNING, NUMBERS, process_batch
from stream_rcf.core.scratch import Scratch

LEAST_EVENTS = 64  # per thread: fewer cost less than waking it
LEAST_FORECASTS = 1  # the same where each takes forecasts, which are milliseconds

# Calls a function once for each element, perhaps at the same time, and returns when all are done.
RunAll = Callable[[Callable[[Any], None], Iterable[Any]], Any]


class BatchResults(NamedTuple):
    """Results in the order of the events; columns as named in ``process``."""

    numbers: np.ndarray  # (m, NUMBERS) float64: score, threshold, grade, confidence, likelihood
    integers: np.ndarray  # (m, INTEGERS) int64: reason, events seen, and of the latest incident
    details: np.ndarray  # (m, dimensions, DETAILS) float64: see explanation.py; where the grade is above 0
    forecasts: Sequence[RecordForecast] = ()  # by event; none where nothing is forecast


class BlockBatch:
    """A batch on its way through the kernel, in three steps: made, ``run``, ``finish``.

    ``run`` releases the GIL and may be called by another thread than the owner of the blocks, who must leave them alone
    until it has returned. The batch keeps its blocks alive, whatever becomes of the tables they came from.

    Event ``i`` meets ``blocks[i]``; a block may occur often, and its events keep their order. With several scratches
    the keys are shared out to as many calls of ``run_all``; the results are the same. ``forecasters``: one for each
    scratch, or none where nothing is forecast. With them events are processed one by one, since a forecast needs the
    forest as its event left it.
    """

    def __init__(
        self,
        model: Model,
        scratches: Sequence[Scratch],
        blocks: Sequence[KeyBlock],
        arrays: EventArrays,
        run_all: RunAll = map,
        forecasters: Sequence[KeyForecaster] = (),
    ) -> None:
        events = len(blocks)
        self._counts = Counter(blocks)
        for block, count in self._counts.items():
            block.reserve(count)
            block.spend(count)
        self._addresses = np.fromiter((block.address for block in blocks), np.int64, events)
        # A key's events one after the other: its trees are in the cache then.
        self._order = np.argsort(self._addresses, kind="stable")
        self._model, self._scratches, self._run_all = model, scratches, run_all
        self._arrays, self._blocks, self._forecasters = arrays, blocks, forecasters
        self._forecasts = [NO_FORECAST] * events if forecasters else []
        self._results = BatchResults(
            np.zeros((events, NUMBERS), np.float64),
            np.zeros((events, INTEGERS), np.int64),
            np.zeros((events, model.dimensions, DETAILS), np.float64),
            self._forecasts or (),
        )

    def run(self) -> None:
        """Process every event. To be called once."""
        addresses, order = self._addresses, self._order

        def process(part: tuple[np.ndarray, Scratch, KeyForecaster | None]) -> None:
            if part[2] is None:
                self._process(part[0], part[1])
            else:
                self._process_and_forecast(part[0], part[1], part[2])

        least = LEAST_FORECASTS if self._forecasters else LEAST_EVENTS
        parts = parts_by_key(addresses[order], min(len(self._scratches), max(1, len(order) // least)))
        shares = [order[first:last] for first, last in parts]
        forecasters: Sequence[KeyForecaster | None] = self._forecasters or [None] * len(self._scratches)
        for _ in self._run_all(process, zip(shares, self._scratches, forecasters, strict=False)):
            pass  # an exception of a thread is raised here

    def _process(self, events: np.ndarray, scratch: Scratch) -> None:
        numbers, integers, details, _ = self._results
        process_batch(self._model, self._addresses, events, self._arrays, scratch, numbers, integers, details)

    def _process_and_forecast(self, events: np.ndarray, scratch: Scratch, forecaster: KeyForecaster) -> None:
        values, learning = self._arrays.values, self._results.integers[:, LEARNING]
        for place, event in enumerate(events.tolist()):
            is_complete = not np.isnan(values[event]).any()  # the kernel fills in what is missing
            self._process(events[place : place + 1], scratch)
            self._forecasts[event] = forecaster.follow(
                self._blocks[event], int(learning[event]), values[event], is_complete, scratch
            )

    def finish(self) -> BatchResults:
        """Look how much room is left in the blocks, after ``run``; the results."""
        for block in self._counts:
            if block.headroom <= 0:
                block.count_headroom()
        return self._results


def process_blocks(
    model: Model,
    scratches: Sequence[Scratch],
    blocks: Sequence[KeyBlock],
    values: np.ndarray,
    timestamps: np.ndarray,
    run_all: RunAll = map,
    forecasters: Sequence[KeyForecaster] = (),
) -> BatchResults:
    """All three steps of a ``BlockBatch`` of plain events at once; what is missing in ``values`` is filled in."""
    batch = BlockBatch(model, scratches, blocks, plain_events(values, timestamps), run_all, forecasters)
    batch.run()
    return batch.finish()


def parts_by_key(addresses: np.ndarray, most: int) -> list[tuple[int, int]]:
    """Ranges of about equal length that cover sorted ``addresses`` and never part equal ones; at most ``most``."""
    wanted = np.linspace(0, len(addresses), most + 1).astype(np.int64)[1:-1]
    starts = np.searchsorted(addresses, addresses[wanted]) if len(addresses) else wanted[:0]
    edges = sorted({0, *starts.tolist(), len(addresses)})
    return [(edges[i], edges[i + 1]) for i in range(len(edges) - 1)]
