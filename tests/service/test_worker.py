"""The loop on a real broker, disturbed as only the inside can arrange: one score for each event, always."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from uuid import uuid4

import orjson
import pytest
from confluent_kafka import KafkaError, KafkaException, TopicPartition

from stream_rcf.errors import StreamRcfError
from stream_rcf.kafka import publisher as publisher_module
from stream_rcf.kafka.publisher import TransactionalPublisher
from stream_rcf.kafka.source import Source
from stream_rcf.service.partition import PartitionState
from stream_rcf.service.worker import Worker
from stream_rcf.settings.derived import detector_parameters
from stream_rcf.settings.model import Settings
from stream_rcf.state.checkpoint_store import CheckpointStore
from stream_rcf.state.folder_objects import FolderObjects
from tests.service.support import make_stream, new_metrics, small_settings, twin_of
from tests.support.broker import KafkaBroker

COUNT = 600
PATIENCE_SECONDS = 60.0
EVENTS = make_stream(COUNT, 6, seed=12)


class Scene:
    """One input of two partitions with ``EVENTS`` in it, and a worker to be run over it."""

    def __init__(self, broker: KafkaBroker, root: Path, **kafka: object) -> None:
        word = f"worker-{uuid4().hex[:8]}"
        self.broker = broker
        self.root = root
        self.id = f"{word}-id"
        names = {
            "input_topic": f"{word}-events",
            "scores_topic": f"{word}-scores",
            "alerts_topic": f"{word}-alerts",
            "dead_letter_topic": f"{word}-dead",
        }
        for name in names.values():
            broker.create_topic(name, 2)
        values = {"bootstrap_servers": broker.bootstrap, "group_id": f"{word}-group", "batch_size": 50}
        self.settings: Settings = small_settings(kafka={**values, **names, **kafka})
        self.produce(0, COUNT)

    def produce(self, first: int, last: int) -> None:
        self.broker.produce(
            self.settings.kafka.input_topic,
            [
                (
                    event.key.encode(),
                    orjson.dumps({"timestamp": event.timestamp, "value": event.values[0]}),
                    int(event.key[-1]) % 2,
                    event.timestamp,
                )
                for event in EVENTS[first:last]
            ],
        )

    def worker(self, should_stop: Callable[[Worker], bool]) -> Worker:
        """A worker that asks ``should_stop`` at each turn."""
        made: list[Worker] = []
        worker = Worker(
            self.settings,
            detector_parameters(self.settings),
            CheckpointStore(FolderObjects(self.root)),
            self.id,
            new_metrics(),
            lambda: should_stop(made[0]) if made else False,
        )
        made.append(worker)
        return worker

    def run(self, disturb: Callable[[Worker], None] = lambda _worker: None) -> None:
        """Run until every event is committed, disturbing it at each turn."""
        deadline = time.monotonic() + PATIENCE_SECONDS

        def should_stop(worker: Worker) -> bool:
            assert time.monotonic() < deadline, f"stuck with {list(worker._assignment)}"
            disturb(worker)
            return committed(worker) == COUNT

        self.worker(should_stop).run()

    def assert_each_event_once(self) -> None:
        """Every event has one score, of its key's whole past."""
        seen: dict[str, list[int]] = {}
        offsets: set[tuple[int, int]] = set()
        for record in self.broker.read_all(self.settings.kafka.scores_topic):
            score = orjson.loads(record.value or b"")
            place = (score["source"]["partition"], score["source"]["offset"])
            assert place not in offsets, f"{place} was scored twice"
            offsets.add(place)
            seen.setdefault(score["key"], []).append(score["model"]["events_seen"])
        assert len(offsets) == COUNT
        for numbers in seen.values():
            assert numbers == list(range(1, len(numbers) + 1))


def committed(worker: Worker) -> int:
    """Events that the worker believes committed."""
    return sum(partition.committed or 0 for partition in worker._assignment)


@pytest.fixture
def scene(broker: KafkaBroker, tmp_path: Path) -> Scene:
    return Scene(broker, tmp_path)


def once(action: Callable[[Worker], None], when: Callable[[Worker], bool]) -> Callable[[Worker], None]:
    """Disturb a single time, when it is the moment."""
    done: list[bool] = []

    def disturb(worker: Worker) -> None:
        if not done and when(worker):
            done.append(True)
            action(worker)

    return disturb


def is_half_way(worker: Worker) -> bool:
    return COUNT // 4 <= committed(worker) < COUNT


def has_uncommitted_outputs(worker: Worker) -> bool:
    return worker._publisher.is_open and any(p.next_offset != p.committed for p in worker._assignment)


def test_undisturbed(scene: Scene) -> None:
    scene.run()
    scene.assert_each_event_once()
    kafka = scene.settings.kafka
    assert sum(scene.broker.committed_offsets(kafka.group_id, kafka.input_topic).values()) == COUNT


@pytest.fixture
def fail_once(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, KafkaException], list[str]]]:
    """Makes a question to the broker fail the first time."""

    def arrange(question: str, failure: KafkaException) -> list[str]:
        original = getattr(Source, question)
        failed: list[str] = []

        def ask(source: Source, *arguments: object) -> object:
            if not failed:
                failed.append(question)
                raise failure
            return original(source, *arguments)

        monkeypatch.setattr(Source, question, ask)
        return failed

    return arrange


@pytest.mark.parametrize("protocol", ["classic", "consumer"])
@pytest.mark.parametrize("question", ["committed", "watermarks"])
def test_a_broker_that_is_silent_while_partitions_come(
    broker: KafkaBroker,
    tmp_path: Path,
    fail_once: Callable[[str, KafkaException], list[str]],
    question: str,
    protocol: str,
) -> None:
    scene = Scene(broker, tmp_path, group_protocol=protocol)
    failed = fail_once(question, KafkaException(KafkaError(KafkaError._TIMED_OUT)))
    scene.run()
    assert failed == [question]
    scene.assert_each_event_once()


def test_fenced_in_the_middle_it_begins_anew(scene: Scene) -> None:
    def fence(_worker: Worker) -> None:
        TransactionalPublisher(scene.settings, scene.id).close()

    scene.run(once(fence, is_half_way))
    scene.assert_each_event_once()


def test_fenced_right_before_its_end_it_leaves_in_order(scene: Scene) -> None:
    """What could not be committed is the next owner's."""
    deadline = time.monotonic() + PATIENCE_SECONDS

    def stop_when_open(worker: Worker) -> bool:
        assert time.monotonic() < deadline
        if not has_uncommitted_outputs(worker):
            return False
        TransactionalPublisher(scene.settings, scene.id).close()
        return True

    worker = scene.worker(stop_when_open)
    worker._last_commit = time.monotonic() + PATIENCE_SECONDS  # no commit in time
    worker.run()
    assert worker._assignment.in_state(PartitionState.LIVE) == []
    scene.run()
    scene.assert_each_event_once()


class FailingFlush:
    """The client's producer, whose next flush fails as one with a fatal error does."""

    def __init__(self, producer: object) -> None:
        self._producer = producer
        self.failures = 1

    def __getattr__(self, name: str) -> object:
        return getattr(self._producer, name)

    def flush(self, timeout: float) -> object:
        if self.failures:
            self.failures -= 1
            raise KafkaException(KafkaError(KafkaError._FENCED, "fenced", fatal=True))
        return self._producer.flush(timeout)  # type: ignore[attr-defined] # -- the client's


def test_a_flush_that_raises_at_the_handover_is_a_failed_commit(scene: Scene) -> None:
    """The client raises a fatal error out of any call that serves callbacks, and that may be the flush."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    answers: list[bool] = []

    def stop_when_open(worker: Worker) -> bool:
        assert time.monotonic() < deadline
        if not has_uncommitted_outputs(worker):
            return False
        publisher = worker._publisher
        assert isinstance(publisher, TransactionalPublisher)
        publisher._producer = FailingFlush(publisher._producer)  # type: ignore[assignment] # -- fails once
        answers.append(worker.commit_before_handover())
        return True

    worker = scene.worker(stop_when_open)
    worker._last_commit = time.monotonic() + PATIENCE_SECONDS  # no commit in time
    worker.run()
    assert answers == [False]
    scene.run()
    scene.assert_each_event_once()


def test_a_foreign_member_with_the_same_id_is_named_in_the_end(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two processes that fence each other for ever: one of them says so and ends."""
    monkeypatch.setattr("stream_rcf.service.recovery.RETRY_SECONDS", (0.01,))
    monkeypatch.setattr("stream_rcf.service.recovery.MOST_RECOVERIES", 2)
    original = TransactionalPublisher.commit

    def fenced_each_time(
        publisher: TransactionalPublisher, offsets: Sequence[TopicPartition], consumer: object
    ) -> None:
        if publisher.is_open:
            publisher_module.TransactionalPublisher(scene.settings, scene.id).close()
        original(publisher, offsets, consumer)  # type: ignore[arg-type] # -- the consumer

    monkeypatch.setattr(TransactionalPublisher, "commit", fenced_each_time)
    deadline = time.monotonic() + PATIENCE_SECONDS

    def never(_worker: Worker) -> bool:
        assert time.monotonic() < deadline, "it never gives up"
        return False

    with pytest.raises(StreamRcfError, match=f"another process uses the transactional id '{scene.id}'"):
        scene.worker(never).run()


def test_the_keys_are_those_of_the_whole_stream(scene: Scene) -> None:
    worker = scene.worker(lambda running: committed(running) == COUNT)
    twins = [twin_of([event for event in EVENTS if int(event.key[-1]) % 2 == number]) for number in (0, 1)]
    states: list[dict[str, bytes]] = []
    original = worker._end

    def look_first() -> None:
        for number in (0, 1):
            partition = worker._assignment.get(scene.settings.kafka.input_topic, number)
            assert partition is not None
            states.append({key: partition.table.pack(key) for key in list(partition.table.keys())})
        original()

    worker._end = look_first  # type: ignore[method-assign] # -- before everything is let go
    worker.run()
    assert states == [{key: twin.pack(key) for key in list(twin.keys())} for twin in twins]
