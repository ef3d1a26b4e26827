"""Topics, records in and records out: what a test does to a broker from outside."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from confluent_kafka import (
    OFFSET_BEGINNING,
    Consumer,
    ConsumerGroupTopicPartitions,
    KafkaError,
    KafkaException,
    Message,
    Producer,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewPartitions, NewTopic

REQUEST_SECONDS = 30.0  # generous: two cores, often shared with the service under test

# A coordinator that is being made or moved answers so for a moment, and asks to be asked again.
COORDINATOR_SETTLING = {
    KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
    KafkaError.COORDINATOR_NOT_AVAILABLE,
    KafkaError.NOT_COORDINATOR,
}

QUIET = {"log_level": 0}  # a broker that is down on purpose is no news


class Record(NamedTuple):
    """One record read back from a topic."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    timestamp: int  # epoch ms
    headers: tuple[tuple[str, bytes | None], ...]


class ReadTimeoutError(AssertionError):
    """A topic was not readable up to its end in time, as when a transaction stays open."""


class BrokerClient:
    """The broker at ``bootstrap``, through an admin client, a producer and a consumer of the test's own."""

    replication = 1  # of the topics made here

    def __init__(self, bootstrap: str) -> None:
        self.bootstrap = bootstrap

    def admin(self) -> AdminClient:
        """An admin client, for what has no method here."""
        return AdminClient({"bootstrap.servers": self.bootstrap, **QUIET})

    def create_topic(self, name: str, partitions: int = 1, config: Mapping[str, str] | None = None) -> None:
        """Create topic ``name``; returns when a client can use it."""
        topic = NewTopic(
            name,
            num_partitions=partitions,
            replication_factor=self.replication,
            config=dict(config or {}),
        )
        admin = self.admin()
        admin.create_topics([topic])[name].result(REQUEST_SECONDS)
        self._wait_for_partitions(admin, name, partitions)

    def add_partitions(self, name: str, total: int) -> None:
        """Grow topic ``name`` to ``total`` partitions."""
        admin = self.admin()
        admin.create_partitions([NewPartitions(name, total)])[name].result(REQUEST_SECONDS)
        self._wait_for_partitions(admin, name, total)

    def delete_records(self, name: str, before: Mapping[int, int]) -> None:
        """Trim topic ``name``: in each partition, the records below the given offset go."""
        wanted = [TopicPartition(name, partition, offset) for partition, offset in before.items()]
        admin = self.admin()  # held by name: without its client a future never ends
        for future in admin.delete_records(wanted).values():
            future.result(REQUEST_SECONDS)

    def produce(
        self, topic: str, records: Iterable[tuple[bytes | str | None, bytes | None, int, int]]
    ) -> None:
        """Write (key, value, partition, timestamp) in the order given; returns when all are stored.

        A partition of -1 lets the client choose by key; a timestamp (epoch ms) of 0 is now.
        """
        producer = Producer({"bootstrap.servers": self.bootstrap, "enable.idempotence": True, **QUIET})
        failures: list[KafkaError] = []

        def delivered(error: KafkaError | None, _message: Message) -> None:
            if error is not None:
                failures.append(error)

        for key, value, partition, timestamp in records:
            while True:
                try:
                    producer.produce(
                        topic,
                        value=value,
                        key=key,
                        partition=partition,
                        timestamp=timestamp,
                        on_delivery=delivered,
                    )
                except BufferError:
                    producer.poll(0.1)
                    continue
                break
            producer.poll(0)
        unsent = producer.flush(REQUEST_SECONDS)
        assert not failures, f"{len(failures)} records of {topic} were refused, the first: {failures[0]}"
        assert not unsent, f"{unsent} records of {topic} were not stored within {REQUEST_SECONDS:g} s"

    def end_offsets(self, topic: str) -> dict[int, int]:
        """The high watermark of every partition: the offset of the next record, control records counted."""
        consumer = self._consumer(read_committed=False)
        try:
            return self._end_offsets(consumer, topic)
        finally:
            consumer.close()

    def read_all(
        self, topic: str, read_committed: bool = True, timeout_seconds: float = REQUEST_SECONDS
    ) -> list[Record]:
        """Every record from the beginning to the high watermarks of this moment, by partition and offset.

        With ``read_committed`` aborted records are left out, and a transaction that is still open within that
        range makes this wait, then raise ``ReadTimeoutError``: what it hides must not look like an end.
        """
        ends = self.end_offsets(topic)
        consumer = self._consumer(read_committed)
        try:
            consumer.assign([TopicPartition(topic, partition, OFFSET_BEGINNING) for partition in ends])
            records = _read_to_ends(consumer, topic, ends, time.monotonic() + timeout_seconds)
        finally:
            consumer.close()
        return sorted(records, key=lambda record: (record.partition, record.offset))

    def committed_offsets(self, group: str, topic: str) -> dict[int, int]:
        """The committed offset of each partition of ``topic``; partitions without one are left out."""
        partitions = [TopicPartition(topic, partition) for partition in self.end_offsets(topic)]
        wanted = [ConsumerGroupTopicPartitions(group, partitions)]
        admin = self.admin()
        deadline = time.monotonic() + REQUEST_SECONDS
        while True:
            try:
                answer = admin.list_consumer_group_offsets(wanted)[group].result(REQUEST_SECONDS)
            except KafkaException as error:
                if error.args[0].code() not in COORDINATOR_SETTLING or time.monotonic() > deadline:
                    raise
                time.sleep(0.1)
                continue
            found: Sequence[TopicPartition] = answer.topic_partitions
            return {place.partition: place.offset for place in found if place.offset >= 0}

    def count_by_partition(self, topic: str) -> Counter[int]:
        """How many committed records each partition of ``topic`` holds."""
        return Counter(record.partition for record in self.read_all(topic))

    def is_answering(self, timeout_seconds: float = 2.0) -> bool:
        """Whether the broker answers a metadata request within the time given."""
        try:
            return bool(self.admin().list_topics(timeout=timeout_seconds).brokers)
        except KafkaException:
            return False

    def _consumer(self, read_committed: bool) -> Consumer:
        return Consumer(
            {
                "bootstrap.servers": self.bootstrap,
                "group.id": "test-reader",  # never joined: the partitions are assigned by hand
                "enable.auto.commit": False,
                "enable.partition.eof": True,
                "isolation.level": "read_committed" if read_committed else "read_uncommitted",
                **QUIET,
            }
        )

    def _end_offsets(self, consumer: Consumer, topic: str) -> dict[int, int]:
        known = consumer.list_topics(topic, timeout=REQUEST_SECONDS).topics[topic]
        assert known.error is None, f"topic {topic}: {known.error}"
        ends = {}
        for partition in sorted(known.partitions):
            place = TopicPartition(topic, partition)
            ends[partition] = consumer.get_watermark_offsets(place, timeout=REQUEST_SECONDS)[1]
        return ends

    def _wait_for_partitions(self, admin: AdminClient, name: str, partitions: int) -> None:
        deadline = time.monotonic() + REQUEST_SECONDS
        while time.monotonic() < deadline:
            known = admin.list_topics(name, timeout=REQUEST_SECONDS).topics[name]
            leaders = [partition for partition in known.partitions.values() if partition.leader >= 0]
            if known.error is None and len(leaders) == partitions:
                return
            time.sleep(0.02)
        raise AssertionError(
            f"topic {name} has no leaders for {partitions} partitions after {REQUEST_SECONDS:g} s"
        )


def _read_to_ends(consumer: Consumer, topic: str, ends: Mapping[int, int], deadline: float) -> list[Record]:
    records: list[Record] = []
    unfinished = {partition for partition, end in ends.items() if end > 0}
    while unfinished:
        if time.monotonic() > deadline:
            reached = {place.partition: place.offset for place in consumer.position(consumer.assignment())}
            raise ReadTimeoutError(
                f"topic {topic}: the reader stands at {reached}, the partitions end at {dict(ends)}; "
                "an open transaction hides the rest"
            )
        for message in consumer.consume(10_000, 0.1):
            error = message.error()
            partition, offset = _place(message)
            end = ends[partition]
            if error is None:
                if offset < end:
                    records.append(_record(message))
                if offset >= end - 1:
                    unfinished.discard(partition)
            elif error.code() == KafkaError._PARTITION_EOF:
                # The end seen by read_committed is the first open transaction: only the real end finishes.
                if offset >= end:
                    unfinished.discard(partition)
            else:
                raise KafkaException(error)
    return records


def _place(message: Message) -> tuple[int, int]:
    partition, offset = message.partition(), message.offset()
    assert partition is not None, f"a message of no partition: {message.error()}"
    assert offset is not None, f"a message of no offset: {message.error()}"
    return partition, offset


def _record(message: Message) -> Record:
    partition, offset = _place(message)
    headers = message.headers() or []
    pairs = headers.items() if isinstance(headers, dict) else headers
    return Record(
        topic=message.topic() or "",
        partition=partition,
        offset=offset,
        key=message.key(),
        value=message.value(),
        timestamp=message.timestamp()[1],
        headers=tuple((name, _bytes(value)) for name, value in pairs),
    )


def _bytes(value: str | bytes | None) -> bytes | None:
    return value.encode() if isinstance(value, str) else value
