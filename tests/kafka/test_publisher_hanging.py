"""A coordinator that does not answer: no call of the publishers waits for it without end."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from confluent_kafka import TopicPartition

from stream_rcf.kafka import publisher as publisher_module
from stream_rcf.kafka.failures import DeliveryFailed, Remedy
from stream_rcf.kafka.publisher import FlushingPublisher, TransactionalPublisher
from tests.kafka.stage import READ, Stage
from tests.kafka.support import unique, wait_until


class HangingOffsets:
    """The client's producer, whose offsets hang as in librdkafka #5456 until the test lets them go."""

    def __init__(self, producer: object) -> None:
        self._producer = producer
        self.may_go_on = threading.Event()
        self.late: list[object] = []
        self.is_over = threading.Event()

    def __getattr__(self, name: str) -> object:
        return getattr(self._producer, name)

    def send_offsets_to_transaction(self, *arguments: object) -> None:
        self.may_go_on.wait(60.0)
        try:
            self._producer.send_offsets_to_transaction(*arguments)  # type: ignore[attr-defined] # -- the client's
        except Exception as failure:  # noqa: BLE001 -- looked at by the test
            self.late.append(failure)
        self.is_over.set()


def test_offsets_that_hang_cost_the_producer_and_nothing_else(
    stage: Stage, publish: Callable[..., TransactionalPublisher], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publisher_module, "CALL_TIMEOUT", 5.0)
    monkeypatch.setattr(publisher_module, "CALL_GRACE", -4.5)
    publisher = publish(unique("id"))
    hanging = HangingOffsets(publisher._producer)
    publisher._producer = hanging  # type: ignore[assignment] # -- hangs once
    publisher.begin()
    publisher.publish(stage.scores, b"k", b"dropped")
    with pytest.raises(DeliveryFailed, match="has not returned") as failure:
        publisher.commit(stage.offsets(3), stage.consumer)
    assert failure.value.remedy is Remedy.NEW_PRODUCER
    monkeypatch.undo()

    publisher.recover(failure.value.remedy)
    hanging.may_go_on.set()  # the packet that was late comes after the new producer's beginning
    assert hanging.is_over.wait(60.0)
    assert len(hanging.late) == 1, "and is refused: the old producer is fenced"
    publisher.begin()
    publisher.publish(stage.scores, b"k", b"kept")
    publisher.commit(stage.offsets(), stage.consumer)
    assert stage.visible() == [b"kept"]
    assert stage.committed() == READ


def test_at_least_once_commits_in_passing(stage: Stage) -> None:
    publisher = FlushingPublisher(stage.settings)
    publisher.commit_soon(stage.offsets(3), stage.consumer)
    assert not publisher.is_open, "nothing was begun, so there is nothing to commit"
    publisher.begin()
    publisher.publish(stage.scores, b"k", b"one")
    publisher.commit_soon(stage.offsets(), stage.consumer)
    assert stage.visible() == [b"one"], "readable at once"
    assert publisher.is_open, "until a commit that waits has confirmed it"
    wait_until(lambda: stage.committed() == READ, "the commit to arrive")
    publisher.commit([], stage.consumer)
    assert not publisher.is_open
    publisher.close()


def test_what_was_committed_in_passing_is_part_of_the_commit_that_waits(stage: Stage) -> None:
    """The broker may have refused it meanwhile: then this one hears of it."""
    publisher = FlushingPublisher(stage.settings)
    publisher.begin()
    publisher.commit_soon([TopicPartition(stage.settings.kafka.input_topic, 99, 1)], stage.consumer)
    with pytest.raises(DeliveryFailed) as failure:
        publisher.commit(stage.offsets(), stage.consumer)
    assert failure.value.remedy is Remedy.ABORT
    publisher.recover(failure.value.remedy)
    assert not publisher.is_open
    publisher.begin()
    publisher.commit(stage.offsets(), stage.consumer)
    assert stage.committed() == READ
    publisher.close()


def test_in_passing_a_transaction_is_committed_for_good(
    stage: Stage, publish: Callable[..., TransactionalPublisher]
) -> None:
    publisher = publish()
    publisher.begin()
    publisher.publish(stage.scores, b"k", b"one")
    publisher.commit_soon(stage.offsets(), stage.consumer)
    assert not publisher.is_open
    assert (stage.visible(), stage.committed()) == ([b"one"], READ)


def test_outputs_are_acknowledged_when_the_broker_has_them(own_stage: Stage) -> None:
    publisher = FlushingPublisher(own_stage.settings)
    publisher.begin()
    assert publisher.is_acknowledged, "of none, all are"
    own_stage.broker.suspend()
    try:
        publisher.publish(own_stage.scores, b"k", b"one")
        assert not publisher.is_acknowledged
    finally:
        own_stage.broker.resume()
    wait_until(lambda: publisher.is_acknowledged, "the output to arrive")
    publisher.commit(own_stage.offsets(), own_stage.consumer)
    assert own_stage.visible() == [b"one"]
    publisher.close()


def test_a_transaction_is_never_said_to_wait_for_nothing(
    publish: Callable[..., TransactionalPublisher],
) -> None:
    publisher = publish()
    publisher.begin()
    assert not publisher.is_acknowledged


def test_a_coordinator_that_hangs_does_not_hold_a_commit_in_passing_up(
    own_stage: Stage,
) -> None:
    """The broker answers nothing; the commit returns all the same, and arrives when the broker is back."""
    publisher = FlushingPublisher(own_stage.settings)
    publisher.begin()
    publisher._flush()
    own_stage.broker.suspend()
    try:
        publisher.commit_soon(own_stage.offsets(), own_stage.consumer)
    finally:
        own_stage.broker.resume()
    wait_until(lambda: own_stage.committed() == READ, "the commit to arrive")
    publisher.close()
