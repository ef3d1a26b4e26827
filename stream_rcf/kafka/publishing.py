"""What the service asks of a way of delivery; ``publisher.py`` has the two that there are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from confluent_kafka import Consumer, TopicPartition

from stream_rcf.kafka.failures import Remedy

Headers = list[tuple[str, str | bytes | None]]


class Publisher(Protocol):
    """Where a batch's outputs go. ``commit`` makes them and the offsets final; any failure is ``DeliveryFailed``.

    But for one: where the broker forbids us what is needed, it is ``AccessDenied``, which no repetition cures.
    """

    @property
    def is_open(self) -> bool:
        """Whether something was published, or offsets moved, that is not known to be committed."""

    @property
    def is_acknowledged(self) -> bool:
        """Whether every output has arrived, so that ``commit_soon`` waits for none; False where it waits anyway."""

    def begin(self) -> None:
        """Prepare for outputs; harmless when already open."""

    def publish(
        self, topic: str, key: bytes | None, value: bytes | None, headers: Headers | None = None
    ) -> None:
        """Queue one output."""

    def commit(self, offsets: Sequence[TopicPartition], consumer: Consumer) -> None:
        """Make the outputs and the next offsets of their input final, together."""

    def commit_soon(self, offsets: Sequence[TopicPartition], consumer: Consumer) -> None:
        """The same in passing: where delivery allows it, without waiting for the broker to confirm the offsets."""

    def recover(self, remedy: Remedy) -> None:
        """After ``DeliveryFailed``: drop what is not committed, and be ready again."""

    def close(self) -> None:
        """Drop what is not committed and let the client go."""
