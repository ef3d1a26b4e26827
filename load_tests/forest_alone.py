"""The forest without Kafka, JSON or offsets: the same events in the same order, in one process."""

from __future__ import annotations

import gc
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass

from load_tests.figures import Arrivals
from load_tests.workload import PARTITIONS, Message
from stream_rcf import RandomCutForest
from stream_rcf.core.parameters import DetectorParameters
from stream_rcf.pipeline.decode import EventDecoder
from stream_rcf.pipeline.events import Event
from stream_rcf.pipeline.score_batch import score_batch
from stream_rcf.settings.derived import detector_parameters, event_schema
from stream_rcf.settings.model import Settings
from stream_rcf.state.key_table import KeyTable

BATCH_SIZE = 1000  # the service's default
ONE_KEY_EVENTS = 20_000  # about half a second, measured


@dataclass(frozen=True)
class ForestRun:
    """The same events in two orders.

    ``backlog``: batches as the service reads a backlog. ``scattered``: events/s when each batch is spread over all
    keys, as when events arrive live; the models are as much older there as the mature events are many.
    """

    backlog: Arrivals
    scattered: float


def backlog_order(messages: Sequence[Message]) -> list[Message]:
    """The order in which a client hands a backlog over: a thousand of one partition, then of the next."""
    queues = [[message for message in messages if message[2] == number] for number in range(PARTITIONS)]
    longest = max(map(len, queues))
    return [
        message
        for start in range(0, longest, BATCH_SIZE)
        for queue in queues
        for message in queue[start : start + BATCH_SIZE]
    ]


def many_keys(messages: Sequence[Message], mature: int) -> ForestRun:
    """Score all events from empty models in the backlog's order, then the last ``mature`` ones again, scattered."""
    parameters = detector_parameters(Settings())
    table = KeyTable(parameters)
    backlog, scattered = _decoded(backlog_order(messages)), _decoded(messages[-mature:])
    gc.freeze()  # the service does not hold all events at once; the collector must not walk them here
    arrivals = _score(parameters, table, backlog)
    again = _score(parameters, table, scattered)
    gc.unfreeze()
    return ForestRun(arrivals, again.rate(0, len(scattered)))


def _decoded(messages: Sequence[Message]) -> list[Event]:
    """The events as the service decodes them."""
    decoder = EventDecoder(event_schema(Settings()))
    events = [decoder.decode(value, key, timestamp) for key, value, _, timestamp in messages]
    return [event for event in events if isinstance(event, Event)]


def _score(parameters: DetectorParameters, table: KeyTable, events: Sequence[Event]) -> Arrivals:
    times, counts = [0.0], [0]
    began = time.perf_counter()
    for start in range(0, len(events), BATCH_SIZE):
        batch = events[start : start + BATCH_SIZE]
        score_batch(parameters, batch, [table] * len(batch))
        times.append(time.perf_counter() - began)
        counts.append(start + len(batch))
    return Arrivals(times, counts)


def one_key(first: int, last: int) -> float:
    """Events per second of ``process_many`` on one key, from its event ``first`` to its event ``last``.

    The age matters: a sample that is just full takes in half of what it sees, an old one a tenth. Repeated with new
    forests until enough events were measured.
    """
    rounds = max(1, ONE_KEY_EVENTS // (last - first))
    values = [math.sin(i / 8.0) + 0.1 * ((i * 7919) % 101) / 101 for i in range(last)]
    seconds = 0.0
    for seed in range(rounds):
        forest = RandomCutForest(seed=seed)
        forest.process_many(values[:first])
        began = time.perf_counter()
        forest.process_many(values[first:])
        seconds += time.perf_counter() - began
    return rounds * (last - first) / seconds
