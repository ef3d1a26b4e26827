"""Finds an alert by its id, for the command line: outside of any group or transaction."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import orjson
from confluent_kafka import OFFSET_BEGINNING, Message, TopicPartition

from stream_rcf.errors import UsageError
from stream_rcf.kafka.messages import as_bytes
from stream_rcf.kafka.outside_reader import outside_reader, partitions_of, read_to_ends
from stream_rcf.pipeline.alert_feedback import alert_of_score
from stream_rcf.settings.model import Settings

READ_SECONDS = 300.0  # for all of a topic: some hundred thousand records are read in seconds
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
    found = _search(settings, "alerts_topic", alert_id, lambda record: _alert(record, alert_id))
    if found is None and settings.output.digest_keys and settings.output.format == "native":
        topics.append(settings.kafka.scores_topic)
        source = alert_id.split(":")
        if len(source) > OFFSET:
            found = _search(
                settings, "scores_topic", source[OFFSET], lambda record: alert_of_score(record, alert_id)
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
    settings: Settings, setting: str, word: str, wanted: Callable[[Record], Record | None]
) -> FoundAlert | None:
    """The first record of a topic that ``wanted`` makes an alert of, among those with ``word`` in their bytes.

    ``setting`` of the section kafka names the topic.
    """
    topic = getattr(settings.kafka, setting)
    partitions = partitions_of(settings, topic)
    if partitions is None:
        raise UsageError(f"kafka.{setting}: there is no topic {topic}, or we must not see it")
    with outside_reader(settings, topic) as consumer:
        consumer.assign([TopicPartition(topic, number, OFFSET_BEGINNING) for number in partitions])
        for message in read_to_ends(consumer, settings, topic, set(partitions), READ_SECONDS):
            record = _record(message, word.encode("utf-8"))
            alert = None if record is None else wanted(record)
            if alert is not None:
                return FoundAlert(alert, (as_bytes(message.key()) or b"").decode("utf-8", "replace"))
    return None


def _record(message: Message, word: bytes) -> Record | None:
    """What a message holds, if ``word`` is in it; parsing all of a topic would take ten times as long."""
    value = as_bytes(message.value()) or b""
    if word not in value:
        return None
    try:
        record = orjson.loads(value)
    except orjson.JSONDecodeError:
        return None  # somebody else's
    return record if isinstance(record, dict) else None
