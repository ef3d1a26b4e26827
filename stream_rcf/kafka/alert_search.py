"""Finds an alert by its id, for the command line: outside of any group or transaction."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import NamedTuple

import orjson
from confluent_kafka import (
    OFFSET_BEGINNING,
    Consumer,
    KafkaError,
    KafkaException,
    Message,
    TopicPartition,
)

from stream_rcf.errors import StreamRcfError, UnreachableError, UsageError
from stream_rcf.kafka.client_configuration import PRODUCER_ONLY, client_configuration, new_client
from stream_rcf.kafka.failures import kafka_error
from stream_rcf.kafka.first_contact import ask_brokers
from stream_rcf.kafka.rights import denial, is_denial
from stream_rcf.pipeline.alert_feedback import alert_of_score
from stream_rcf.settings.model import Settings

CONTACT_SECONDS = 15.0  # for a broker to answer at all
READ_SECONDS = 300.0  # for all of a topic: some hundred thousand records are read in seconds
IDLE_SECONDS = 0.5  # of waiting at a time, between two looks at the clock
AT_ONCE = 1000  # messages asked of the client at a time
NOT_JOINED = "stream-rcf-notices"  # the client asks for a group's name even where none is joined
OFFSET = 2  # where it stands in an id: topic, partition, offset, and of a window its start

Record = Mapping[str, object]


class FoundAlert(NamedTuple):
    """An alert's record, and the key of its message."""

    record: Record
    key: str


def find_alert(settings: Settings, alert_id: str) -> FoundAlert:
    """The alert of this id: on ``kafka.alerts_topic``, or, as a digest may have held it, its score record.

    Each topic is read from its beginning. Raises ``UsageError`` where it is on none (any more), ``UnreachableError``
    where reading takes too long, and ``AccessDenied`` where a topic must not be read.
    """
    topics = [settings.kafka.alerts_topic]
    found = _search(settings, topics[0], alert_id, lambda record: _alert(record, alert_id))
    if found is None and settings.output.digest_keys and settings.output.format == "native":
        topics.append(settings.kafka.scores_topic)
        source = alert_id.split(":")
        if len(source) > OFFSET:
            found = _search(
                settings, topics[1], source[OFFSET], lambda record: alert_of_score(record, alert_id)
            )
    if found is None:
        raise UsageError(
            f"no alert {alert_id} is on topic {' or '.join(topics)}: an id is a topic, a partition and an offset, such"
            " as events:3:5951; the topic's retention may have deleted it" + _held(settings)
        )
    return found


def _held(settings: Settings) -> str:
    """What else may be the reason where the score records do not say of which event they are."""
    if not settings.output.digest_keys or settings.output.format == "native":
        return ""
    return (
        f", or a digest held it: records in the {settings.output.format} format do not tell which those are"
    )


def _alert(record: Record, alert_id: str) -> Record | None:
    """The alert that is wanted; the end of an incident has an id too, and no direction."""
    return record if record.get("alert_id") == alert_id and "direction" in record else None


def _search(
    settings: Settings,
    topic: str,
    word: str,
    wanted: Callable[[Record], Record | None],
) -> FoundAlert | None:
    """The first record of a topic that ``wanted`` makes an alert of, among those with ``word`` in their bytes."""
    _, known = ask_brokers(settings, CONTACT_SECONDS)
    found = known.topics.get(topic)
    if found is None or found.error is not None:
        raise UsageError(f"there is no topic {topic}, or we must not see it")
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
        return _read(consumer, settings, topic, set(found.partitions), word.encode("utf-8"), wanted)
    except KafkaException as failure:
        raise UnreachableError(f"topic {topic} cannot be read: {kafka_error(failure).str()}") from None
    finally:
        consumer.close()


def _read(
    consumer: Consumer,
    settings: Settings,
    topic: str,
    unfinished: set[int],
    word: bytes,
    wanted: Callable[[Record], Record | None],
) -> FoundAlert | None:
    deadline = time.monotonic() + READ_SECONDS
    while unfinished:
        if time.monotonic() > deadline:
            raise UnreachableError(f"topic {topic} could not be read to its end within {READ_SECONDS:g} s")
        for message in consumer.consume(AT_ONCE, IDLE_SECONDS):
            error = message.error()
            if error is None:
                record = _record(message, word)
                alert = None if record is None else wanted(record)
                if alert is not None:
                    return FoundAlert(alert, _bytes(message.key()).decode("utf-8", "replace"))
            elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 -- the client publishes its local codes so
                unfinished.discard(message.partition() or 0)
            elif is_denial(error) and error.code() != KafkaError.GROUP_AUTHORIZATION_FAILED:
                raise denial(error, settings, f"READ on topic {topic}")
            elif error.fatal():
                raise StreamRcfError(f"topic {topic} cannot be read: {error.str()}")
    return None


def _record(message: Message, word: bytes) -> Record | None:
    """What a message holds, if ``word`` is in it; parsing all of a topic would take ten times as long."""
    value = _bytes(message.value())
    if word not in value:
        return None
    try:
        record = orjson.loads(value)
    except orjson.JSONDecodeError:
        return None  # somebody else's
    return record if isinstance(record, dict) else None


def _bytes(value: str | bytes | None) -> bytes:
    return value.encode("utf-8") if isinstance(value, str) else value or b""
