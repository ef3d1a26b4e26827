"""Sends what people say of alerts and keys: for the command line, outside of any group or transaction."""

from __future__ import annotations

from collections.abc import Mapping

import orjson
from confluent_kafka import KafkaError, Message, Producer

from stream_rcf.errors import UnreachableError, UsageError
from stream_rcf.kafka.client_configuration import CONSUMER_ONLY, client_configuration, new_client
from stream_rcf.kafka.first_contact import ask_brokers
from stream_rcf.kafka.rights import denial, is_denial
from stream_rcf.settings.model import Settings

CONTACT_SECONDS = 15.0  # for a broker to answer at all
SEND_SECONDS = 30.0  # for a message to be stored


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
