"""A broker inside this process, for demonstrations: librdkafka's mock cluster, which other clients reach over TCP.

It speaks the transaction calls but applies neither their offsets nor their aborts, keeps some megabytes of each
partition in memory, and forgets everything with the process. It proves nothing about delivery.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

from confluent_kafka import KafkaException, Producer

from stream_rcf.errors import UnreachableError
from stream_rcf.kafka.failures import kafka_error

PARTITIONS = 4  # of each topic; the mock cluster's own number, which Python cannot choose
ANSWER_SECONDS = 10.0  # it answers within milliseconds; a very busy machine needs longer


class EmbeddedBroker:
    """One broker on a free port of 127.0.0.1 with the given topics; gone after ``close``.

    ``bootstrap`` is its address. Close every other client first: they log that their broker went away.
    Raises ``UnreachableError`` when it does not start.
    """

    def __init__(self, topics: Sequence[str]) -> None:
        self._holder: Producer | None = Producer({"test.mock.num.brokers": 1, "log_level": 0})
        try:
            for topic in topics:
                self._holder.list_topics(topic, timeout=ANSWER_SECONDS)  # asking for a topic creates it
            brokers = self._holder.list_topics(timeout=ANSWER_SECONDS).brokers.values()
        except KafkaException as failure:
            raise UnreachableError(
                f"the embedded broker did not start: {kafka_error(failure).str()}"
            ) from None
        self.bootstrap = ",".join(f"{broker.host}:{broker.port}" for broker in brokers)

    def close(self) -> None:
        """Let the broker go, and everything on it."""
        self._holder = None  # it lives as long as the client that started it

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()
