"""Transactions that are refused: another producer took the name over, or the group moved on."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from confluent_kafka import Consumer, KafkaError

from stream_rcf.kafka.client_configuration import consumer_configuration
from stream_rcf.kafka.failures import DeliveryFailed, Remedy
from stream_rcf.kafka.publisher import TransactionalPublisher
from tests.kafka.stage import READ, Stage, joined
from tests.kafka.support import create_all, kafka_settings, unique, wait_until
from tests.support.broker import KafkaBroker


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


@pytest.mark.parametrize("delivered", [False, True], ids=["in the queue", "delivered"])
def test_a_fenced_producer_says_so_whatever_it_still_holds(
    stage: Stage, publish: Callable[..., TransactionalPublisher], delivered: bool
) -> None:
    """The client raises a fatal error out of the flush, in the middle of its delivery reports perhaps."""
    name = unique("shared-id")
    older = publish(name)
    older.begin()
    for i in range(50):
        older.publish(stage.scores, str(i).encode(), b"dropped")
    if delivered:
        older._flush()
    publish(name)
    with pytest.raises(DeliveryFailed) as failure:  # noqa: PT012 -- either call may be the first to hear of it
        older.publish(stage.scores, b"k", b"dropped")
        older.commit(stage.offsets(), stage.consumer)
    assert failure.value.remedy is Remedy.NEW_PRODUCER
    older.recover(failure.value.remedy)
    older.begin()
    older.publish(stage.scores, b"k", b"kept")
    older.commit(stage.offsets(), stage.consumer)
    assert stage.visible() == [b"kept"]


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
def test_a_commit_with_the_metadata_of_before_a_rebalance_is_aborted(
    broker: KafkaBroker, protocol: str
) -> None:
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
        assert failure.value.code == KafkaError.ILLEGAL_GENERATION
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
