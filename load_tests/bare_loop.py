"""The ceiling: consume, parse, produce, commit, with the service's client and options and nothing in between.

A program of its own, as the service is: ``python -m load_tests.bare_loop BOOTSTRAP INPUT OUTPUT GROUP COUNT``.
It prints when each commit was done, as JSON: at ten times the service's pace a reader beside it would not keep up, and
would be measured instead.
"""

from __future__ import annotations

import sys
import time

import orjson
from confluent_kafka import Consumer, Producer, TopicPartition

from load_tests.workload import PARTITIONS
from stream_rcf.kafka.client_configuration import (
    FETCH_BACKOFF_MS,
    LINGER_MS,
    PRODUCER_QUEUE_KILOBYTES,
    QUEUE_KILOBYTES,
)

BATCH_SIZE = 1000  # the service's default
COMMIT_SECONDS = 0.1  # the service's default
CALL_TIMEOUT = 30.0  # s


def main(bootstrap: str, source: str, target: str, group: str, count: int) -> None:
    """Copy the ``count`` events of ``source`` to ``target``, with a commit every 100 ms."""
    times: list[float] = []
    counts: list[int] = []
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": group,
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
            "auto.offset.reset": "earliest",
            "isolation.level": "read_committed",
            "queued.max.messages.kbytes": QUEUE_KILOBYTES,
            "fetch.queue.backoff.ms": FETCH_BACKOFF_MS,
        }
    )
    producer = Producer(
        {
            "bootstrap.servers": bootstrap,
            "transactional.id": group,
            "linger.ms": LINGER_MS,
            "queue.buffering.max.kbytes": PRODUCER_QUEUE_KILOBYTES,
            "queue.buffering.max.messages": 1_000_000,
            "compression.type": "lz4",
            "partitioner": "murmur2_random",
            "delivery.report.only.error": True,
        }
    )
    producer.init_transactions(CALL_TIMEOUT)
    consumer.assign([TopicPartition(source, number, 0) for number in range(PARTITIONS)])
    copied = 0
    position: dict[int, int] = {}
    last_commit = time.monotonic()
    producer.begin_transaction()
    while copied < count:
        for message in consumer.consume(BATCH_SIZE, 0.01):
            error = message.error()
            if error is not None:
                raise RuntimeError(f"the bare loop could not read: {error.str()}")
            value = message.value()
            orjson.loads(value or b"")
            producer.produce(target, value, message.key())
            position[message.partition() or 0] = (message.offset() or 0) + 1
            copied += 1
        producer.poll(0)
        if time.monotonic() - last_commit >= COMMIT_SECONDS or copied == count:
            offsets = [TopicPartition(source, number, offset) for number, offset in position.items()]
            producer.send_offsets_to_transaction(offsets, consumer.consumer_group_metadata(), CALL_TIMEOUT)
            producer.commit_transaction(CALL_TIMEOUT)
            times.append(time.monotonic())
            counts.append(copied)
            last_commit = time.monotonic()
            if copied < count:
                producer.begin_transaction()
    consumer.close()
    sys.stdout.buffer.write(orjson.dumps({"times": times, "counts": counts}) + b"\n")


if __name__ == "__main__":
    BOOTSTRAP, INPUT, OUTPUT, GROUP = sys.argv[1:5]
    main(BOOTSTRAP, INPUT, OUTPUT, GROUP, int(sys.argv[5]))
