"""Bad input with its reason and origin, in the same transaction as everything else."""

from __future__ import annotations

import logging

from confluent_kafka import KafkaException, Message
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import ConfigResource

from stream_rcf.errors import UsageError
from stream_rcf.kafka.client_configuration import client_configuration, new_client
from stream_rcf.kafka.failures import kafka_error
from stream_rcf.kafka.messages import as_bytes
from stream_rcf.kafka.publishing import Headers, Publisher
from stream_rcf.pipeline.events import Rejection
from stream_rcf.settings.model import Settings

logger = logging.getLogger(__name__)

CLIENT_MESSAGE_BYTES = 1_000_000  # librdkafka's own limit unless message.max.bytes says otherwise
BROKER_MESSAGE_BYTES = 1_048_588  # Apache Kafka's default for a topic
OVERHEAD_BYTES = 4_096  # headers and framing around the original bytes; the reason is shorter
DESCRIBE_TIMEOUT = 10.0  # s


class DeadLetters:
    """Publishes the original bytes and key; headers: error, reason, source_topic, source_partition, source_offset.

    A message that would not fit the dead-letter topic is cut short and says so in the header ``truncated_from``: no
    input may stop the service.
    """

    def __init__(self, topic: str, most_bytes: int) -> None:
        self._topic = topic
        self._room = max(0, most_bytes - OVERHEAD_BYTES)

    def publish(self, publisher: Publisher, message: Message, rejection: Rejection) -> None:
        """Queue one dead letter."""
        value, key = as_bytes(message.value()), as_bytes(message.key())
        headers: Headers = [
            ("error", rejection.error.encode("utf-8")),
            ("reason", rejection.reason.encode("utf-8")),
            ("source_topic", (message.topic() or "").encode("utf-8")),
            ("source_partition", str(message.partition()).encode("ascii")),
            ("source_offset", str(message.offset()).encode("ascii")),
        ]
        size = len(value or b"") + len(key or b"")
        if size > self._room:
            headers.append(("truncated_from", str(size).encode("ascii")))
            key = key[: self._room] if key is not None else None
            value = value[: self._room - len(key or b"")] if value is not None else None
        publisher.publish(self._topic, key, value, headers)


def message_limits(settings: Settings) -> dict[str, int]:
    """Bytes that fit each output topic: the lesser of the client's limit and the topic's, as far as we may ask."""
    kafka = settings.kafka
    own = _client_limit(kafka.properties.get("message.max.bytes"))
    topics = (kafka.scores_topic, kafka.alerts_topic, kafka.dead_letter_topic)
    resources = [ConfigResource(ConfigResource.Type.TOPIC, topic) for topic in topics]
    client = new_client(AdminClient, client_configuration(settings))
    if not _has_controller(client, kafka.dead_letter_topic):
        logger.info("no controller tells the size limits of the output topics; assuming the default")
        return dict.fromkeys(topics, min(own, BROKER_MESSAGE_BYTES))
    limits = {}
    for resource, answer in client.describe_configs(resources, request_timeout=DESCRIBE_TIMEOUT).items():
        try:
            limits[resource.name] = min(own, int(answer.result()["max.message.bytes"].value))
        except (KafkaException, KeyError) as failure:
            logger.info(
                "the size limit of %s is not readable (%s); assuming the default",
                resource.name,
                kafka_error(failure).str(),
            )
            limits[resource.name] = min(own, BROKER_MESSAGE_BYTES)
    return limits


def _has_controller(client: AdminClient, topic: str) -> bool:
    """Whether somebody answers for configurations.

    The embedded broker names a controller that it does not have, and the client would wait for it in vain.
    """
    try:
        known = client.list_topics(topic, timeout=DESCRIBE_TIMEOUT)
    except KafkaException:
        return False
    return known.controller_id in known.brokers


def _client_limit(text: str | None) -> int:
    if text is None:
        return CLIENT_MESSAGE_BYTES
    if not text.isdecimal():
        raise UsageError(f"kafka.properties: message.max.bytes is {text!r}, but must be a number of bytes")
    return int(text)
