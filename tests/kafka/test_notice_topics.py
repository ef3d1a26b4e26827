"""The two topics of one partition each, as every process reads them: whole, and committed messages only."""

from __future__ import annotations

import time

import pytest
from confluent_kafka import Consumer, Producer

from stream_rcf.kafka import notice_topics
from stream_rcf.kafka.notice_topics import NoticesUnreadableError, NoticeTopics
from tests.kafka.support import PATIENCE_SECONDS, kafka_settings, unique
from tests.support.broker import KafkaBroker


class Stage:
    """Both topics, and a reader of them."""

    def __init__(self, broker: KafkaBroker, **kafka: object) -> None:
        word = unique("notices")
        self.broker = broker
        self.names = (f"{word}-feedback", f"{word}-control")
        for name in self.names:
            broker.create_topic(name, 1, {"retention.ms": "-1"})
        named = {"feedback_topic": self.names[0], "control_topic": self.names[1], **kafka}
        self.reader = NoticeTopics(kafka_settings(broker.bootstrap, word, **named))

    def say(self, topic: int, *values: bytes) -> None:
        self.broker.produce(self.names[topic], [(None, value, 0, 0) for value in values])

    def read_to_end(self) -> list[tuple[int, int, bytes]]:
        """(topic, offset, value) of all that comes until the ends are seen."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        found: list[tuple[int, int, bytes]] = []
        while not self.reader.is_at_end:
            assert time.monotonic() < deadline, f"no end after {found}"
            for message in self.reader.read(0.05):
                found.append((self.names.index(message.topic()), message.offset(), message.value()))
        return sorted(found)


@pytest.fixture
def stage(broker: KafkaBroker):
    opened = Stage(broker)
    yield opened
    opened.reader.close()


def test_both_are_read_from_where_it_is_told_and_again(stage: Stage) -> None:
    stage.say(0, b"a", b"b", b"c")
    stage.say(1, b"x")
    assert stage.reader.begin((0, 0)) == [(0, 3), (0, 1)]
    assert not stage.reader.is_at_end
    everything = [(0, 0, b"a"), (0, 1, b"b"), (0, 2, b"c"), (1, 0, b"x")]
    assert stage.read_to_end() == everything
    stage.reader.begin((2, 1))
    assert stage.read_to_end() == [(0, 2, b"c")]
    stage.reader.begin((0, 0))
    assert stage.read_to_end() == everything


def test_what_comes_later_is_read_as_it_comes(stage: Stage) -> None:
    stage.reader.begin((0, 0))
    assert stage.read_to_end() == []
    stage.say(1, b"x")
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (found := stage.reader.read(0.05)):
        assert time.monotonic() < deadline
    assert [message.value() for message in found] == [b"x"]


def test_messages_of_an_open_transaction_are_not_seen(stage: Stage) -> None:
    producer = Producer({"bootstrap.servers": stage.broker.bootstrap, "transactional.id": unique("open")})
    producer.init_transactions(30)
    producer.begin_transaction()
    producer.produce(stage.names[0], b"perhaps", partition=0)
    producer.flush(30)
    stage.reader.begin((0, 0))
    assert stage.read_to_end() == []
    producer.abort_transaction(30)
    stage.say(0, b"said")
    stage.reader.begin((0, 0))
    assert [value for _, _, value in stage.read_to_end()] == [b"said"]


def test_where_the_topics_begin_and_end_is_told(stage: Stage) -> None:
    stage.say(0, b"a", b"b", b"c")
    stage.broker.delete_records(stage.names[0], {0: 2})
    assert stage.reader.begin((1, 7)) == [(2, 3), (0, 0)]
    assert stage.read_to_end() == [(0, 2, b"c")]


class Belated:
    """A client that was told where the topics begin before records were deleted."""

    def __init__(self, client: Consumer) -> None:
        self._client = client

    def get_watermark_offsets(self, _place: object, **_options: object) -> tuple[int, int]:
        return 0, 5

    def __getattr__(self, name: str) -> object:
        return getattr(self._client, name)


def test_a_place_that_goes_away_meanwhile_is_an_error_to_begin_again_after(stage: Stage) -> None:
    stage.say(0, *[b"%d" % number for number in range(5)])
    stage.broker.delete_records(stage.names[0], {0: 4})
    client = stage.reader._consumer
    stage.reader._consumer = Belated(client)  # type: ignore[assignment] # -- all of the client but for one answer
    stage.reader.begin((0, 0))
    with pytest.raises(NoticesUnreadableError, match=f"the place in topic {stage.names[0]} is gone"):
        stage.read_to_end()
    stage.reader._consumer = client
    assert stage.reader.begin((0, 0))[0] == (4, 5)
    assert stage.read_to_end() == [(0, 4, b"4")]


def test_a_reading_is_bounded(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notice_topics, "AT_ONCE", 2)
    monkeypatch.setattr(notice_topics, "MOST_MESSAGES", 4)
    stage.say(0, *[b"%d" % number for number in range(20)])
    stage.reader.begin((0, 0))
    sizes = []
    while not stage.reader.is_at_end:
        sizes.append(len(stage.reader.read(0.05)))
    assert sum(sizes) == 20
    assert max(sizes) <= 5


def test_one_that_is_not_named_has_no_messages(broker: KafkaBroker) -> None:
    stage = Stage(broker, feedback_topic="")
    stage.say(1, b"x")
    assert stage.reader.begin((5, 0)) == [(0, 5), (0, 1)]
    assert stage.read_to_end() == [(1, 0, b"x")]
    stage.reader.close()


def test_nobody_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notice_topics, "ANSWER_SECONDS", 0.2)
    settings = kafka_settings("127.0.0.1:1", "w", feedback_topic="f", properties={"log_level": "0"})
    reader = NoticeTopics(settings)
    with pytest.raises(NoticesUnreadableError, match="topic f cannot be read"):
        reader.begin((0, 0))
    reader.close()
