"""What a consumer group has committed, asked and set from outside while none of its members runs."""

from __future__ import annotations

from collections.abc import Mapping

from confluent_kafka import ConsumerGroupState, ConsumerGroupTopicPartitions, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec  # type: ignore[attr-defined] # -- it is public

from stream_rcf.errors import StreamRcfError, UnreachableError
from stream_rcf.kafka.client_configuration import client_configuration, new_client
from stream_rcf.kafka.failures import kafka_error
from stream_rcf.settings.model import Settings

REQUEST_SECONDS = 30.0
_WITHOUT_MEMBERS = {ConsumerGroupState.EMPTY, ConsumerGroupState.DEAD}


class GroupOffsets:
    """The offsets of ``kafka.group_id`` on ``kafka.input_topic``.

    Methods raise ``UnreachableError`` where no broker answers and ``StreamRcfError`` for what it refuses.
    """

    def __init__(self, settings: Settings) -> None:
        self._group = settings.kafka.group_id
        self._topic = settings.kafka.input_topic
        self._servers = settings.kafka.bootstrap_servers
        self._client = new_client(AdminClient, {**client_configuration(settings), "log_level": 0})

    def require_idle(self) -> None:
        """Raise ``StreamRcfError`` while a member of the group runs."""
        try:
            group = self._client.describe_consumer_groups([self._group])[self._group].result(REQUEST_SECONDS)
        except KafkaException as failure:
            if kafka_error(failure).name() == "GROUP_ID_NOT_FOUND":
                return
            raise self._failure("the group's members cannot be listed", failure) from None
        if group.state not in _WITHOUT_MEMBERS:
            raise StreamRcfError(
                f"group {self._group} has {len(group.members)} members: stop every copy of the service first"
            )

    def partition_count(self) -> int:
        """How many partitions the topic has."""
        try:
            topic = self._client.list_topics(self._topic, timeout=REQUEST_SECONDS).topics[self._topic]
        except KafkaException as failure:
            raise UnreachableError(
                f"no Kafka broker answers at {self._servers}: {kafka_error(failure).str()}"
            ) from None
        if topic.error is not None:
            raise StreamRcfError(f"topic {self._topic}: {topic.error.str()}")
        return len(topic.partitions)

    def committed(self, partitions: int) -> dict[int, int | None]:
        """The next offset of each partition, ``None`` where nothing was committed."""
        wanted = [TopicPartition(self._topic, number) for number in range(partitions)]
        request = [ConsumerGroupTopicPartitions(self._group, wanted)]
        try:
            answer = self._client.list_consumer_group_offsets(request)[self._group].result(REQUEST_SECONDS)
        except KafkaException as failure:
            raise self._failure("the group's offsets cannot be read", failure) from None
        return {
            place.partition: place.offset if place.offset >= 0 else None for place in answer.topic_partitions
        }

    def first_offsets(self, partitions: int) -> dict[int, int]:
        """The first offset in each partition's log."""
        earliest = OffsetSpec.earliest()  # type: ignore[no-untyped-call] # -- the client's annotations end there
        places = {TopicPartition(self._topic, number): earliest for number in range(partitions)}
        try:
            answers = self._client.list_offsets(places, request_timeout=REQUEST_SECONDS)
            return {
                place.partition: future.result(REQUEST_SECONDS).offset for place, future in answers.items()
            }
        except KafkaException as failure:
            raise self._failure("the topic's offsets cannot be read", failure) from None

    def commit(self, offsets: Mapping[int, int]) -> None:
        """Set the group's next offset of some partitions."""
        places = [TopicPartition(self._topic, number, offset) for number, offset in offsets.items()]
        request = [ConsumerGroupTopicPartitions(self._group, places)]
        try:
            self._client.alter_consumer_group_offsets(request)[self._group].result(REQUEST_SECONDS)
        except KafkaException as failure:
            raise self._failure("the group's offsets cannot be set", failure) from None

    @staticmethod
    def _failure(what: str, failure: KafkaException) -> StreamRcfError:
        error = kafka_error(failure)
        return StreamRcfError(f"{what}: {error.str()} ({error.name()})")
