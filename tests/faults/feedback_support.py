"""A service that people give feedback to, and what it must have published: worked out apart, by where the log says so.

The twin knows the events, the messages and, by partition, before which offset which messages took effect. It has no
broker, no checkpoint, no replay and no commit.
"""

from __future__ import annotations

import re
import threading
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from stream_rcf.kafka.dead_letters import DeadLetters
from stream_rcf.pipeline.notices import read_control, read_feedback
from stream_rcf.service.batch import BatchProcessor
from stream_rcf.service.feedback_note import Positions
from stream_rcf.service.heard import Heard, Hearing, digest_of
from stream_rcf.service.partition import Partition
from stream_rcf.service.partition_feedback import new_partition_feedback
from stream_rcf.settings.derived import detector_parameters
from stream_rcf.settings.model import Settings, load_with_origins
from stream_rcf.state.recovery import RecoveryPlan
from tests.service.support import FakeMessage, RecordingPublisher, new_metrics
from tests.support.broker import KafkaBroker
from tests.support.broker_client import Record
from tests.support.service import START_OF_EVENTS, Service, Topics, make_events

KEYS, PARTITIONS = 8, 2
SECOND = 1000  # ms between events
RARELY = 3600  # seconds between checkpoints: none is written but at the beginning and in order at the end
SMALL = {"forest__trees": 8, "forest__sample_size": 32, "forest__shingle_size": 2}


class Told(NamedTuple):
    """Before this offset of the input, everything before these offsets of the two topics took effect."""

    offset: int
    heard: Positions


class Listeners(Topics):
    """Topics of one test, among them one for feedback and one for control."""

    def __init__(self, broker: KafkaBroker, word: str, partitions: int = PARTITIONS) -> None:
        super().__init__(broker, word, partitions)
        self.feedback, self.control = f"{word}-feedback", f"{word}-control"
        for name in (self.feedback, self.control):
            broker.create_topic(name, 1, {"retention.ms": "-1"})
        self.sent = 0

    def environment(self, checkpoints: Path, **settings: object) -> dict[str, str]:
        named = {
            "kafka__feedback_topic": self.feedback,
            "kafka__control_topic": self.control,
            "checkpoint__interval_seconds": RARELY,
            **SMALL,
            **settings,
        }
        return super().environment(checkpoints, **named)

    def send_events(self, count: int) -> None:
        """The next events of the one stream that all these tests have."""
        events = make_events(self.sent + count, KEYS, self.partitions, seed=5)
        self.broker.produce(self.events, events[self.sent :])
        self.sent += count

    def alerts_of(self) -> list[dict[str, Any]]:
        return [orjson.loads(record.value or b"") for record in self.broker.read_all(self.alerts)]

    def say(self, *documents: Mapping[str, object]) -> None:
        """Send feedback."""
        self._send(self.feedback, documents)

    def announce(self, *documents: Mapping[str, object]) -> None:
        """Send control messages."""
        self._send(self.control, documents)

    def _send(self, topic: str, documents: Sequence[Mapping[str, object]]) -> None:
        self.broker.produce(topic, [(None, orjson.dumps(one), 0, START_OF_EVENTS) for one in documents])


class Feeding:
    """Sends the next events of the stream little by little, in a thread of its own."""

    def __init__(self, topics: Listeners, count: int, seconds: float, steps: int = 100) -> None:
        def send() -> None:
            for _ in range(steps):
                topics.send_events(count // steps)
                time.sleep(seconds / steps)

        self._thread = threading.Thread(target=send)
        self._thread.start()

    def join(self) -> None:
        """Wait until all are sent."""
        self._thread.join()


def not_an_anomaly(alert: Mapping[str, object]) -> dict[str, object]:
    """The alert with the verdict, as a person would send it."""
    return {**alert, "verdict": "not_an_anomaly"}


def maintenance(name: str, keys: str, begin: int, end: int) -> dict[str, object]:
    """An announcement; ``begin`` and ``end`` are the numbers of events."""
    times = {"from": START_OF_EVENTS + SECOND * begin, "until": START_OF_EVENTS + SECOND * end}
    return {"maintenance": {"id": name, "keys": keys, **times}}


def told_by(services: Sequence[Service]) -> dict[int, list[Told]]:
    """When messages took effect, by partition, as the services logged it; without what was rolled back."""
    found: dict[int, list[Told]] = defaultdict(list)
    entries = [entry for service in services for entry in service.said("feedback in effect")]
    for entry in sorted(entries, key=lambda entry: str(entry["time"])):
        before, after = (Positions(*entry[name]) for name in ("heard_from", "heard_to"))  # type: ignore[misc] # -- pairs
        number = int(str(entry["partition"]))
        while found[number] and not before.reaches(found[number][-1].heard):
            found[number].pop()  # that was not committed
        found[number].append(Told(int(str(entry["offset"])), after))
    return dict(found)


def expected(
    topics: Listeners, environment: Mapping[str, str], told: Mapping[int, Sequence[Told]]
) -> dict[str, list[bytes]]:
    """The scores and alerts, in the order of their sources."""
    settings = load_with_origins(None, {}, environment).settings
    events: dict[int, list[Record]] = defaultdict(list)
    for record in topics.broker.read_all(topics.events):
        events[record.partition].append(record)
    outputs: dict[str, list[bytes]] = {topics.scores: [], topics.alerts: []}
    for number in sorted(events):
        publisher = _twin(topics, settings, number, events[number], told.get(number, ()))
        for topic in outputs:
            outputs[topic] += (output.value or b"" for output in publisher.on(topic))
    return outputs


def _twin(
    topics: Listeners, settings: Settings, number: int, events: Sequence[Record], told: Sequence[Told]
) -> RecordingPublisher:
    parameters = detector_parameters(settings)
    partition = Partition(topics.events, number, parameters)
    partition.load(
        RecoveryPlan(None, 0, 0, None),
        0,
        0,
        feedback=new_partition_feedback((topics.feedback, topics.control), len(parameters.features)),
    )
    partition.loaded()
    feedback = partition.feedback
    assert feedback is not None
    publisher = RecordingPublisher()

    class Known:
        @staticmethod
        def get(_topic: str, _number: int) -> Partition:
            return partition

    processor = BatchProcessor(
        settings,
        parameters,
        Known(),  # type: ignore[arg-type] # -- the one question that it asks
        DeadLetters(topics.dead_letters, 1_000_000),
        new_metrics(),
    )
    messages = [_message(record) for record in events]
    hearings = _hearings(topics, settings, told)
    at = 0
    for one, hearing in zip(told, hearings, strict=True):
        _process(processor, publisher, messages[at : one.offset])
        feedback.hear(hearing, one.offset)
        at = one.offset
    _process(processor, publisher, messages[at:])
    processor.close()
    return publisher


def _process(processor: BatchProcessor, publisher: RecordingPublisher, messages: list[FakeMessage]) -> None:
    for start in range(0, len(messages), 100):
        processor.take(messages[start : start + 100], publisher)  # type: ignore[arg-type] # -- fakes
    processor.finish(publisher)  # type: ignore[arg-type] # -- a fake


def _message(record: Record) -> FakeMessage:
    return FakeMessage(
        record.offset, record.value, record.key, record.partition, record.topic, (1, record.timestamp)
    )


def _hearings(topics: Listeners, settings: Settings, told: Sequence[Told]) -> list[Hearing]:
    read = {0: (topics.feedback, read_feedback), 1: (topics.control, read_control)}
    heard: dict[int, list[Heard]] = {}
    for number, (topic, understand) in read.items():
        heard[number] = [
            Heard(
                record.offset,
                understand(record.value, settings.events.features),
                digest_of(number, record.offset, record.value or b""),
                0,
                _message(record),  # type: ignore[arg-type] # -- a fake
            )
            for record in topics.broker.read_all(topic)
        ]
    hearings, before = [], Positions()
    for one in told:
        everything = Hearing(before, one.heard, heard[0], heard[1])
        messages = everything.between(before, one.heard)
        feedback = [message for message in messages if message in heard[0]]
        control = [message for message in messages if message in heard[1]]
        hearings.append(Hearing(before, one.heard, feedback, control))
        before = one.heard
    return hearings


def published(topics: Listeners, may_repeat: bool = False) -> dict[str, list[bytes]]:
    """The scores and alerts in the order of their sources, each once; with ``may_repeat`` also more often, the same."""
    found: dict[str, list[bytes]] = {}
    for topic in (topics.scores, topics.alerts):
        by_source: dict[tuple[int, int], bytes] = {}
        for record in topics.broker.read_all(topic):
            place = source_of(record.value or b"")
            if place in by_source:
                assert may_repeat, f"{place} was published twice on {topic}"
                assert record.value == by_source[place], f"{place} came again as something else on {topic}"
            by_source[place] = record.value or b""
        found[topic] = [by_source[place] for place in sorted(by_source)]
    return found


def source_of(value: bytes) -> tuple[int, int]:
    """(partition, offset) of a score or an alert."""
    source = orjson.loads(value)["source"]
    return source["partition"], source["offset"]


def reasons(values: Sequence[bytes]) -> set[str]:
    """The reasons that were given."""
    return {str(orjson.loads(value)["reason"]) for value in values}


def word_of(name: str) -> str:
    """A test's name as the beginning of topics' names."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower())[-60:].strip("-")
