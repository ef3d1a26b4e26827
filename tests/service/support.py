"""What the tests of the service's parts share: settings, a source without a broker, messages, kept outputs."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import orjson

from stream_rcf.core.parameters import DetectorParameters
from stream_rcf.kafka.messages import ClientError, TopicPartition
from stream_rcf.observe.metrics import Metrics
from stream_rcf.pipeline.events import Event
from stream_rcf.pipeline.score_batch import score_batch
from stream_rcf.settings.derived import detector_parameters
from stream_rcf.settings.model import Settings
from stream_rcf.state.key_table import KeyTable

TOPIC = "events"
GROUP = "group"
START_OF_EVENTS = 1_767_225_600_000  # 2026-01-01T00:00:00Z, epoch ms
CREATE_TIME = 1  # of Message.timestamp: the producer's


def small_settings(rules: Sequence[object] = (), **sections: dict[str, object]) -> Settings:
    """Settings of a small forest; ``rules``, and further values by section."""
    small: dict[str, dict[str, object]] = {
        "kafka": {"group_id": GROUP},
        "forest": {"trees": 4, "sample_size": 16, "shingle_size": 2},
        "detector": {"decision": "threshold"},  # so that the few events of a test are enough for alerts
    }
    for name, values in sections.items():
        small[name] = {**small.get(name, {}), **values}
    return Settings(rules=rules, **small)


SETTINGS = small_settings()
PARAMETERS = detector_parameters(SETTINGS)


def new_metrics() -> Metrics:
    return Metrics("test", PARAMETERS.fingerprint())


def make_stream(count: int, keys: int, seed: int = 1) -> list[Event]:
    """Seeded events, each key at its own level, with spikes that a mature forest flags."""
    generator = random.Random(seed)
    events = []
    for i in range(count):
        number = generator.randrange(keys)
        value = generator.gauss(10.0 * number, 1.0) + 60.0 * (generator.random() < 0.03)
        events.append(Event(f"host-{number}", START_OF_EVENTS + 1000 * i, (value,)))
    return events


def learn(table: KeyTable, events: Sequence[Event], parameters: DetectorParameters = PARAMETERS) -> None:
    """Feed the events to the table, as the service would."""
    score_batch(parameters, events, [table] * len(events))


def twin_of(events: Sequence[Event], parameters: DetectorParameters = PARAMETERS) -> KeyTable:
    """A table that has learned exactly these events, in small batches."""
    table = KeyTable(parameters)
    for start in range(0, len(events), 7):
        learn(table, events[start : start + 7], parameters)
    return table


def states_of(table: KeyTable) -> dict[str, bytes]:
    """Every key's packed state."""
    return {key: table.pack(key) for key in table.keys()}  # noqa: SIM118 -- a table is no mapping


class FakeSource:
    """What the assignment asks of the broker, answered from two dictionaries; what it is told is kept."""

    def __init__(self, partitions: int = 4, topic: str = TOPIC) -> None:
        self.offsets: dict[tuple[str, int], int | None] = {(topic, i): None for i in range(partitions)}
        self.ends: dict[tuple[str, int], tuple[int, int]] = {(topic, i): (0, 100) for i in range(partitions)}
        self.notes: dict[tuple[str, int], str] = {}
        self.repositioned: list[list[tuple[str, int, int]]] = []
        self.failures: list[ClientError] = []  # raised by the next questions, one each

    def committed(self, partitions: Sequence[TopicPartition]) -> dict[tuple[str, int], int | None]:
        self._fail_if_told()
        return {(p.topic, p.partition): self.offsets[p.topic, p.partition] for p in partitions}

    def committed_note(self, topic: str, partition: int) -> str:
        return self.notes.get((topic, partition), "")

    def watermarks(self, topic: str, partition: int) -> tuple[int, int]:
        self._fail_if_told()
        return self.ends[topic, partition]

    def partition_count(self, topic: str) -> int:
        return sum(name == topic for name, _ in self.ends)

    def reposition(self, partitions: Sequence[TopicPartition]) -> None:
        self.repositioned.append([(p.topic, p.partition, p.offset) for p in partitions])

    def _fail_if_told(self) -> None:
        if self.failures:
            raise self.failures.pop(0)


@dataclass
class FakeMessage:
    """One record of the input with the methods of the client's messages."""

    at: int
    content: bytes | str | None
    name: bytes | str | None = b"host-1"
    number: int = 0
    source: str = TOPIC
    time: tuple[int, int] = (CREATE_TIME, START_OF_EVENTS)

    def topic(self) -> str:
        return self.source

    def partition(self) -> int:
        return self.number

    def offset(self) -> int:
        return self.at

    def key(self) -> bytes | str | None:
        return self.name

    def value(self) -> bytes | str | None:
        return self.content

    def timestamp(self) -> tuple[int, int]:
        return self.time

    def error(self) -> None:
        return None


def message_of(event: Event, offset: int, number: int = 0) -> FakeMessage:
    """The message that carries ``event`` with the default settings."""
    content = orjson.dumps({"timestamp": event.timestamp, "value": event.values[0]})
    return FakeMessage(offset, content, event.key.encode(), number)


@dataclass
class Output:
    """One published record."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: dict[str, bytes]

    @property
    def document(self) -> dict[str, object]:
        found = orjson.loads(self.value or b"")
        assert isinstance(found, dict)
        return found


@dataclass
class RecordingPublisher:
    """Keeps what is published, and says ``is_open`` as a real one does."""

    outputs: list[Output] = field(default_factory=list)
    is_open: bool = False
    on_publish: Callable[[], None] | None = None  # called first; may raise

    def begin(self) -> None:
        self.is_open = True

    def publish(
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        headers: list[tuple[str, bytes]] | None = None,
    ) -> None:
        assert self.is_open, "published before begin"
        if self.on_publish is not None:
            self.on_publish()
        self.outputs.append(Output(topic, key, value, dict(headers or [])))

    def on(self, topic: str) -> list[Output]:
        return [output for output in self.outputs if output.topic == topic]
