"""The publishers on a real broker: what stands after a commit, and every failure that an owner of outputs meets."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import NamedTuple

import pytest
from confluent_kafka import Consumer, KafkaError, TopicPartition

from stream_rcf.kafka import publisher as publisher_module
from stream_rcf.kafka.client_configuration import consumer_configuration
from stream_rcf.kafka.failures import DeliveryFailed, Remedy
from stream_rcf.kafka.publisher import (
    FlushingPublisher,
    Publisher,
    TransactionalPublisher,
    new_publisher,
)
from stream_rcf.settings.model import Settings
from tests.kafka.support import create_all, kafka_settings, unique, values_of, wait_until
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


@pytest.fixture
def stage(broker: KafkaBroker) -> Iterator[Stage]:
    settings = kafka_settings(broker.bootstrap, unique("publisher"))
    create_all(broker, settings)
    consumer = joined(settings)
    yield Stage(broker, settings, consumer)
    consumer.close()


@pytest.fixture
def publish(stage: Stage) -> Iterator[Callable[..., TransactionalPublisher]]:
    """Makes transactional publishers that are closed at the end."""
    made: list[TransactionalPublisher] = []

    def make(name: str = "") -> TransactionalPublisher:
        publisher = TransactionalPublisher(stage.settings, name or unique("id"))
        made.append(publisher)
        return publisher

    yield make
    for publisher in made:
        publisher.close()


def test_outputs_and_offsets_stand_together(stage: Stage, publish: Callable[..., TransactionalPublisher]) -> None:
    publisher = publish()
    assert not publisher.is_open
    publisher.begin()
    publisher.begin()  # harmless
    assert publisher.is_open
    publisher.publish(stage.scores, b"k", b"one")
    publisher.publish(stage.scores, None, b"two", [("name", b"value")])
    assert stage.committed() is None
    publisher.commit(stage.offsets(), stage.consumer)
    assert not publisher.is_open
    assert stage.visible() == [b"one", b"two"]
    assert stage.broker.read_all(stage.scores)[1].headers == (("name", b"value"),)
    assert stage.committed() == READ


def test_a_commit_of_offsets_alone_moves_them(stage: Stage, publish: Callable[..., TransactionalPublisher]) -> None:
    publisher = publish()
    publisher.commit(stage.offsets(3), stage.consumer)
    assert stage.committed() is None, "nothing was begun, so there is nothing to commit"
    publisher.begin()
    publisher.commit(stage.offsets(5), stage.consumer)
    assert stage.committed() == 5


def test_what_is_aborted_is_never_seen(stage: Stage, publish: Callable[..., TransactionalPublisher]) -> None:
    publisher = publish()
    publisher.begin()
    publisher.publish(stage.scores, b"k", b"dropped")
    publisher._flush()
    publisher.recover(Remedy.ABORT)
    assert not publisher.is_open
    publisher.recover(Remedy.ABORT)  # nothing is open: harmless
    publisher.begin()
    publisher.publish(stage.scores, b"k", b"kept")
    publisher.commit(stage.offsets(), stage.consumer)
    assert stage.visible() == [b"kept"]


@pytest.mark.parametrize("flushed", [False, True])
def test_a_new_producer_drops_what_the_old_one_held(
    stage: Stage, publish: Callable[..., TransactionalPublisher], flushed: bool
) -> None:
    publisher = publish()
    publisher.begin()
    publisher.publish(stage.scores, b"k", b"dropped")
    if flushed:
        publisher._flush()
    publisher.recover(Remedy.NEW_PRODUCER)
    assert not publisher.is_open
    publisher.begin()
    publisher.publish(stage.scores, b"k", b"kept")
    publisher.commit(stage.offsets(), stage.consumer)
    assert stage.visible() == [b"kept"]
    assert stage.committed() == READ


def test_a_successor_fences_the_older_which_then_begins_anew(
    stage: Stage, publish: Callable[..., TransactionalPublisher]
) -> None:
    name = unique("shared-id")
    older = publish(name)
    older.begin()
    older.publish(stage.scores, b"k", b"of the older")
    older._flush()

    newer = publish(name)  # aborts at once what the older one left open
    newer.begin()
    newer.publish(stage.scores, b"k", b"of the newer")
    newer.commit(stage.offsets(5), stage.consumer)

    with pytest.raises(DeliveryFailed) as failure:
        older.commit(stage.offsets(), stage.consumer)
    assert failure.value.remedy is Remedy.NEW_PRODUCER
    assert failure.value.code in {KafkaError._FENCED, KafkaError._FATAL}
    assert stage.visible() == [b"of the newer"]
    assert stage.committed() == 5

    older.recover(failure.value.remedy)
    older.begin()
    older.publish(stage.scores, b"k", b"of the older again")
    older.commit(stage.offsets(), stage.consumer)
    assert stage.visible() == [b"of the newer", b"of the older again"]
    assert stage.committed() == READ


def test_an_abort_that_fails_ends_with_a_new_producer(
    stage: Stage, publish: Callable[..., TransactionalPublisher]
) -> None:
    name = unique("shared-id")
    older = publish(name)
    older.begin()
    older.publish(stage.scores, b"k", b"dropped")
    older._flush()
    publish(name)
    older.recover(Remedy.ABORT)  # fenced: the abort is refused
    assert not older.is_open
    older.begin()
    older.publish(stage.scores, b"k", b"kept")
    older.commit(stage.offsets(), stage.consumer)
    assert stage.visible() == [b"kept"]


class StaleConsumer:
    """Gives the group metadata of before a rebalance."""

    def __init__(self, consumer: Consumer) -> None:
        self._metadata = consumer.consumer_group_metadata()

    def consumer_group_metadata(self) -> object:
        return self._metadata


@pytest.mark.parametrize("protocol", ["classic", "consumer"])
def test_a_commit_with_the_metadata_of_before_a_rebalance_is_aborted(broker: KafkaBroker, protocol: str) -> None:
    settings = kafka_settings(broker.bootstrap, unique(f"stale-{protocol}"), group_protocol=protocol)
    create_all(broker, settings, partitions=2)
    first = joined(settings)
    stale = StaleConsumer(first)
    second = Consumer(consumer_configuration(settings, lambda _error: None))
    second.subscribe([settings.kafka.input_topic])

    def both_have_one() -> bool:
        first.poll(0.05)
        second.poll(0.05)
        return len(first.assignment()) == len(second.assignment()) == 1

    wait_until(both_have_one, "sharing the partitions")
    stage = Stage(broker, settings, first)
    publisher = TransactionalPublisher(settings, unique("id"))
    try:
        publisher.begin()
        publisher.publish(stage.scores, b"k", b"dropped")
        with pytest.raises(DeliveryFailed) as failure:
            publisher.commit(stage.offsets(), stale)  # type: ignore[arg-type] # -- the one method that is called
        assert failure.value.remedy is Remedy.ABORT
        publisher.recover(Remedy.ABORT)
        publisher.begin()
        publisher.publish(stage.scores, b"k", b"kept")
        publisher.commit(stage.offsets(), first)
        assert stage.visible() == [b"kept"]
        assert stage.committed() == READ
    finally:
        publisher.close()
        first.close()
        second.close()


@pytest.mark.parametrize("delivery", ["exactly_once", "at_least_once"])
def test_an_output_that_the_broker_refuses_fails_the_commit_and_not_the_next(stage: Stage, delivery: str) -> None:
    topic = unique("narrow")
    stage.broker.create_topic(topic, config={"max.message.bytes": "1000"})
    kafka = stage.settings.kafka.model_copy(update={"delivery": delivery})
    publisher = new_publisher(stage.settings.model_copy(update={"kafka": kafka}), unique("id"))
    publisher.begin()
    publisher.publish(topic, b"k", random.Random(1).randbytes(10_000))
    with pytest.raises(DeliveryFailed, match="MSG_SIZE_TOO_LARGE") as failure:
        publisher.commit(stage.offsets(), stage.consumer)
    assert stage.committed() is None
    publisher.recover(failure.value.remedy)
    assert not publisher.is_open
    publisher.begin()
    publisher.publish(topic, b"k", b"small")
    publisher.commit(stage.offsets(), stage.consumer)
    assert values_of(stage.broker, topic) == [b"small"]
    assert stage.committed() == READ
    publisher.close()


@pytest.mark.parametrize("delivery", ["exactly_once", "at_least_once"])
def test_a_full_queue_makes_the_caller_wait_and_loses_nothing(stage: Stage, delivery: str) -> None:
    kafka = stage.settings.kafka.model_copy(
        update={"delivery": delivery, "properties": {"queue.buffering.max.messages": "10"}}
    )
    publisher = new_publisher(stage.settings.model_copy(update={"kafka": kafka}), unique("id"))
    publisher.begin()
    sent = [str(i).encode() for i in range(500)]
    for value in sent:
        publisher.publish(stage.scores, b"k", value)
    publisher.commit(stage.offsets(), stage.consumer)
    assert stage.visible() == sent
    publisher.close()


def test_at_least_once_flushes_before_it_commits(stage: Stage) -> None:
    kafka = stage.settings.kafka.model_copy(update={"delivery": "at_least_once"})
    publisher: Publisher = new_publisher(stage.settings.model_copy(update={"kafka": kafka}), "unused")
    assert isinstance(publisher, FlushingPublisher)
    publisher.commit(stage.offsets(3), stage.consumer)
    assert stage.committed() is None
    publisher.begin()
    publisher.publish(stage.scores, b"k", b"one")
    publisher.commit(stage.offsets(), stage.consumer)
    assert not publisher.is_open
    assert stage.visible() == [b"one"]
    assert stage.committed() == READ
    publisher.close()


def test_at_least_once_notices_that_the_group_moved_on(stage: Stage) -> None:
    """A member that left cannot commit; its outputs stand and come again from the next owner."""
    publisher = FlushingPublisher(stage.settings)
    member = joined(kafka_settings(stage.broker.bootstrap, stage.scores.removesuffix("-scores"), group_id=unique("g")))
    publisher.begin()
    publisher.publish(stage.scores, b"k", b"comes again")
    # The commit of a partition that does not exist is refused for that partition alone.
    with pytest.raises(DeliveryFailed) as failure:
        publisher.commit([TopicPartition(stage.settings.kafka.input_topic, 99, 1)], member)
    assert failure.value.remedy is Remedy.ABORT
    publisher.recover(failure.value.remedy)
    assert not publisher.is_open
    assert stage.visible() == [b"comes again"]
    publisher.close()
    member.close()


def test_a_broker_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publisher_module, "CALL_TIMEOUT", 1.0)
    settings = kafka_settings("127.0.0.1:1", "nowhere")
    with pytest.raises(DeliveryFailed, match="initialising transactions") as failure:
        TransactionalPublisher(settings, "id")
    assert failure.value.remedy is Remedy.NEW_PRODUCER

    flushing = FlushingPublisher(settings)  # connects when there is something to send
    flushing.begin()
    flushing.publish("t", b"k", b"v")
    with pytest.raises(DeliveryFailed, match="1 outputs unacknowledged") as failure:
        flushing._flush()
    assert failure.value.remedy is Remedy.NEW_PRODUCER
    flushing.recover(Remedy.NEW_PRODUCER)
    flushing.close()


def test_a_queue_that_stays_full_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publisher_module, "CALL_TIMEOUT", 0.3)
    settings = kafka_settings("127.0.0.1:1", "nowhere", properties={"queue.buffering.max.messages": "1"})
    publisher = FlushingPublisher(settings)
    publisher.begin()
    publisher.publish("t", b"k", b"v")
    with pytest.raises(DeliveryFailed, match="_QUEUE_FULL") as failure:
        publisher.publish("t", b"k", b"v")
    assert failure.value.remedy is Remedy.NEW_PRODUCER
    publisher.close()


def test_delivery_reports_count_the_first_failure_and_not_our_own_purges() -> None:
    publisher = FlushingPublisher(kafka_settings("127.0.0.1:1", "nowhere"))
    publisher._on_delivery(None, None)
    publisher._on_delivery(KafkaError(KafkaError._PURGE_QUEUE), None)
    publisher._on_delivery(KafkaError(KafkaError._PURGE_INFLIGHT), None)
    publisher._flush()
    publisher._on_delivery(KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED), None)
    publisher._on_delivery(KafkaError(KafkaError._MSG_TIMED_OUT), None)
    with pytest.raises(DeliveryFailed, match="TOPIC_AUTHORIZATION_FAILED"):
        publisher._flush()
    publisher.recover(Remedy.ABORT)
    publisher._flush()
    publisher.close()


def test_closing_leaves_nothing_open(stage: Stage) -> None:
    publisher = TransactionalPublisher(stage.settings, unique("id"))
    publisher.begin()
    publisher.publish(stage.scores, b"k", b"dropped")
    publisher._flush()
    publisher.close()
    assert stage.visible() == [], "a reader of committed records would wait here for an open transaction"
