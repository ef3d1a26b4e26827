"""The source on a real broker: nothing it has read is lost, whatever a callback does."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import pytest
from confluent_kafka import KafkaError, KafkaException, TopicPartition

from stream_rcf.errors import CheckpointError, StreamRcfError
from stream_rcf.kafka.source import OffsetsTrimmed, Source, describe
from stream_rcf.settings.model import Settings
from tests.kafka.support import create_all, kafka_settings, unique, wait_until
from tests.support.broker import KafkaBroker

COUNT = 40
PROTOCOLS = ["classic", "consumer"]


class Listener:
    """Places partitions where the test says, resumes nothing, and fails where it is told to."""

    def __init__(self) -> None:
        self.start = 0
        self.heard: list[tuple[str, tuple[int, ...]]] = []
        self.failures: dict[str, Exception] = {}

    def on_assigned(self, partitions: Sequence[TopicPartition]) -> list[TopicPartition]:
        self._hear("assigned", partitions)
        return [TopicPartition(p.topic, p.partition, self.start) for p in partitions]

    def on_revoked(self, partitions: Sequence[TopicPartition]) -> None:
        self._hear("revoked", partitions)

    def on_lost(self, partitions: Sequence[TopicPartition]) -> None:
        self._hear("lost", partitions)

    def _hear(self, what: str, partitions: Sequence[TopicPartition]) -> None:
        self.heard.append((what, tuple(sorted(p.partition for p in partitions))))
        if what in self.failures:
            raise self.failures.pop(what)

    def has_heard(self, what: str) -> bool:
        return any(kind == what for kind, _ in self.heard)


def fill(broker: KafkaBroker, settings: Settings, partitions: int = 1, count: int = COUNT) -> None:
    create_all(broker, settings, partitions)
    broker.produce(
        settings.kafka.input_topic,
        [(b"k", str(i).encode(), partition, 0) for partition in range(partitions) for i in range(count)],
    )


@pytest.fixture(params=PROTOCOLS)
def settings(request: pytest.FixtureRequest, broker: KafkaBroker) -> Settings:
    """Settings of a topic with ``COUNT`` events in one partition, for either protocol."""
    made = kafka_settings(broker.bootstrap, unique(f"source-{request.param}"), group_protocol=request.param)
    fill(broker, made)
    return made


@pytest.fixture
def open_source() -> Iterator[Callable[[Settings, Listener], Source]]:
    """Makes subscribed sources that leave the group at the end."""
    opened: list[Source] = []

    def make(settings: Settings, listener: Listener) -> Source:
        source = Source(settings, listener)
        source.subscribe()
        opened.append(source)
        return source

    yield make
    for source in opened:
        source.close()


def join(source: Source, listener: Listener) -> None:
    def has_share() -> bool:
        assert source.read(10, 0.1) == [], "partitions start paused"
        return listener.has_heard("assigned")

    wait_until(has_share, "joining the group")


def read_until(source: Source, count: int) -> list[int]:
    """Read on; the offsets that came, until there are ``count``."""
    offsets: list[int] = []

    def has_all() -> bool:
        offsets.extend(message.offset() or 0 for message in source.read(7, 0.1))
        return len(offsets) >= count

    wait_until(has_all, f"reading {count} events")
    return offsets


def test_partitions_start_paused_where_the_listener_says(
    settings: Settings, open_source: Callable[[Settings, Listener], Source]
) -> None:
    listener = Listener()
    listener.start = 10
    source = open_source(settings, listener)
    join(source, listener)
    for _ in range(5):
        assert source.read(10, 0.05) == []
    source.resume(settings.kafka.input_topic, 0)
    assert read_until(source, 30) == list(range(10, COUNT))
    assert source.position(settings.kafka.input_topic, 0) == COUNT


def test_read_takes_no_more_than_asked_for(
    settings: Settings, open_source: Callable[[Settings, Listener], Source]
) -> None:
    listener = Listener()
    source = open_source(settings, listener)
    join(source, listener)
    source.resume(settings.kafka.input_topic, 0)
    offsets: list[int] = []

    def has_all() -> bool:
        messages = source.read(1, 0.1)
        assert len(messages) <= 1
        offsets.extend(message.offset() or 0 for message in messages)
        return len(offsets) >= COUNT

    wait_until(has_all, "reading one by one")
    assert offsets == list(range(COUNT))


def test_repositioning_reads_again_and_drops_what_was_prefetched(
    settings: Settings, open_source: Callable[[Settings, Listener], Source]
) -> None:
    listener = Listener()
    source = open_source(settings, listener)
    join(source, listener)
    topic = settings.kafka.input_topic
    source.resume(topic, 0)
    first = read_until(source, 7)
    source.reposition([TopicPartition(topic, 0, 3)])
    for _ in range(5):
        assert source.read(10, 0.05) == [], "paused, prefetched messages too"
    source.resume(topic, 0)
    assert read_until(source, COUNT - 3) == list(range(3, COUNT))
    assert first == list(range(len(first)))
    assert listener.heard == [("assigned", (0,))], "the group is not disturbed"


@pytest.mark.parametrize(
    "failure",
    [CheckpointError("the checkpoint is gone"), KafkaException(KafkaError(KafkaError._TIMED_OUT))],
    ids=["refused", "silent broker"],
)
def test_what_the_listener_raises_comes_out_of_read_and_no_event_is_lost(
    settings: Settings, open_source: Callable[[Settings, Listener], Source], failure: Exception
) -> None:
    listener = Listener()
    listener.failures["assigned"] = failure
    source = open_source(settings, listener)
    offsets: list[int] = []
    raised: list[Exception] = []

    def is_raised() -> bool:
        try:
            offsets.extend(message.offset() or 0 for message in source.read(10, 0.1))
        except type(failure) as error:
            raised.append(error)
        return bool(raised)

    wait_until(is_raised, "hearing of the failure")
    assert raised == [failure]
    assert offsets == []
    source.reposition([TopicPartition(settings.kafka.input_topic, 0, 0)])
    source.resume(settings.kafka.input_topic, 0)
    assert read_until(source, COUNT) == list(range(COUNT))


def test_what_the_listener_raises_at_the_end_comes_out_of_close(settings: Settings) -> None:
    listener = Listener()
    source = Source(settings, listener)
    source.subscribe()
    join(source, listener)
    listener.failures["revoked"] = StreamRcfError("the disk is gone")
    with pytest.raises(StreamRcfError, match="the disk is gone"):
        source.close()
    assert listener.has_heard("revoked")


def test_closing_revokes_first(settings: Settings) -> None:
    listener = Listener()
    source = Source(settings, listener)
    source.subscribe()
    join(source, listener)
    source.close()
    assert listener.heard[-1] == ("revoked", (0,))


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_second_member_takes_a_share_and_gives_it_back(broker: KafkaBroker, protocol: str) -> None:
    settings = kafka_settings(broker.bootstrap, unique(f"share-{protocol}"), group_protocol=protocol)
    fill(broker, settings, partitions=2)
    first_listener, second_listener = Listener(), Listener()
    first = Source(settings, first_listener)
    first.subscribe()
    join(first, first_listener)
    second = Source(settings, second_listener)
    second.subscribe()

    def is_shared() -> bool:
        first.read(10, 0.05)
        second.read(10, 0.05)
        return any(numbers for kind, numbers in second_listener.heard if kind == "assigned")

    wait_until(is_shared, "sharing the partitions")
    kind, gone = next(entry for entry in first_listener.heard if entry[0] == "revoked")
    assert gone == ((0, 1) if protocol == "classic" else second_listener.heard[0][1])
    assert kind == "revoked"
    before = len(first_listener.heard)
    second.close()

    def is_back() -> bool:
        first.read(10, 0.05)
        return any(numbers for kind, numbers in first_listener.heard[before:] if kind == "assigned")

    wait_until(is_back, "the partition's return")
    first.close()


def test_committed_offsets_and_ends_are_told(
    settings: Settings, broker: KafkaBroker, open_source: Callable[[Settings, Listener], Source]
) -> None:
    listener = Listener()
    source = open_source(settings, listener)
    topic = settings.kafka.input_topic
    join(source, listener)
    assert source.committed([TopicPartition(topic, 0)]) == {(topic, 0): None}
    source.consumer.commit(offsets=[TopicPartition(topic, 0, 12)], asynchronous=False)
    assert source.committed([TopicPartition(topic, 0)]) == {(topic, 0): 12}
    assert source.watermarks(topic, 0) == (0, COUNT)
    broker.delete_records(topic, {0: 5})
    assert source.watermarks(topic, 0) == (5, COUNT)
    assert source.position(topic, 0) is None, "nothing was read"
    source.resume(topic, 0)


def test_a_position_that_was_trimmed_is_said_aloud(
    settings: Settings, broker: KafkaBroker, open_source: Callable[[Settings, Listener], Source]
) -> None:
    listener = Listener()
    source = open_source(settings, listener)
    join(source, listener)
    topic = settings.kafka.input_topic
    broker.delete_records(topic, {0: 30})
    source.resume(topic, 0)
    trimmed: list[OffsetsTrimmed] = []

    def is_raised() -> bool:
        try:
            assert source.read(10, 0.1) == [], "events after the gap must not come as if nothing were missing"
        except OffsetsTrimmed as raised:
            trimmed.append(raised)
        return bool(trimmed)

    wait_until(is_raised, "noticing the trimmed log")
    assert (trimmed[0].topic, trimmed[0].partition) == (topic, 0)
    assert f"{topic}[0]" in str(trimmed[0])
    source.reposition([TopicPartition(topic, 0, 30)])
    source.resume(topic, 0)
    assert read_until(source, 10) == list(range(30, COUNT))


def test_the_classic_protocol_repositions_all_or_none(broker: KafkaBroker) -> None:
    settings = kafka_settings(broker.bootstrap, unique("all-or-none"))
    fill(broker, settings, partitions=2)
    listener = Listener()
    source = Source(settings, listener)
    source.subscribe()
    join(source, listener)
    with pytest.raises(AssertionError, match="all partitions or none"):
        source.reposition([TopicPartition(settings.kafka.input_topic, 0, 0)])
    source.close()


def test_a_client_error_is_described_for_a_person() -> None:
    text = describe(KafkaException(KafkaError(KafkaError._TIMED_OUT, "no answer")))
    assert text == "no answer (_TIMED_OUT)"
