"""The forest without Kafka, JSON or offsets: the same events in the same order, in one process."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence

from load_tests.figures import Arrivals
from load_tests.workload import Message
from stream_rcf import RandomCutForest
from stream_rcf.core.parameters import DetectorParameters
from stream_rcf.pipeline.decode import EventDecoder
from stream_rcf.pipeline.events import Event
from stream_rcf.pipeline.score_batch import score_batch
from stream_rcf.settings.model import Settings, detector_parameters, event_schema
from stream_rcf.state.key_table import KeyTable

BATCH_SIZE = 1000  # the service's default
MATURE_AFTER = 1000  # events of the one key, not measured
ONE_KEY_EVENTS = 20_000


def decoded(messages: Sequence[Message]) -> list[Event]:
    """The events as the service decodes them."""
    decoder = EventDecoder(event_schema(Settings()))
    events = [decoder.decode(value, key, timestamp) for key, value, _, timestamp in messages]
    return [event for event in events if isinstance(event, Event)]


def many_keys(events: Sequence[Event]) -> Arrivals:
    """Score all events from empty models, in batches; when each batch was done."""
    parameters: DetectorParameters = detector_parameters(Settings())
    table = KeyTable(parameters)
    times, counts = [0.0], [0]
    began = time.perf_counter()
    for start in range(0, len(events), BATCH_SIZE):
        batch = events[start : start + BATCH_SIZE]
        score_batch(parameters, batch, [table] * len(batch))
        times.append(time.perf_counter() - began)
        counts.append(start + len(batch))
    return Arrivals(times, counts)


def one_key() -> float:
    """Events per second of ``RandomCutForest.process_many`` on a single mature key: all its trees stay in the cache."""
    forest = RandomCutForest()
    values = [math.sin(i / 8.0) + 0.1 * ((i * 7919) % 101) / 101 for i in range(MATURE_AFTER + ONE_KEY_EVENTS)]
    forest.process_many(values[:MATURE_AFTER])
    began = time.perf_counter()
    forest.process_many(values[MATURE_AFTER:])
    return ONE_KEY_EVENTS / (time.perf_counter() - began)
