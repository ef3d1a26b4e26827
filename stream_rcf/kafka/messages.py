"""The client's own types under names that the service may use: no other package imports the client."""

from __future__ import annotations

from confluent_kafka import OFFSET_END, Message, TopicPartition
from confluent_kafka import TIMESTAMP_NOT_AVAILABLE as NO_TIMESTAMP
from confluent_kafka import KafkaException as ClientError

__all__ = ["ClientError", "Message", "NO_TIMESTAMP", "OFFSET_END", "TopicPartition", "as_bytes"]


def as_bytes(value: str | bytes | None) -> bytes | None:
    """A key or value that the client gave; it may give text where a producer in this process made the message."""
    return value.encode("utf-8") if isinstance(value, str) else value
