"""Events that arrive while a test does something to the service."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

from confluent_kafka import Producer

from tests.support.service import Topics

EventList = Sequence[tuple[bytes, bytes, int, int]]
SLICES_PER_SECOND = 50  # more often than the service commits, so that a transaction is nearly always open


def feed(topics: Topics, events: EventList, seconds: float) -> threading.Thread:
    """Produce the events evenly over ``seconds``, from a thread: at any moment some are in flight."""
    slices = int(seconds * SLICES_PER_SECOND)
    size = -(-len(events) // slices)

    def produce() -> None:
        producer = Producer({"bootstrap.servers": topics.broker.bootstrap, "enable.idempotence": True})
        began = time.monotonic()
        for number, start in enumerate(range(0, len(events), size), 1):
            for key, value, partition, timestamp in events[start : start + size]:
                producer.produce(topics.events, value, key, partition, timestamp=timestamp)
            producer.poll(max(0.0, began + number / SLICES_PER_SECOND - time.monotonic()))
            time.sleep(max(0.0, began + number / SLICES_PER_SECOND - time.monotonic()))
        assert producer.flush(60) == 0, "the events of this test could not all be produced"

    thread = threading.Thread(target=produce)
    thread.start()
    return thread
