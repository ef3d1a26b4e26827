"""The two threads beside the driver: one produces the stream, one watches what is published. Both on direct ways."""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from typing import Any, NamedTuple

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, Message, Producer, TopicPartition

from load_tests.chaos.recovery import Sample
from load_tests.chaos.stream import Stream

SLICE_SECONDS = 0.02
SAMPLE_SECONDS = 0.1
DELIVERY_MS = 600_000  # longer than any fault
PARTITION_FIELD = b'"source":{"topic":"'
NUMBER_FIELD = b'"partition":'


class _Background(ABC):
    """A thread, and what went wrong in it."""

    def __init__(self, name: str) -> None:
        self._failure: BaseException | None = None
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._guarded, name=name, daemon=True)
        self.samples: list[Sample] = []

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def check(self) -> None:
        """Raise ``RuntimeError`` when the thread has failed."""
        if self._failure is not None:
            raise RuntimeError(f"the thread {self._thread.name!r} failed: {self._failure}") from self._failure

    def stop(self) -> None:
        """End it, wherever it stands."""
        self._is_over.set()
        self._thread.join()

    def _guarded(self) -> None:
        try:
            self._run()
        except Exception as failure:  # noqa: BLE001 -- raised by check, in the driver's thread
            self._failure = failure

    @abstractmethod
    def _run(self) -> None:
        """What the thread does."""

    def _sample(self, counts: list[int]) -> None:
        now = time.monotonic()
        if not self.samples or now - self.samples[-1].time >= SAMPLE_SECONDS:
            self.samples.append(Sample(now, tuple(counts)))


class _Pace(NamedTuple):
    """``sent`` events at the time ``since``, and so many per second from there."""

    since: float
    sent: int
    rate: float

    def due(self, now: float) -> int:
        return self.sent + int((now - self.since) * self.rate)


class Feeder(_Background):
    """Produces the stream in order, evenly over ``seconds``.

    ``pace`` spreads the rest anew, ``hurry`` sends it at once.
    """

    def __init__(self, bootstrap: str, topic: str, stream: Stream, seconds: float) -> None:
        super().__init__("feeder")
        self._topic = topic
        self._stream = stream
        self._sent = 0
        self._pace = _Pace(time.monotonic(), 0, len(stream.messages) / seconds)
        self._hurries = threading.Event()
        self._refused: KafkaError | None = None
        self._counts = [0] * stream.partitions
        self._producer = Producer(
            {
                "bootstrap.servers": bootstrap,
                "enable.idempotence": True,
                "acks": "all",
                "linger.ms": 20,
                "message.timeout.ms": DELIVERY_MS,
                "log_level": 0,
                "on_delivery": self._delivered,
            }
        )

    @property
    def rate(self) -> float:
        """Events per second at the present pace."""
        return self._pace.rate

    @property
    def delivered(self) -> int:
        """Events that are in the input topic for sure."""
        return sum(self._counts)

    def pace(self, seconds: float) -> None:
        """Spread what is not sent yet evenly over so many seconds from now."""
        sent = self._sent
        self._pace = _Pace(time.monotonic(), sent, (len(self._stream.messages) - sent) / seconds)

    def hurry(self) -> None:
        """No more pauses."""
        self._hurries.set()

    def _delivered(self, error: KafkaError | None, message: Message) -> None:
        if error is not None:
            self._refused = self._refused or error
        else:
            self._counts[message.partition() or 0] += 1

    def _run(self) -> None:
        messages = self._stream.messages
        while self._sent < len(messages) and not self._is_over.is_set():
            due = len(messages) if self._hurries.is_set() else self._pace.due(time.monotonic())
            for key, value, partition, timestamp in messages[self._sent : min(due, self._sent + 5000)]:
                self._produce(key, value, partition, timestamp)
                self._sent += 1
            self._serve()
            self._hurries.wait(SLICE_SECONDS if self._sent >= due else 0.0)
        while self.delivered < self._sent and not self._is_over.is_set():
            self._serve()
            self._producer.poll(SLICE_SECONDS)

    def _produce(self, key: bytes, value: bytes, partition: int, timestamp: int) -> None:
        while True:
            try:
                self._producer.produce(self._topic, value, key, partition, timestamp=timestamp)
            except BufferError:
                if self._is_over.is_set():
                    return
                self._serve()
                self._producer.poll(SLICE_SECONDS)
            else:
                return

    def _serve(self) -> None:
        self._producer.poll(0)
        self._sample(self._counts)
        if self._refused is not None:
            raise RuntimeError(f"an event could not be produced: {self._refused.str()}")


class Watcher(_Background):
    """Counts what committed readers see, by the partition of the event."""

    def __init__(self, bootstrap: str, scores_topic: str, dead_letter_topic: str, partitions: int) -> None:
        super().__init__("watcher")
        self._dead_letter_topic = dead_letter_topic
        self._counts = [0] * partitions
        self._consumer = Consumer(
            {
                "bootstrap.servers": bootstrap,
                "group.id": "chaos-watcher",  # never joined
                "enable.auto.commit": False,
                "isolation.level": "read_committed",
                # Brokers that share the machine with the service must not answer for every few records.
                "fetch.min.bytes": 50_000,
                "fetch.wait.max.ms": 100,
                "log_level": 0,
            }
        )
        self._consumer.assign(
            [
                TopicPartition(topic, number, OFFSET_BEGINNING)
                for topic in (scores_topic, dead_letter_topic)
                for number in range(partitions)
            ]
        )

    @property
    def published(self) -> int:
        """Scores and dead letters so far, doubles included."""
        return sum(self._counts)

    def _run(self) -> None:
        while not self._is_over.is_set():
            for message in self._consumer.consume(10_000, SLICE_SECONDS):
                if message.error() is None:
                    self._counts[self._partition(message)] += 1
            self._sample(self._counts)
        self._consumer.close()

    def _partition(self, message: Message) -> int:
        if message.topic() == self._dead_letter_topic:
            headers: Any = message.headers()
            return int(dict(headers)["source_partition"])
        value = message.value() or b""
        place = value.index(NUMBER_FIELD, value.index(PARTITION_FIELD)) + len(NUMBER_FIELD)
        return int(value[place : value.index(b",", place)])
