"""Watches outputs arrive, with a committed reader that does nothing else."""

from __future__ import annotations

import time
from collections.abc import Callable

from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition

from load_tests.figures import Arrivals

READ_MOST = 50_000  # records
READ_SECONDS = 0.05
CONNECT_SECONDS = 1.0  # for the reader to stand at the topic before its writer starts
PATIENCE_SECONDS = 120.0  # without any output before giving up


class ArrivalReader:
    """A reader of all partitions of a topic that is still empty; make it before the writer starts."""

    def __init__(self, bootstrap: str, topic: str, partitions: int) -> None:
        self._topic = topic
        self._consumer = Consumer(
            {
                "bootstrap.servers": bootstrap,
                "group.id": "load-test-reader",  # never joined
                "enable.auto.commit": False,
                "isolation.level": "read_committed",
                "check.crcs": False,
                "fetch.queue.backoff.ms": 20,
            }
        )
        places = [TopicPartition(topic, number, OFFSET_BEGINNING) for number in range(partitions)]
        self._consumer.assign(places)
        if self._consumer.consume(1, CONNECT_SECONDS):
            self._consumer.close()
            raise RuntimeError(f"topic {topic} should be empty before it is measured")

    def __enter__(self) -> ArrivalReader:
        return self

    def __exit__(self, *_exception: object) -> None:
        self._consumer.close()

    def read(self, seconds: float) -> list[bytes]:
        """The values of what is here, or of what comes first within ``seconds``."""
        first = self._consumer.poll(seconds)
        messages = [] if first is None else [first, *self._consumer.consume(READ_MOST, 0)]
        values = [message.value() for message in messages if message.error() is None]
        return [value for value in values if isinstance(value, bytes)]

    def watch(self, count: int, check: Callable[[], None]) -> Arrivals:
        """Read ``count`` committed records as they arrive. ``check`` raises when their writer has failed.

        Raises ``TimeoutError`` when none comes for two minutes.
        """
        times: list[float] = []
        counts: list[int] = []
        arrived = 0
        began = last = time.perf_counter()
        while arrived < count:
            messages = self._consumer.consume(READ_MOST, READ_SECONDS)
            now = time.perf_counter()
            fresh = sum(message.error() is None for message in messages)
            if fresh:
                arrived += fresh
                times.append(now - began)
                counts.append(arrived)
                last = now
                continue
            if now - last > PATIENCE_SECONDS:
                raise TimeoutError(
                    f"{arrived} of {count} outputs of {self._topic}, then none for {PATIENCE_SECONDS:g} s"
                )
            check()
        return Arrivals(times, counts)
