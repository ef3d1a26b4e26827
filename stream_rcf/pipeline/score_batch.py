"""Score a batch of events over many keys and partitions: one kernel call, in a thread of its own where that pays."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import lru_cache, partial
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from stream_rcf.core.batch import BatchResults, BlockBatch
from stream_rcf.core.event_arrays import EventArrays, plain_events
from stream_rcf.core.explanation import DIRECTION
from stream_rcf.core.key_forecaster import KeyForecaster, RecordForecast
from stream_rcf.core.model import model_of
from stream_rcf.core.parameters import DetectorParameters
from stream_rcf.core.process import (
    ALERTS,
    CONFIDENCE,
    FIRST_ANOMALOUS,
    GRADE,
    INCIDENT,
    LIKELIHOOD,
    REASON,
    RESOLVED,
    SCORE,
    SEEN,
    THRESHOLD,
)
from stream_rcf.core.reasons import Reason
from stream_rcf.core.rules import EventRules, no_sensitivity
from stream_rcf.core.scratch import new_scratch
from stream_rcf.pipeline.events import Event
from stream_rcf.pipeline.rules import RuleSet
from stream_rcf.state.batch_keys import batch_done, blocks_of
from stream_rcf.state.key_table import KeyTable

# Events, about 3 ms of the default forest: fewer are scored sooner than a thread is woken.
LEAST_OVERLAPPED = 48
LEAST_OVERLAPPED_FORECASTS = 1  # the same where each takes a forecast, which is milliseconds


class ScoredBatch(NamedTuple):
    """Results in the order of the events, as plain Python values. An event is anomalous where ``grade`` is above 0."""

    score: list[float]
    threshold: list[float]
    grade: list[float]  # 0 to 1
    confidence: list[float]  # 0 to 1
    likelihood: list[float]  # 0 to 1
    reason: list[int]
    events_seen: list[int]
    # Of the key's latest incident; means something only for anomalies.
    first_anomalous_timestamp: list[int]  # epoch ms
    incident: list[int]  # the number of its first event
    incident_alerts: list[int]
    resolved: list[int]  # the events that end their key's incident, by index
    # By index of an anomaly, or with explains_all of each score: of core/explanation.py, by feature.
    details: dict[int, list[list[float]]]
    rule_names: Mapping[int, str] = MappingProxyType({})  # by index of an event whose alert a rule holds back
    forecasts: Sequence[RecordForecast] = ()  # by event; none where nothing is forecast


def arrays_of(events: Sequence[Event], rules: RuleSet | None = None) -> EventArrays:
    """The events' numbers side by side, and what the rules say of them; there is at least one event."""
    arrays = plain_events(
        np.array([event.values for event in events], np.float64),
        np.array([event.timestamp for event in events], np.int64),
    )
    if any(event.identity for event in events):
        arrays = arrays._replace(identities=np.array([event.identity for event in events], np.int64))
    ruled = None if rules is None else rules.judge(events, arrays.values, arrays.timestamps)
    if ruled is None:
        return arrays
    return arrays._replace(rules=EventRules(*ruled, no_sensitivity(arrays.values.shape[1])))


def with_rule_names(scored: ScoredBatch, events: Sequence[Event], rules: RuleSet | None) -> ScoredBatch:
    """The same results, which say of each alert that a rule holds back by which rules it may be."""
    if rules is None or Reason.RULE not in scored.reason:
        return scored
    names: dict[int, str] = {}
    for index in (index for index, reason in enumerate(scored.reason) if reason == Reason.RULE):
        found = (rules.names_for(events[index], feature) for feature in range(len(events[index].values)))
        names[index] = ",".join(dict.fromkeys(name for one in found if one for name in one.split(",")))
    return scored._replace(rule_names=names)


class RunningBatch:
    """A batch that was started. Its keys must be left alone until ``settle``, ``result`` or ``wait`` has returned."""

    def __init__(
        self, batch: BlockBatch | None, running: Future[None] | None, done: Callable[[], None]
    ) -> None:
        self._batch = batch
        self._running = running
        self._done = done
        self._results: BatchResults | None = None

    @property
    def is_done(self) -> bool:
        """Whether ``result`` would return at once."""
        return self._running is None or self._running.done()

    def wait(self) -> BaseException | None:
        """Wait until it no longer runs, however it ended; the exception if it failed."""
        return None if self._running is None else self._running.exception()

    def settle(self) -> None:
        """Wait for the kernel and let go of the keys, so that another batch may start. Raises what that raised."""
        if self._batch is None or self._results is not None:
            return
        if self._running is not None:
            self._running.result()
        self._results = self._batch.finish()
        self._done()

    def result(self) -> ScoredBatch:
        """Wait for the results; raises what the kernel's thread raised."""
        self.settle()
        if self._results is None:
            return ScoredBatch([], [], [], [], [], [], [], [], [], [], [], {})
        return _as_python(self._results)


class BatchScorer:
    """Scores batches of one detector one after the other; not to be used by two threads at once.

    Everything but the kernel runs in the caller's thread: only there are tables and blocks touched.
    ``threads`` share out the keys of a batch; the results are the same.
    """

    def __init__(self, parameters: DetectorParameters, threads: int = 1) -> None:
        self._model = model_of(parameters)
        self._scratches = [new_scratch(self._model) for _ in range(threads)]
        is_forecasting = parameters.forecast is not None
        self._forecasters = [KeyForecaster(self._model) for _ in range(threads)] if is_forecasting else []
        self._least_overlapped = LEAST_OVERLAPPED_FORECASTS if is_forecasting else LEAST_OVERLAPPED
        self._helpers = ThreadPoolExecutor(threads, "score") if threads > 1 else None
        self._kernel: ThreadPoolExecutor | None = None  # made when it is first needed: files need none

    def score(
        self, events: Sequence[Event], tables: Sequence[KeyTable], rules: RuleSet | None = None
    ) -> ScoredBatch:
        """Score each event against its key's past, then learn it; ``tables[i]`` holds the key of ``events[i]``."""
        arrays = arrays_of(events, rules) if events else None
        batch, done = self._prepare(events, tables, arrays)
        if batch is not None:
            batch.run()
        return with_rule_names(RunningBatch(batch, None, done).result(), events, rules)

    def start(
        self, events: Sequence[Event], tables: Sequence[KeyTable], arrays: EventArrays | None = None
    ) -> RunningBatch:
        """Begin the same and return while the kernel runs, unless the events are few. None may be running already.

        ``arrays``: what ``arrays_of`` gave, where it was worked out while another batch ran.
        """
        batch, done = self._prepare(events, tables, arrays)
        if batch is None or len(events) < self._least_overlapped:
            if batch is not None:
                batch.run()
            return RunningBatch(batch, None, done)
        if self._kernel is None:
            self._kernel = ThreadPoolExecutor(1, "kernel")
        has_begun = threading.Event()

        def run() -> None:
            has_begun.set()
            batch.run()

        running = self._kernel.submit(run)
        # Hands over the GIL at once: a busy caller would keep it for another 5 ms, and the kernel needs it to begin.
        has_begun.wait()
        return RunningBatch(batch, running, done)

    def close(self) -> None:
        """Let the threads end, after what they still do."""
        for pool in (self._kernel, self._helpers):
            if pool is not None:
                pool.shutdown()

    def _prepare(
        self, events: Sequence[Event], tables: Sequence[KeyTable], arrays: EventArrays | None = None
    ) -> tuple[BlockBatch | None, Callable[[], None]]:
        """Everything before the kernel, and what is to be done after it; None where there are no events."""
        if not events:
            return None, _nothing
        blocks = blocks_of(self._model, [event.key for event in events], tables)
        batch = BlockBatch(
            self._model,
            self._scratches,
            blocks,
            arrays or arrays_of(events),
            map if self._helpers is None else self._helpers.map,
            self._forecasters,
        )
        return batch, partial(batch_done, blocks, tables)


def _nothing() -> None:
    """What is to be done after a batch without events."""


def _as_python(results: BatchResults) -> ScoredBatch:
    numbers, integers = results.numbers, results.integers
    explained = np.flatnonzero(results.details[:, 0, DIRECTION]).tolist()
    return ScoredBatch(
        numbers[:, SCORE].tolist(),
        numbers[:, THRESHOLD].tolist(),
        numbers[:, GRADE].tolist(),
        numbers[:, CONFIDENCE].tolist(),
        numbers[:, LIKELIHOOD].tolist(),
        integers[:, REASON].tolist(),
        integers[:, SEEN].tolist(),
        integers[:, FIRST_ANOMALOUS].tolist(),
        integers[:, INCIDENT].tolist(),
        integers[:, ALERTS].tolist(),
        np.flatnonzero(integers[:, RESOLVED]).tolist(),
        {index: results.details[index].tolist() for index in explained},
        forecasts=results.forecasts,
    )


@lru_cache(maxsize=8)
def _scorer(parameters: DetectorParameters, threads: int) -> BatchScorer:
    return BatchScorer(parameters, threads)


def score_batch(
    parameters: DetectorParameters,
    events: Sequence[Event],
    tables: Sequence[KeyTable],
    threads: int = 1,
    rules: RuleSet | None = None,
) -> ScoredBatch:
    """Score each event against its key's past, then learn it; ``tables[i]`` holds the key of ``events[i]``.

    Events of one key are processed in the order given. The result does not depend on how a stream is cut into batches,
    nor on ``threads``, which share out the keys. Not to be called by two threads at once.
    """
    return _scorer(parameters, threads).score(events, tables, rules)
