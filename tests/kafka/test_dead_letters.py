"""Dead letters on a real broker: whatever the size of the input, the broker takes it."""

from __future__ import annotations

import random
from dataclasses import dataclass

import pytest
from confluent_kafka import Consumer, TopicPartition

from stream_rcf.kafka.client_configuration import consumer_configuration
from stream_rcf.kafka.dead_letters import (
    BROKER_MESSAGE_BYTES,
    CLIENT_MESSAGE_BYTES,
    OVERHEAD_BYTES,
    DeadLetters,
    message_limits,
)
from stream_rcf.kafka.publisher import new_publisher
from stream_rcf.kafka.publishing import Publisher
from stream_rcf.pipeline.events import Rejection
from stream_rcf.settings.model import Settings
from tests.kafka.support import kafka_settings, unique
from tests.support.broker import KafkaBroker
from tests.support.broker_client import Record

REJECTION = Rejection("too_large", "the value has more bytes than events.max_bytes allows")
NOWHERE = "127.0.0.1:1"


@dataclass
class Source:
    """The input's side of a message."""

    content: bytes | str | None
    name: bytes | str | None = b"host-1"

    def topic(self) -> str:
        return "events"

    def partition(self) -> int:
        return 2

    def offset(self) -> int:
        return 41

    def key(self) -> bytes | str | None:
        return self.name

    def value(self) -> bytes | str | None:
        return self.content


class Recorder:
    """Keeps what is published."""

    def __init__(self) -> None:
        self.sent: list[tuple[bytes | None, bytes | None, dict[str, bytes]]] = []

    def publish(
        self, _topic: str, key: bytes | None, value: bytes | None, headers: list[tuple[str, bytes]]
    ) -> None:
        self.sent.append((key, value, dict(headers)))


def letters(most_bytes: int, *sources: Source) -> list[tuple[bytes | None, bytes | None, dict[str, bytes]]]:
    recorder = Recorder()
    dead_letters = DeadLetters("dead", most_bytes)
    for source in sources:
        dead_letters.publish(recorder, source, REJECTION)  # type: ignore[arg-type] # -- the parts that are asked
    return recorder.sent


def noise(size: int, seed: int = 0) -> bytes:
    """Bytes that compression cannot shrink."""
    return random.Random(seed).randbytes(size)


def dead_letter_limit(settings: Settings) -> int:
    return message_limits(settings)[settings.kafka.dead_letter_topic]


def send(broker: KafkaBroker, settings: Settings, *sources: Source) -> list[Record]:
    """Publish dead letters in one transaction as the service does; what stands then."""
    limits = message_limits(settings)
    publisher: Publisher = new_publisher(settings, unique("id"), min(limits.values()))
    consumer = Consumer(consumer_configuration(settings, lambda _error: None))
    try:
        dead_letters = DeadLetters(settings.kafka.dead_letter_topic, dead_letter_limit(settings))
        publisher.begin()
        for source in sources:
            dead_letters.publish(publisher, source, REJECTION)  # type: ignore[arg-type] # -- the parts that are asked
        publisher.commit([TopicPartition(settings.kafka.dead_letter_topic, 0, 1)], consumer)
    finally:
        publisher.close()
        consumer.close()
    return broker.read_all(settings.kafka.dead_letter_topic)


@pytest.mark.parametrize("value", [b"", None, b"\x00\xff", b"x" * 5904])
@pytest.mark.parametrize("key", [b"", None, b"k"])
def test_what_fits_is_left_as_it_is(key: bytes | None, value: bytes | None) -> None:
    ((sent_key, sent_value, headers),) = letters(OVERHEAD_BYTES + 5905, Source(value, key))
    assert (sent_key, sent_value) == (key, value)
    assert headers == {
        "error": b"too_large",
        "reason": REJECTION.reason.encode(),
        "source_topic": b"events",
        "source_partition": b"2",
        "source_offset": b"41",
    }


def test_what_does_not_fit_is_cut_and_says_so() -> None:
    room = 100
    ((key, value, headers),) = letters(OVERHEAD_BYTES + room, Source(b"v" * 500, b"key"))
    assert key == b"key"
    assert value == b"v" * 97
    assert headers["truncated_from"] == b"503"


def test_a_key_that_does_not_fit_is_cut_too() -> None:
    ((key, value, headers),) = letters(OVERHEAD_BYTES + 100, Source(b"v" * 500, b"k" * 300))
    assert key == b"k" * 100
    assert value == b""
    assert headers["truncated_from"] == b"800"
    ((key, value, _),) = letters(OVERHEAD_BYTES + 100, Source(None, b"k" * 300))
    assert (key, value) == (b"k" * 100, None)


def test_text_is_encoded() -> None:
    ((key, value, _),) = letters(100_000, Source("wért", "hôte"))
    assert (key, value) == ("hôte".encode(), "wért".encode())


def test_a_reason_of_any_script_fits_a_header() -> None:
    recorder = Recorder()
    reason = "значение не число"
    DeadLetters("dead", 100_000).publish(
        recorder,  # type: ignore[arg-type] # -- the one method that is called
        Source(b""),  # type: ignore[arg-type] # -- the parts that are asked
        Rejection("non_numeric_feature", reason),
    )
    assert recorder.sent[0][2]["reason"].decode() == reason


@pytest.mark.parametrize("size", [900_000, 1_000_000, 1_048_576])
def test_the_largest_input_is_accepted_by_a_topic_with_the_broker_s_defaults(
    broker: KafkaBroker, size: int
) -> None:
    settings = kafka_settings(broker.bootstrap, unique("dead"))
    broker.create_topic(settings.kafka.dead_letter_topic)
    content = noise(size)
    (record,) = send(broker, settings, Source(content))
    assert record.key == b"host-1"
    assert record.value is not None
    assert content.startswith(record.value)
    assert ("truncated_from" in dict(record.headers)) == (len(record.value) < size)
    assert len(record.value) >= min(size, 990_000)


def test_a_topic_that_takes_less_gets_less(broker: KafkaBroker) -> None:
    settings = kafka_settings(broker.bootstrap, unique("narrow"))
    broker.create_topic(settings.kafka.dead_letter_topic, config={"max.message.bytes": "20000"})
    assert dead_letter_limit(settings) == 20_000
    (record,) = send(broker, settings, Source(noise(100_000)))
    assert record.value is not None
    assert 15_000 < len(record.value) < 20_000
    assert dict(record.headers)["truncated_from"] == b"100006"


def test_many_large_ones_at_once_are_accepted_by_a_topic_that_takes_less(broker: KafkaBroker) -> None:
    """The topic's limit is on a batch of records, and the client puts into one what comes together."""
    settings = kafka_settings(broker.bootstrap, unique("crowd"))
    broker.create_topic(settings.kafka.dead_letter_topic, config={"max.message.bytes": "100000"})
    records = send(broker, settings, *(Source(noise(30_000, seed)) for seed in range(30)))
    assert [record.value for record in records] == [noise(30_000, seed) for seed in range(30)]


def test_the_limit_is_the_lesser_of_client_and_topic(broker: KafkaBroker) -> None:
    settings = kafka_settings(broker.bootstrap, unique("limit"))
    broker.create_topic(settings.kafka.dead_letter_topic, config={"max.message.bytes": "3000000"})
    assert dead_letter_limit(settings) == CLIENT_MESSAGE_BYTES
    raised = kafka_settings(
        broker.bootstrap,
        "limit",
        dead_letter_topic=settings.kafka.dead_letter_topic,
        properties={"message.max.bytes": "2000000"},
    )
    assert dead_letter_limit(raised) == 2_000_000


def test_a_limit_that_cannot_be_asked_for_is_the_default(
    broker: KafkaBroker, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    settings = kafka_settings(broker.bootstrap, unique("absent"), properties={"message.max.bytes": "5000000"})
    assert dead_letter_limit(settings) == BROKER_MESSAGE_BYTES
    assert "assuming the default" in caplog.text
