from __future__ import annotations

import logging

import pytest

from stream_rcf.errors import StreamRcfError, UnreachableError
from stream_rcf.kafka.dead_letters import CLIENT_MESSAGE_BYTES, message_limits
from stream_rcf.kafka.embedded_broker import PARTITIONS, EmbeddedBroker
from stream_rcf.kafka.simple_clients import EventProducer, TopicReader
from stream_rcf.kafka.topics import existing_topics, require_topics
from tests.kafka.support import kafka_settings

TOPICS = ("word-events", "word-scores", "word-alerts", "word-dead")


def test_it_listens_on_this_machine_only_and_has_the_topics() -> None:
    with EmbeddedBroker(TOPICS) as broker:
        settings = kafka_settings(broker.bootstrap, "word")

        assert broker.bootstrap.startswith("127.0.0.1:")
        assert existing_topics(settings) == dict.fromkeys(TOPICS, PARTITIONS)
        require_topics(settings)


def test_what_is_written_is_read_back_by_another_client() -> None:
    with EmbeddedBroker(["events"]) as broker:
        producer = EventProducer(broker.bootstrap)
        for i in range(100):
            producer.produce("events", f"key-{i % 7}".encode(), str(i).encode())
        producer.flush(10.0)
        reader = TopicReader(broker.bootstrap, ["events"])
        records = list(reader.wait_for_ends(10.0))

        assert producer.produced == 100
        assert reader.stored("events", PARTITIONS) == 100
        assert sorted(int(record.value) for record in records) == list(range(100))
        by_key: dict[bytes | None, list[int]] = {}
        for record in records:
            by_key.setdefault(record.key, []).append(int(record.value))
        assert all(values == sorted(values) for values in by_key.values())
        assert reader.read(10, 0.0) == []
        reader.close()


def test_it_ends_with_its_process_s_wish() -> None:
    broker = EmbeddedBroker(["events"])
    settings = kafka_settings(broker.bootstrap, "word")
    broker.close()

    with pytest.raises(UnreachableError, match="no Kafka broker answers"):
        existing_topics(settings)


def test_a_producer_without_a_broker_says_so() -> None:
    producer = EventProducer("127.0.0.1:9")  # nothing listens there
    producer.produce("events", b"key", b"value")

    with pytest.raises(StreamRcfError, match=r"1 events were not stored within 0\.1 s"):
        producer.flush(0.1)


def test_a_service_does_not_wait_for_size_limits_that_nobody_tells(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with EmbeddedBroker(TOPICS) as broker, caplog.at_level(logging.INFO):
        limits = message_limits(kafka_settings(broker.bootstrap, "word"))

    assert limits == dict.fromkeys(TOPICS[1:], CLIENT_MESSAGE_BYTES)
    assert "no controller tells the size limits" in caplog.text, "asking it would take ten seconds"
