"""The publishers on a real broker: what stands after a commit, and what an owner of outputs hears when one fails."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from confluent_kafka import KafkaError, TopicPartition

from stream_rcf.kafka import publisher as publisher_module
from stream_rcf.kafka.failures import DeliveryFailed, Remedy
from stream_rcf.kafka.publisher import FlushingPublisher, TransactionalPublisher, new_publisher
from stream_rcf.kafka.publishing import Publisher
from stream_rcf.kafka.rights import AccessDenied
from tests.kafka.stage import READ, Stage, joined
from tests.kafka.support import kafka_settings, unique, values_of


def test_outputs_and_offsets_stand_together(
    stage: Stage, publish: Callable[..., TransactionalPublisher]
) -> None:
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


def test_a_commit_of_offsets_alone_moves_them(
    stage: Stage, publish: Callable[..., TransactionalPublisher]
) -> None:
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


@pytest.mark.parametrize("delivery", ["exactly_once", "at_least_once"])
def test_an_output_that_the_broker_refuses_fails_the_commit_and_not_the_next(
    stage: Stage, delivery: str
) -> None:
    topic = unique("narrow")
    stage.broker.create_topic(topic, config={"max.message.bytes": "1000"})
    kafka = stage.settings.kafka.model_copy(update={"delivery": delivery})
    publisher = new_publisher(stage.settings.model_copy(update={"kafka": kafka}), unique("id"))
    publisher.begin()
    publisher.publish(topic, b"k", random.Random(1).randbytes(10_000))
    publisher._producer.flush(30)
    assert not publisher.is_acknowledged
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
    member = joined(
        kafka_settings(stage.broker.bootstrap, stage.scores.removesuffix("-scores"), group_id=unique("g"))
    )
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


class Undelivered:
    """A message of which a report speaks."""

    def topic(self) -> str:
        return "nowhere-alerts"


def test_delivery_reports_count_the_first_failure_and_not_our_own_purges() -> None:
    publisher = FlushingPublisher(kafka_settings("127.0.0.1:1", "nowhere"))
    message = Undelivered()
    publisher._on_delivery(None, message)
    publisher._on_delivery(KafkaError(KafkaError._PURGE_QUEUE), message)
    publisher._on_delivery(KafkaError(KafkaError._PURGE_INFLIGHT), message)
    publisher._flush()
    publisher._on_delivery(KafkaError(KafkaError.MSG_SIZE_TOO_LARGE), message)
    publisher._on_delivery(KafkaError(KafkaError._MSG_TIMED_OUT), message)
    with pytest.raises(DeliveryFailed, match="MSG_SIZE_TOO_LARGE"):
        publisher._flush()
    publisher.recover(Remedy.ABORT)
    publisher._flush()
    publisher.close()


def test_an_output_that_the_broker_forbids_is_no_matter_for_another_attempt() -> None:
    publisher = FlushingPublisher(kafka_settings("127.0.0.1:1", "nowhere"))
    publisher._on_delivery(KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED), Undelivered())
    with pytest.raises(AccessDenied, match="WRITE on topic nowhere-alerts is missing"):
        publisher._flush()
    publisher.recover(Remedy.NEW_PRODUCER)
    publisher._flush()
    publisher.close()


def test_closing_leaves_nothing_open(stage: Stage) -> None:
    publisher = TransactionalPublisher(stage.settings, unique("id"))
    publisher.begin()
    publisher.publish(stage.scores, b"k", b"dropped")
    publisher._flush()
    publisher.close()
    assert stage.visible() == [], "a reader of committed records would wait here for an open transaction"
