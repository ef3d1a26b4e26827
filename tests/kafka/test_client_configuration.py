"""What the client is told: exactly-once cannot be configured away, and both group protocols are accepted."""

from __future__ import annotations

from typing import Any

import pytest
from confluent_kafka import Consumer, Producer

from stream_rcf.errors import UsageError
from stream_rcf.kafka.client_configuration import (
    client_configuration,
    consumer_configuration,
    max_poll_seconds,
    producer_configuration,
)
from stream_rcf.settings.kafka_properties import REFUSED
from stream_rcf.settings.model import Settings, load_settings

NOWHERE = "127.0.0.1:1"


def settings_with(properties: dict[str, str] | None = None, **kafka: object) -> Settings:
    values = {"bootstrap_servers": NOWHERE, "properties": properties or {}, **kafka}
    return Settings(kafka=values)  # type: ignore[arg-type] # -- pydantic takes a mapping


def ignore(*_arguments: object) -> None:
    """A callback."""


def producer_of(settings: Settings, transactional_id: str | None = "id") -> dict[str, Any]:
    return producer_configuration(settings, transactional_id, ignore, ignore)


def test_the_consumer_commits_nothing_and_reads_what_is_committed() -> None:
    configuration = consumer_configuration(settings_with(group_id="g"), ignore)
    assert configuration["group.id"] == "g"
    assert configuration["bootstrap.servers"] == NOWHERE
    assert configuration["enable.auto.commit"] is False
    assert configuration["enable.auto.offset.store"] is False
    assert configuration["isolation.level"] == "read_committed"
    assert configuration["auto.offset.reset"] == "error"
    assert configuration["error_cb"] is ignore


def test_what_the_clients_hold_is_bounded_in_bytes() -> None:
    """A prefetch, one answer of the broker beyond it, and the outputs on their way: 88 MB, whatever the events."""
    consumer, producer = consumer_configuration(settings_with(), ignore), producer_of(settings_with())
    kilobytes = consumer["queued.max.messages.kbytes"] + producer["queue.buffering.max.kbytes"]
    assert kilobytes * 1024 + consumer["fetch.max.bytes"] == 88 * 2**20
    assert consumer["max.partition.fetch.bytes"] <= consumer["fetch.max.bytes"] / 8, "others have their share"


def test_commits_that_nobody_waits_for_are_heard_of() -> None:
    assert "on_commit" not in consumer_configuration(settings_with(), ignore)
    assert consumer_configuration(settings_with(), ignore, ignore)["on_commit"] is ignore


def test_the_classic_protocol_is_told_its_times_and_its_assignor() -> None:
    configuration = consumer_configuration(settings_with(), ignore)
    assert configuration["group.protocol"] == "classic"
    assert configuration["partition.assignment.strategy"] == "range"
    assert configuration["heartbeat.interval.ms"] < configuration["session.timeout.ms"] / 3


def test_the_new_protocol_is_told_neither() -> None:
    """With them the client would refuse to start."""
    configuration = consumer_configuration(settings_with(group_protocol="consumer"), ignore)
    assert configuration["group.protocol"] == "consumer"
    for name in ("partition.assignment.strategy", "heartbeat.interval.ms", "session.timeout.ms"):
        assert name not in configuration


@pytest.mark.parametrize("protocol", ["classic", "consumer"])
def test_the_client_accepts_the_consumer(protocol: str) -> None:
    consumer = Consumer(consumer_configuration(settings_with(group_protocol=protocol), ignore))
    consumer.close()


@pytest.mark.parametrize("transactional_id", ["id", None])
def test_the_client_accepts_the_producer(transactional_id: str | None) -> None:
    producer = Producer(producer_of(settings_with(), transactional_id))
    assert producer.flush(0) == 0


def test_the_producer_is_idempotent_always_and_transactional_with_an_id() -> None:
    configuration = producer_of(settings_with(), "mine")
    assert configuration["enable.idempotence"] is True
    assert configuration["transactional.id"] == "mine"
    assert configuration["transaction.timeout.ms"] == 15_000
    plain = producer_of(settings_with(), None)
    assert plain["enable.idempotence"] is True
    assert "transactional.id" not in plain
    assert "transaction.timeout.ms" not in plain


def test_keys_land_where_other_producers_expect_them() -> None:
    assert producer_of(settings_with())["partitioner"] == "murmur2_random"
    chosen = producer_of(settings_with({"partitioner": "consistent"}))
    assert chosen["partitioner"] == "consistent", "an orderly one may be chosen"


def test_a_delivery_report_comes_for_failures_only() -> None:
    assert producer_of(settings_with())["delivery.report.only.error"] is True


def test_what_may_be_tuned_is_tuned() -> None:
    settings = settings_with(
        {
            "linger.ms": "50",
            "compression.type": "zstd",
            "transaction.timeout.ms": "30000",
            "session.timeout.ms": "9000",
            "queued.max.messages.kbytes": "1024",
        }
    )
    producer, consumer = producer_of(settings), consumer_configuration(settings, ignore)
    assert (producer["linger.ms"], producer["compression.type"]) == ("50", "zstd")
    assert producer["transaction.timeout.ms"] == "30000"
    assert (consumer["session.timeout.ms"], consumer["queued.max.messages.kbytes"]) == ("9000", "1024")


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_what_delivery_rests_on_is_refused_by_name(name: str) -> None:
    with pytest.raises(UsageError, match=name.replace(".", r"\.")):
        load_settings(None, {"kafka.properties": f'{{"{name}": "1"}}'})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("enable.auto.commit", "true"),
        ("enable.auto.offset.store", "true"),
        ("isolation.level", "read_uncommitted"),
        ("auto.offset.reset", "latest"),
        ("enable.partition.eof", "true"),
        ("enable.idempotence", "false"),
        ("delivery.report.only.error", "false"),
        ("bootstrap.servers", "elsewhere:9092"),
        ("group.id", "other"),
        ("transactional.id", "other"),
    ],
)
def test_and_would_not_win_if_it_got_through(name: str, value: str) -> None:
    """The settings refuse these; should that list ever lose one, the configuration still holds."""
    kafka = settings_with().kafka.model_copy(update={"properties": {name: value}})
    settings = settings_with().model_copy(update={"kafka": kafka})
    consumer, producer = consumer_configuration(settings, ignore), producer_of(settings)
    decided = {
        "enable.auto.commit": consumer,
        "enable.auto.offset.store": consumer,
        "isolation.level": consumer,
        "auto.offset.reset": consumer,
        "enable.partition.eof": consumer,
        "group.id": consumer,
        "bootstrap.servers": consumer,
        "enable.idempotence": producer,
        "delivery.report.only.error": producer,
        "transactional.id": producer,
    }
    assert decided[name][name] != value


def test_each_client_gets_the_options_of_its_kind() -> None:
    """The client would warn about the others at every start."""
    settings = settings_with(
        {
            "security.protocol": "PLAINTEXT",
            "linger.ms": "50",
            "transaction.timeout.ms": "30000",
            "session.timeout.ms": "9000",
            "max.poll.interval.ms": "60000",
        }
    )
    assert (max_poll_seconds(settings), max_poll_seconds(settings_with({}))) == (60.0, 300.0)
    shared = client_configuration(settings)
    consumer, producer = consumer_configuration(settings, ignore), producer_of(settings)
    for configuration in (shared, consumer, producer):
        assert configuration["security.protocol"] == "PLAINTEXT"
        assert configuration["bootstrap.servers"] == NOWHERE
    assert {name for name in settings.kafka.properties if name not in shared} == {
        "linger.ms",
        "transaction.timeout.ms",
        "session.timeout.ms",
        "max.poll.interval.ms",
    }
    assert not {"linger.ms", "transaction.timeout.ms"} & consumer.keys()
    assert not {"session.timeout.ms", "max.poll.interval.ms"} & producer.keys()


def test_a_static_member_is_named_and_has_time_to_restart() -> None:
    assert "group.instance.id" not in consumer_configuration(settings_with(), ignore)
    dynamic = consumer_configuration(settings_with(), ignore)
    static = consumer_configuration(settings_with(group_instance_id="host-1"), ignore)
    assert static["group.instance.id"] == "host-1"
    assert static["session.timeout.ms"] > dynamic["session.timeout.ms"]
    chosen = settings_with({"session.timeout.ms": "7000"}, group_instance_id="host-1")
    assert consumer_configuration(chosen, ignore)["session.timeout.ms"] == "7000"
    newer = consumer_configuration(settings_with(group_instance_id="a", group_protocol="consumer"), ignore)
    assert newer["group.instance.id"] == "a"
    assert "session.timeout.ms" not in newer
