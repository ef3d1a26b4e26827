"""Finds alerts, and sends what people say of them: for the command line, outside of any group or transaction."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import NamedTuple

import orjson
from confluent_kafka import (
    OFFSET_BEGINNING,
    Consumer,
    KafkaError,
    KafkaException,
    Message,
    Producer,
    TopicPartition,
)

from stream_rcf.errors import StreamRcfError, UnreachableError, UsageError
from stream_rcf.kafka.client_configuration import (
    CONSUMER_ONLY,
    PRODUCER_ONLY,
    client_configuration,
    new_client,
)
from stream_rcf.kafka.failures import kafka_error
from stream_rcf.kafka.first_contact import ask_brokers
from stream_rcf.kafka.rights import denial, is_denial
from stream_rcf.settings.model import Settings

CONTACT_SECONDS = 15.0  # for a broker to answer at all
SEND_SECONDS = 30.0  # for a message to be stored
READ_SECONDS = 300.0  # for all alerts: some hundred thousand are read in seconds
IDLE_SECONDS = 0.5  # of waiting at a time, between two looks at the clock
AT_ONCE = 1000  # messages asked of the client at a time
NOT_JOINED = "stream-rcf-notices"  # the client asks for a group's name even where none is joined


class FoundAlert(NamedTuple):
    """An alert's record, and the key of its message."""

    record: Mapping[str, object]
    key: str


def find_alert(settings: Settings, alert_id: str) -> FoundAlert:
    """The alert of this id on ``kafka.alerts_topic``, which is read from its beginning.

    Raises ``UsageError`` where it is not there (any more), ``UnreachableError`` where reading takes too long, and
    ``AccessDenied`` where the topic must not be read.
    """
    topic = settings.kafka.alerts_topic
    _, known = ask_brokers(settings, CONTACT_SECONDS)
    found = known.topics.get(topic)
    if found is None or found.error is not None:
        raise UsageError(f"kafka.alerts_topic: there is no topic {topic}, or we must not see it")
    consumer = new_client(
        Consumer,
        {
            **client_configuration(settings, PRODUCER_ONLY),
            "log_level": 0,
            "group.id": NOT_JOINED,
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "isolation.level": "read_committed",
            "auto.offset.reset": "earliest",
        },
    )
    try:
        consumer.assign([TopicPartition(topic, number, OFFSET_BEGINNING) for number in found.partitions])
        alert = _search(consumer, settings, topic, set(found.partitions), alert_id)
    except KafkaException as failure:
        raise UnreachableError(f"topic {topic} cannot be read: {kafka_error(failure).str()}") from None
    finally:
        consumer.close()
    if alert is None:
        raise UsageError(
            f"no alert {alert_id} is on topic {topic}: an id is a topic, a partition and an offset, such as"
            " events:3:5951; the topic's retention may have deleted it"
        )
    return alert


def _search(
    consumer: Consumer, settings: Settings, topic: str, unfinished: set[int], alert_id: str
) -> FoundAlert | None:
    deadline = time.monotonic() + READ_SECONDS
    wanted = orjson.dumps(alert_id)
    while unfinished:
        if time.monotonic() > deadline:
            raise UnreachableError(f"topic {topic} could not be read to its end within {READ_SECONDS:g} s")
        for message in consumer.consume(AT_ONCE, IDLE_SECONDS):
            error = message.error()
            if error is None:
                alert = _alert_of(message, wanted, alert_id)
                if alert is not None:
                    return alert
            elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 -- the client publishes its local codes so
                unfinished.discard(message.partition() or 0)
            elif is_denial(error) and error.code() != KafkaError.GROUP_AUTHORIZATION_FAILED:
                raise denial(error, settings, f"READ on topic {topic}")
            elif error.fatal():
                raise StreamRcfError(f"topic {topic} cannot be read: {error.str()}")
    return None


def _alert_of(message: Message, wanted: bytes, alert_id: str) -> FoundAlert | None:
    """The alert that is wanted; the end of an incident has an id too, and no direction."""
    value = _bytes(message.value())
    if wanted not in value:
        return None
    try:
        record = orjson.loads(value)
    except orjson.JSONDecodeError:
        return None  # somebody else's
    if not isinstance(record, dict) or record.get("alert_id") != alert_id or "direction" not in record:
        return None
    return FoundAlert(record, _bytes(message.key()).decode("utf-8", "replace"))


def send_notice(settings: Settings, topic: str, key: str | None, document: Mapping[str, object]) -> None:
    """Store one message. Raises ``UsageError`` without the topic, ``UnreachableError`` if it is not stored in time."""
    _, known = ask_brokers(settings, CONTACT_SECONDS)
    found = known.topics.get(topic)
    if found is None or found.error is not None:
        raise UsageError(
            f"there is no topic {topic}, or we must not see it: `stream-rcf topics create` makes it"
        )
    failures: list[KafkaError] = []

    def note(error: KafkaError | None, _message: Message) -> None:
        if error is not None:
            failures.append(error)

    producer = new_client(
        Producer,
        {
            **client_configuration(settings, CONSUMER_ONLY),
            "log_level": 0,
            "acks": "all",
            "enable.idempotence": True,
            "on_delivery": note,
        },
    )
    producer.produce(topic, orjson.dumps(document), None if key is None else key.encode("utf-8"), 0)
    left = producer.flush(SEND_SECONDS)
    if failures and is_denial(failures[0]):
        raise denial(failures[0], settings, f"WRITE on topic {topic}")
    if left or failures:
        why = failures[0].str() if failures else "no broker confirmed it"
        raise UnreachableError(f"the message was not stored on topic {topic}: {why}")


def _bytes(value: str | bytes | None) -> bytes:
    return value.encode("utf-8") if isinstance(value, str) else value or b""
