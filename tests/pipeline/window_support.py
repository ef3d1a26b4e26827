"""A stream of raw events over several keys, and the records that a detector makes of its windows."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import NamedTuple

from stream_rcf.core.aggregates import WindowParameters
from stream_rcf.core.arrival_parameters import ArrivalParameters
from stream_rcf.core.parameters import DetectorParameters, ForestParameters, LikelihoodParameters
from stream_rcf.pipeline.events import Event
from stream_rcf.pipeline.score_batch import score_batch
from stream_rcf.pipeline.windows import EventWindows
from stream_rcf.state.key_table import KeyTable

FEATURES = ("count", "sum(a)", "p99(a)")
WINDOW_MS, STEP_MS = 10_000, 700
PARAMETERS = DetectorParameters(
    FEATURES,
    ForestParameters(trees=4, sample_size=16, dimensions=3, shingle_size=2, seed=5),
    likelihood=LikelihoodParameters(alert_budget=0.0),  # so that few windows are enough for anomalies
    arrival=ArrivalParameters(allowed_lateness_ms=4000, remembered_ids=8),
    windows=WindowParameters(WINDOW_MS, 2),
)


class Record(NamedTuple):
    """One window as it was scored."""

    key: str
    start: int
    values: str  # as text, so that NaN is like NaN
    closed_by: int  # the number of the raw event in the stream
    score: float
    grade: float
    reason: int
    events_seen: int


def raw_stream(count: int, keys: int = 5, seed: int = 3, pauses: Sequence[int] = ()) -> list[Event]:
    """Events out of order, some of them late, some repeated; at ``pauses`` nothing comes for ten minutes."""
    generator, events, time = random.Random(seed), [], 1_767_225_600_000
    for i in range(count):
        time += STEP_MS + (600_000 if i in pauses else 0)
        at = time - int(generator.expovariate(1 / 3000))
        value = generator.lognormvariate(0.0, 1.0) * (100.0 if generator.random() < 0.01 else 1.0)
        events.append(Event(f"key-{generator.randrange(keys)}", at, (value,), i + 1))
        if generator.random() < 0.03:
            events.append(events[-1])
    return events


def records_of(
    parameters: DetectorParameters,
    events: Sequence[Event],
    table: KeyTable,
    size: int = 64,
    between: Callable[[KeyTable], KeyTable] | None = None,
) -> tuple[list[Record], list[tuple[int, str]]]:
    """The records of a stream cut into batches, and the events passed over; ``between`` may put another table."""
    windows, found, passed_over = EventWindows(parameters), [], []
    for start in range(0, len(events), size):
        batch = events[start : start + size]
        closed = windows.close(batch, [table] * len(batch))
        scored = score_batch(parameters, closed.events, closed.tables)
        passed_over += [(start + index, reason.name) for index, reason in closed.passed_over]
        found += [
            Record(
                event.key,
                event.timestamp,
                repr(event.values),
                start + closed.closed_by[i],
                scored.score[i],
                scored.grade[i],
                scored.reason[i],
                scored.events_seen[i],
            )
            for i, event in enumerate(closed.events)
        ]
        if between is not None:
            table = between(table)
    return found, passed_over
