"""The newest events of a topic: the right ones, from outside any group, and a sentence where there are none."""

from __future__ import annotations

import pytest
from confluent_kafka import Producer

from stream_rcf.errors import StreamRcfError, UnreachableError, UsageError
from stream_rcf.kafka import newest, outside_reader
from stream_rcf.kafka.newest import newest_events, share_out
from stream_rcf.kafka.rights import AccessDenied
from stream_rcf.settings.model import Settings
from tests.kafka.support import kafka_settings, unique
from tests.support.broker import KafkaBroker
from tests.support.secured_broker import PASSWORD, USER, Grant, SecuredBroker

NOWHERE = "127.0.0.1:1"
TIME = 1_767_225_600_000


def produced(broker: KafkaBroker, counts: dict[int, int]) -> str:
    """Make a topic with so many events in each partition, those of all partitions at the same times."""
    topic = unique("newest")
    broker.create_topic(topic, len(counts))
    broker.produce(
        topic,
        (
            (f"k{partition}", b"%d" % number, partition, TIME + number)
            for partition, count in counts.items()
            for number in range(count)
        ),
    )
    return topic


def values(found: newest.Newest, key: bytes) -> list[int]:
    return [int(event.value or b"") for event in found.events if event.key == key]


def test_events_are_shared_out_evenly_and_what_one_lacks_others_give() -> None:
    assert share_out({0: 100, 1: 100, 2: 100}, 30) == {0: 10, 1: 10, 2: 10}
    assert share_out({0: 2, 1: 0, 2: 100}, 30) == {0: 2, 1: 0, 2: 28}
    assert share_out({0: 1, 1: 2}, 30) == {0: 1, 1: 2}
    assert sum(share_out({0: 9, 1: 9, 2: 9}, 10).values()) == 10
    assert share_out({}, 10) == {}


def test_the_newest_are_read_in_order_and_merged_by_time(broker: KafkaBroker) -> None:
    topic = produced(broker, {0: 500, 1: 20, 2: 0})
    found = newest_events(kafka_settings(broker.bootstrap, "w"), topic, 100)
    assert (found.partitions, found.stored, len(found.events)) == (3, 520, 100)
    assert values(found, b"k0") == list(range(420, 500))
    assert values(found, b"k1") == list(range(20))
    assert [event.timestamp for event in found.events[:2]] == [TIME, TIME + 1]
    times = [event.timestamp for event in found.events]
    assert times == sorted(times)


def test_no_group_is_joined_and_nothing_committed(broker: KafkaBroker) -> None:
    topic = produced(broker, {0: 10})
    settings = kafka_settings(broker.bootstrap, unique("outside"))
    newest_events(settings, topic, 10)
    admin = broker.admin()  # held by name: without its client a future never ends
    groups = {group.group_id for group in admin.list_consumer_groups().result(30).valid}
    assert {settings.kafka.group_id, outside_reader.NOT_JOINED}.isdisjoint(groups)
    assert broker.committed_offsets(settings.kafka.group_id, topic) == {}


def test_aborted_events_and_markers_are_passed(broker: KafkaBroker) -> None:
    topic = unique("aborted")
    broker.create_topic(topic)
    producer = Producer({"bootstrap.servers": broker.bootstrap, "transactional.id": topic, "log_level": 0})
    producer.init_transactions(30)
    for number, end in enumerate((producer.commit_transaction, producer.abort_transaction)):
        producer.begin_transaction()
        producer.produce(topic, b"%d" % number)
        producer.flush(30)
        end(30)
    found = newest_events(kafka_settings(broker.bootstrap, "w"), topic, 100)
    assert [event.value for event in found.events] == [b"0"]
    assert found.events[0].key is None


def test_an_empty_topic_and_trimmed_events_are_no_trouble(broker: KafkaBroker) -> None:
    topic = produced(broker, {0: 50, 1: 0})
    broker.delete_records(topic, {0: 40})
    found = newest_events(kafka_settings(broker.bootstrap, "w"), topic, 100)
    assert (values(found, b"k0"), found.stored) == (list(range(40, 50)), 10)
    empty = unique("empty")
    broker.create_topic(empty)
    assert newest_events(kafka_settings(broker.bootstrap, "w"), empty, 100).events == []


def test_what_cannot_be_held_is_refused(broker: KafkaBroker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(newest, "MOST_BYTES", 100)
    topic = produced(broker, {0: 200})
    with pytest.raises(StreamRcfError, match="ask for fewer by --events"):
        newest_events(kafka_settings(broker.bootstrap, "w"), topic, 200)


def test_a_missing_topic_is_named(broker: KafkaBroker) -> None:
    with pytest.raises(UsageError, match=r"none-such: there is no such topic on 127\.0\.0\.1"):
        newest_events(kafka_settings(broker.bootstrap, "w"), "none-such", 10)


def test_no_broker_is_unreachable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outside_reader, "CONTACT_SECONDS", 1.0)
    with pytest.raises(UnreachableError, match="no Kafka broker answers") as error:
        newest_events(kafka_settings(NOWHERE, "w"), "events", 10)
    assert error.value.exit_code == 3


def test_an_open_transaction_hides_what_follows_and_does_not_hang(broker: KafkaBroker) -> None:
    topic = produced(broker, {0: 10})
    producer = Producer({"bootstrap.servers": broker.bootstrap, "transactional.id": topic, "log_level": 0})
    producer.init_transactions(30)
    producer.begin_transaction()
    producer.produce(topic, b"99", b"k0")
    producer.flush(30)
    found = newest_events(kafka_settings(broker.bootstrap, "w"), topic, 10)
    assert values(found, b"k0") == list(range(10))
    producer.abort_transaction(30)


def test_reading_is_bounded_in_time(broker: KafkaBroker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(newest, "READ_SECONDS", -1.0)
    topic = produced(broker, {0: 10})
    with pytest.raises(UnreachableError, match="could not be read to its end"):
        newest_events(kafka_settings(broker.bootstrap, "w"), topic, 10)


def test_a_right_that_is_missing_is_named(secured_broker: SecuredBroker) -> None:
    topic = produced(secured_broker, {0: 10})
    security = {
        "protocol": "sasl_ssl",
        "ca_file": str(secured_broker.authority.ca_file),
        "sasl_mechanism": "scram-sha-512",
        "username": USER,
        "password": PASSWORD,
    }
    kafka = {"bootstrap_servers": secured_broker.scram}
    settings = Settings(kafka=kafka, security=security)  # type: ignore[arg-type] # -- pydantic takes a mapping
    with pytest.raises(UsageError, match="or we must not see it"):
        newest_events(settings, topic, 10)
    secured_broker.grant(Grant("topic", topic, "DESCRIBE"))
    with pytest.raises(AccessDenied, match=f"READ on topic {topic} is missing"):
        newest_events(settings, topic, 10)
    secured_broker.grant(Grant("topic", topic, "READ"))
    assert len(newest_events(settings, topic, 10).events) == 10, "READ on the topic is all that it takes"
