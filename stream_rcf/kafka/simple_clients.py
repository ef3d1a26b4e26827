"""A producer and a reader for demonstrations: no groups, no transactions, errors as sentences."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, NamedTuple

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Producer, TopicPartition

from stream_rcf.errors import StreamRcfError, UnreachableError
from stream_rcf.kafka.failures import kafka_error
from stream_rcf.kafka.messages import as_bytes

QUIET = {"log_level": 0}  # failures come as exceptions; the client's own lines would tear a display
ANSWER_SECONDS = 15.0  # for metadata and watermarks
QUEUE_FULL_SECONDS = 0.1  # between attempts while the producer's queue is full
LINGER_MS = 5  # batches wait at most this long


class EventProducer:
    """Writes events and keeps count. Delivery failures are raised by ``flush``."""

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap
        self._failure: KafkaError | None = None
        self._producer = Producer(
            {
                "bootstrap.servers": bootstrap,
                "enable.idempotence": True,
                "linger.ms": LINGER_MS,
                "partitioner": "murmur2_random",  # Java's: a key lands where other producers put it
                "delivery.report.only.error": True,
                "on_delivery": self._on_delivery,
                **QUIET,
            }
        )
        self.produced = 0

    def require_topic(self, topic: str) -> None:
        """Raise ``UnreachableError`` unless a broker answers and has the topic."""
        try:
            known = self._producer.list_topics(topic, timeout=ANSWER_SECONDS).topics[topic]
        except KafkaException as failure:
            raise UnreachableError(
                f"no Kafka broker answers at {self._bootstrap}: {kafka_error(failure).str()}"
            ) from None
        if known.error is not None:
            raise UnreachableError(
                f"topic {topic} on {self._bootstrap}: {known.error.str()}. "
                "Create the topics with `stream-rcf topics create`"
            )

    def produce(self, topic: str, key: bytes | None, value: bytes | None) -> None:
        """Queue one event; waits while the queue is full."""
        while True:
            try:
                self._producer.produce(topic, value, key)
            except BufferError:
                self._producer.poll(QUEUE_FULL_SECONDS)
                continue
            self.produced += 1
            return

    def poll(self) -> None:
        """Let failures be noticed; raises ``StreamRcfError`` for the first one."""
        self._producer.poll(0)
        if self._failure is not None:
            raise StreamRcfError(f"events could not be written: {self._failure.str()}")

    def flush(self, seconds: float) -> None:
        """Wait until every event is stored. Raises ``StreamRcfError`` where that fails or takes longer."""
        remaining = self._producer.flush(seconds)
        self.poll()
        if remaining:
            raise StreamRcfError(f"{remaining} events were not stored within {seconds:g} s")

    def _on_delivery(self, error: KafkaError | None, _message: Any) -> None:
        if error is not None and self._failure is None:
            self._failure = error


class OutputRecord(NamedTuple):
    """A record as a reader sees it."""

    topic: str
    key: bytes | None
    value: bytes
    headers: dict[str, bytes]


class TopicReader:
    """Reads every partition of some topics from the beginning, committed records only, without a group."""

    def __init__(self, bootstrap: str, topics: Sequence[str]) -> None:
        self._consumer = Consumer(
            {
                "bootstrap.servers": bootstrap,
                "group.id": "stream-rcf-demo-reader",  # required by the client; never joined
                "enable.auto.commit": False,
                "isolation.level": "read_committed",
                "fetch.wait.max.ms": 50,  # of an idle broker: how late a display may be
                **QUIET,
            }
        )
        self._places: list[tuple[str, int]] = []
        for topic in topics:
            known = self._consumer.list_topics(topic, timeout=ANSWER_SECONDS).topics[topic]
            self._places += [(topic, partition) for partition in known.partitions]
        self._consumer.assign(
            [TopicPartition(topic, partition, OFFSET_BEGINNING) for topic, partition in self._places]
        )

    def read(self, most: int, seconds: float) -> list[OutputRecord]:
        """Up to ``most`` records, after waiting up to ``seconds``. Raises ``StreamRcfError`` when reading fails."""
        records = []
        for message in self._consumer.consume(most, seconds):
            error = message.error()
            if error is not None:
                raise StreamRcfError(f"reading the outputs failed: {error.str()}")
            headers = {name: as_bytes(value) or b"" for name, value in dict(message.headers() or []).items()}
            records.append(
                OutputRecord(
                    message.topic() or "",
                    as_bytes(message.key()),
                    as_bytes(message.value()) or b"",
                    headers,
                )
            )
        return records

    def stored(self, topic: str, partitions: int) -> int:
        """How many records were ever written to a topic that no transaction writes to."""
        places = [TopicPartition(topic, partition) for partition in range(partitions)]
        return sum(self._end(place) for place in places)

    def wait_for_ends(self, seconds: float) -> Sequence[OutputRecord]:
        """What is left up to the ends of all partitions as they are now.

        Raises ``StreamRcfError`` when that takes longer than ``seconds``.
        """
        ends = {place: self._end(TopicPartition(*place)) for place in self._places}
        records: list[OutputRecord] = []
        deadline = time.monotonic() + seconds
        while self._is_before(ends):
            if time.monotonic() > deadline:
                raise StreamRcfError(
                    f"the output topics could not be read to their ends within {seconds:g} s"
                )
            records += self.read(1000, 0.1)
        return records

    def _is_before(self, ends: dict[tuple[str, int], int]) -> bool:
        """Whether something is left to read; positions pass transaction markers, which no reader sees."""
        positions = self._consumer.position([TopicPartition(*place) for place in ends])
        return any(max(0, place.offset) < ends[place.topic, place.partition] for place in positions)

    def _end(self, place: TopicPartition) -> int:
        _, high = self._consumer.get_watermark_offsets(place, timeout=ANSWER_SECONDS)
        return max(0, high)

    def close(self) -> None:
        """Let the client go."""
        self._consumer.close()
