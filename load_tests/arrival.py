"""Watches outputs arrive, with a committed reader that does nothing else."""

from __future__ import annotations

import time
from collections.abc import Callable

from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition

from load_tests.figures import Arrivals

READ_MOST = 50_000  # records
READ_SECONDS = 0.05
PATIENCE_SECONDS = 120.0  # without any output before giving up


def watch_arrivals(
    bootstrap: str, topic: str, partitions: int, count: int, check: Callable[[], None]
) -> Arrivals:
    """Read ``count`` committed records of a topic as they arrive. ``check`` raises when their writer has ended.

    Raises ``TimeoutError`` when none comes for two minutes.
    """
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": "load-test-reader",
            "enable.auto.commit": False,
            "isolation.level": "read_committed",
            "check.crcs": False,
            "fetch.queue.backoff.ms": 20,
        }
    )
    consumer.assign([TopicPartition(topic, number, OFFSET_BEGINNING) for number in range(partitions)])
    times: list[float] = []
    counts: list[int] = []
    arrived = 0
    began = last = time.perf_counter()
    try:
        while arrived < count:
            messages = consumer.consume(READ_MOST, READ_SECONDS)
            now = time.perf_counter()
            fresh = sum(message.error() is None for message in messages)
            if fresh:
                arrived += fresh
                times.append(now - began)
                counts.append(arrived)
                last = now
            elif now - last > PATIENCE_SECONDS:
                raise TimeoutError(f"{arrived} of {count} outputs of {topic}, then none for {PATIENCE_SECONDS:g} s")
            else:
                check()
    finally:
        consumer.close()
    return Arrivals(times, counts)
