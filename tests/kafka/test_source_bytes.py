"""How many bytes the source takes at once."""

from __future__ import annotations

from stream_rcf.kafka.source import Source
from tests.kafka.support import create_all, kafka_settings, unique, wait_until
from tests.kafka.test_source import COUNT, Listener, join
from tests.support.broker import KafkaBroker


def test_a_batch_is_bounded_in_bytes(broker: KafkaBroker) -> None:
    settings = kafka_settings(broker.bootstrap, unique("source-bytes"))
    create_all(broker, settings)
    large = b"x" * 100_000
    broker.produce(settings.kafka.input_topic, [(b"k", large, 0, 0)] * COUNT)
    listener = Listener()
    source = Source(settings, listener)
    source.subscribe()
    join(source, listener)
    source.resume(settings.kafka.input_topic, 0)
    batches: list[int] = []

    def has_all() -> bool:
        batches.append(len(source.read(COUNT, 0.5, most_bytes=1_000_000)))
        return sum(batches) >= COUNT

    wait_until(has_all, "reading everything")
    assert max(batches) <= 10, "each of 1 MB"
    assert sum(batches) == COUNT, "and nothing is lost"
    source.close()


def test_a_message_beyond_the_bound_comes_alone(broker: KafkaBroker) -> None:
    settings = kafka_settings(broker.bootstrap, unique("source-huge"))
    create_all(broker, settings)
    broker.produce(settings.kafka.input_topic, [(b"k", b"x" * 10_000, 0, 0)] * 3)
    listener = Listener()
    source = Source(settings, listener)
    source.subscribe()
    join(source, listener)
    source.resume(settings.kafka.input_topic, 0)
    batches: list[int] = []

    def has_all() -> bool:
        batches.append(len(source.read(10, 0.5, most_bytes=1000)))
        return sum(batches) == 3

    wait_until(has_all, "reading everything")
    assert max(batches) == 1
    source.close()
