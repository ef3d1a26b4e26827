"""Transactions in the hands of a cluster that fails: timed out, coordinator gone, a commit that arrives too late.

A generation that the group has left behind is in tests/kafka/test_publisher_fencing.py, a stopped process that wakes
as a zombie in test_end_to_end.py.
"""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import pytest
from confluent_kafka import KafkaError

from load_tests.chaos.feed import Feeder, Watcher
from load_tests.chaos.stream import Stream
from stream_rcf.kafka import publisher as publisher_module
from stream_rcf.kafka.failures import DeliveryFailed, Remedy
from stream_rcf.kafka.publisher import TransactionalPublisher
from tests.kafka.stage import READ, Stage, joined
from tests.kafka.support import create_all, kafka_settings, unique, wait_until
from tests.support.broker_process import free_ports
from tests.support.cluster import NODES, Cluster
from tests.support.cutting_proxy import END_TXN, CuttingProxy, HeldRequest, is_request
from tests.support.service import Service, Topics, assert_same_as_offline, make_events, offline_rows

CALL_SECONDS = 3.0  # instead of 30, for a transactional call whose answer never comes
SHORT_TRANSACTION_MS = 3000
PATIENCE_SECONDS = 60.0
REFUSED = {47, 90}  # Kafka's INVALID_PRODUCER_EPOCH and PRODUCER_FENCED
EVENTS, KEYS = 6000, 40
FLOW_SECONDS = 20.0
FOREST = {"forest__trees": 10, "forest__sample_size": 32}
OFFLINE_FOREST = ("forest.trees=10", "forest.sample_size=32")


class Linked(NamedTuple):
    """A cluster, and the links through which the programs under test reach it."""

    cluster: Cluster
    links: list[CuttingProxy]

    def hold_ends_of_transactions(self) -> list[HeldRequest]:
        """Hold back commits and aborts, on whichever link they come."""
        return [link.hold(is_request(END_TXN)) for link in self.links]

    def hold_nothing(self) -> None:
        """Let them pass from now on."""
        for link in self.links:
            link.hold_nothing()


@pytest.fixture(scope="module")
def linked() -> Iterator[Linked]:
    """Transactions are looked after every second, so that one that timed out is aborted soon."""
    ports = free_ports(NODES)
    with Cluster(ports) as cluster, ExitStack() as stack:
        links = [
            stack.enter_context(CuttingProxy(target, port))
            for port, target in zip(ports, cluster.link_target_ports, strict=True)
        ]
        yield Linked(cluster, links)


def first_held(holds: list[HeldRequest]) -> HeldRequest:
    """The one of them whose request has come."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        for hold in holds:
            if hold.wait(0.05):
                return hold
    raise AssertionError("no transaction was about to end")


@pytest.fixture
def stage(linked: Linked) -> Iterator[Stage]:
    """A group member with one partition of input, behind the links."""
    settings = kafka_settings(linked.cluster.link_bootstrap, unique("late"))
    create_all(linked.cluster, settings)
    consumer = joined(settings)
    yield Stage(linked.cluster, settings, consumer)  # type: ignore[arg-type] # -- of the broker it uses what every client has
    consumer.close()


@pytest.fixture
def publisher(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Iterator[TransactionalPublisher]:
    running = TransactionalPublisher(stage.settings, unique("id"))
    monkeypatch.setattr(publisher_module, "CALL_TIMEOUT", CALL_SECONDS)
    yield running
    running.close()


def test_a_transaction_that_times_out_while_its_process_lives(stage: Stage) -> None:
    properties = {"transaction.timeout.ms": str(SHORT_TRANSACTION_MS)}
    kafka = stage.settings.kafka.model_copy(update={"properties": properties})
    publisher = TransactionalPublisher(stage.settings.model_copy(update={"kafka": kafka}), unique("id"))
    publisher.begin()
    publisher.publish(stage.scores, b"k", b"dropped")
    publisher._flush()
    # Committed readers wait for the transaction; they get through when the broker has aborted it.
    assert stage.visible() == []

    with pytest.raises(DeliveryFailed) as failure:
        publisher.commit(stage.offsets(5), stage.consumer)
    assert failure.value.remedy is Remedy.NEW_PRODUCER
    assert failure.value.code in {KafkaError._FENCED, KafkaError._FATAL}
    assert stage.committed() is None

    publisher.recover(failure.value.remedy)
    publisher.begin()
    publisher.publish(stage.scores, b"k", b"kept")
    publisher.commit(stage.offsets(), stage.consumer)
    assert stage.visible() == [b"kept"]
    assert stage.committed() == READ
    publisher.close()


def commit_without_answer(linked: Linked, stage: Stage, publisher: TransactionalPublisher) -> HeldRequest:
    """Publish, and try to commit while the request that would do it is held back; the publisher gives up."""
    publisher.begin()
    publisher.publish(stage.scores, b"k", b"of the older")
    holds = linked.hold_ends_of_transactions()
    with pytest.raises(DeliveryFailed) as failure:
        publisher.commit(stage.offsets(5), stage.consumer)
    assert failure.value.remedy is Remedy.NEW_PRODUCER, "after a time-out nobody knows how it ended"
    assert failure.value.code == KafkaError._TIMED_OUT
    linked.hold_nothing()
    return first_held(holds)


def test_a_commit_that_arrives_after_its_successor_began_changes_nothing(
    linked: Linked, stage: Stage, publisher: TransactionalPublisher
) -> None:
    """KAFKA-17754: with the old protocol a late EndTxn would commit a later transaction of the same producer."""
    held = commit_without_answer(linked, stage, publisher)
    publisher.recover(Remedy.NEW_PRODUCER)
    publisher.begin()
    publisher.publish(stage.scores, b"k", b"of the newer, half done")
    publisher._flush()

    answer = held.release(PATIENCE_SECONDS)

    (error,) = struct.unpack_from(">h", answer, 4 + 4 + 4)  # after length, correlation and throttle time
    assert error in REFUSED
    publisher.recover(Remedy.ABORT)
    assert stage.visible() == [], "the late commit ended a transaction that was not its own"
    assert stage.committed() is None
    publisher.begin()
    publisher.publish(stage.scores, b"k", b"kept")
    publisher.commit(stage.offsets(), stage.consumer)
    assert stage.visible() == [b"kept"]
    assert stage.committed() == READ


def test_a_commit_that_arrives_before_its_successor_counts_whole(
    linked: Linked, stage: Stage, publisher: TransactionalPublisher
) -> None:
    """Outputs and offsets together: whoever asks for the committed offset afterwards goes on behind the outputs."""
    held = commit_without_answer(linked, stage, publisher)

    answer = held.release(PATIENCE_SECONDS)

    assert struct.unpack_from(">h", answer, 4 + 4 + 4) == (0,)
    publisher.recover(Remedy.NEW_PRODUCER)
    assert stage.visible() == [b"of the older"]
    assert stage.committed() == 5


class Flow(NamedTuple):
    """Events that come all the time, and what is published of them; both go on while a broker is away."""

    events: list[tuple[bytes, bytes, int, int]]
    topics: Topics
    feeder: Feeder
    watcher: Watcher

    def wait_until_published(self, count: int, service: Service) -> None:
        """Wait for so many outputs; fails when the service ends."""

        def is_published() -> bool:
            assert service.process.poll() is None, service.log.read_text()[-3000:]
            self.feeder.check()
            self.watcher.check()
            return self.watcher.published >= count

        wait_until(is_published, f"{count} outputs", FLOW_SECONDS + PATIENCE_SECONDS)

    def assert_right(self, folder: Path) -> None:
        """Every output is that of the offline run."""
        values = [value for _, value, _, _ in self.events]
        assert_same_as_offline(self.topics, values, offline_rows(values, folder, *OFFLINE_FOREST))


@pytest.fixture
def flow(linked: Linked) -> Iterator[Flow]:
    topics = Topics(linked.cluster, unique("flow"))  # type: ignore[arg-type] # -- of the broker it uses what every client has
    events = make_events(EVENTS, KEYS, topics.partitions, seed=41)
    bootstrap = linked.cluster.bootstrap
    feeder = Feeder(bootstrap, topics.events, Stream(events, topics.partitions), FLOW_SECONDS)
    watcher = Watcher(bootstrap, topics.scores, topics.dead_letters, topics.partitions)
    watcher.start()
    feeder.start()
    yield Flow(events, topics, feeder, watcher)
    feeder.stop()
    watcher.stop()


def environment(linked: Linked, topics: Topics, folder: Path, transaction_ms: int) -> dict[str, str]:
    return topics.environment(
        folder / "checkpoints",
        kafka__bootstrap_servers=linked.cluster.link_bootstrap,
        kafka__properties=f'{{"transaction.timeout.ms": "{transaction_ms}", "session.timeout.ms": "20000"}}',
        **FOREST,
    )


def test_the_service_survives_a_transaction_that_times_out(
    linked: Linked, flow: Flow, tmp_path: Path
) -> None:
    """Its links are silent for longer than the broker keeps a transaction open; the process itself is well."""
    settings = environment(linked, flow.topics, tmp_path, SHORT_TRANSACTION_MS)
    with Service(settings, tmp_path / "log") as service:
        flow.wait_until_published(1, service)
        first_held(linked.hold_ends_of_transactions())  # so that one is open for sure
        for link in linked.links:
            link.hang()
        linked.hold_nothing()
        time.sleep(SHORT_TRANSACTION_MS / 1000 + 3.0)
        for link in linked.links:
            link.heal()
        flow.wait_until_published(EVENTS, service)
        assert service.stop() == 0
        assert any("recovering" in str(entry["message"]) for entry in service.messages())
    flow.assert_right(tmp_path)


def test_the_service_survives_the_loss_of_the_coordinator_in_the_middle_of_a_commit(
    linked: Linked, flow: Flow, tmp_path: Path
) -> None:
    with Service(environment(linked, flow.topics, tmp_path, 15_000), tmp_path / "log") as service:
        flow.wait_until_published(1, service)
        coordinator = linked.cluster.transaction_coordinator(f"{flow.topics.group}-{socket.gethostname()}-0")
        first_held(linked.hold_ends_of_transactions())
        linked.cluster.kill(coordinator)
        linked.hold_nothing()
        flow.wait_until_published(flow.watcher.published + 1, service)  # on two nodes of three
        linked.cluster.spawn(coordinator)
        linked.cluster.wait_until_up(coordinator)
        flow.wait_until_published(EVENTS, service)
        assert service.stop() == 0
    flow.assert_right(tmp_path)
