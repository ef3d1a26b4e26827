"""A group member with one partition of input on the real broker, for the tests of the publishers."""

from __future__ import annotations

from typing import NamedTuple

from confluent_kafka import Consumer, TopicPartition

from stream_rcf.kafka.client_configuration import consumer_configuration
from stream_rcf.settings.model import Settings
from tests.kafka.support import values_of, wait_until
from tests.support.broker import KafkaBroker

READ = 7  # the next offset that the tests commit


class Stage(NamedTuple):
    """A group member with one partition of input, and where its outputs go."""

    broker: KafkaBroker
    settings: Settings
    consumer: Consumer

    @property
    def scores(self) -> str:
        return self.settings.kafka.scores_topic

    def offsets(self, offset: int = READ) -> list[TopicPartition]:
        return [TopicPartition(self.settings.kafka.input_topic, 0, offset)]

    def committed(self) -> int | None:
        kafka = self.settings.kafka
        return self.broker.committed_offsets(kafka.group_id, kafka.input_topic).get(0)

    def visible(self) -> list[bytes | None]:
        return values_of(self.broker, self.scores)


def joined(settings: Settings) -> Consumer:
    """A member that has its share."""
    consumer = Consumer(consumer_configuration(settings, lambda _error: None))
    consumer.subscribe([settings.kafka.input_topic])

    def has_share() -> bool:
        consumer.poll(0.05)
        return bool(consumer.assignment())

    wait_until(has_share, "joining the group")
    return consumer
