"""The broker of the tests does what the tests rely on."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from confluent_kafka import Producer

from tests.support.broker import EXTERNAL_BROKER_VARIABLE, KafkaBroker
from tests.support.broker_client import ReadTimeoutError

EVENTS = [(f"key-{i}", f'{{"value":{i}}}'.encode(), i % 3, 1_767_225_600_000 + i) for i in range(3_000)]


def transactional_producer(broker: KafkaBroker, name: str) -> Producer:
    producer = Producer({"bootstrap.servers": broker.bootstrap, "transactional.id": name})
    producer.init_transactions(30.0)
    producer.begin_transaction()
    return producer


def test_records_come_back_in_order_with_key_value_and_timestamp(broker: KafkaBroker) -> None:
    broker.create_topic("broker-round-trip", partitions=3)
    broker.produce("broker-round-trip", EVENTS)

    records = broker.read_all("broker-round-trip")

    assert broker.end_offsets("broker-round-trip") == {0: 1_000, 1: 1_000, 2: 1_000}
    assert [(record.partition, record.offset) for record in records] == [
        (partition, offset) for partition in range(3) for offset in range(1_000)
    ]
    for record in records:
        key, value, partition, timestamp = EVENTS[3 * record.offset + record.partition]
        assert record[3:] == (key.encode(), value, timestamp, ())
        assert record.partition == partition


def test_an_empty_topic_reads_as_nothing(broker: KafkaBroker) -> None:
    broker.create_topic("broker-empty", partitions=2)

    assert broker.read_all("broker-empty") == []


def test_an_aborted_transaction_is_seen_by_read_uncommitted_alone(broker: KafkaBroker) -> None:
    broker.create_topic("broker-aborted")
    producer = transactional_producer(broker, "broker-aborted")
    producer.produce("broker-aborted", value=b"aborted")
    producer.flush(30.0)
    producer.abort_transaction(30.0)
    producer.begin_transaction()
    producer.produce("broker-aborted", value=b"kept", headers=[("error", b"none")])
    producer.commit_transaction(30.0)

    committed = broker.read_all("broker-aborted")

    assert [(record.value, record.headers) for record in committed] == [(b"kept", (("error", b"none"),))]
    everything = broker.read_all("broker-aborted", read_committed=False)
    assert [record.value for record in everything] == [b"aborted", b"kept"]


def test_an_open_transaction_is_not_taken_for_the_end(broker: KafkaBroker) -> None:
    broker.create_topic("broker-open")
    producer = transactional_producer(broker, "broker-open")
    producer.produce("broker-open", value=b"pending")
    producer.flush(30.0)

    with pytest.raises(ReadTimeoutError, match="open transaction"):
        broker.read_all("broker-open", timeout_seconds=1.0)

    producer.abort_transaction(30.0)
    assert broker.read_all("broker-open") == []


def test_trimmed_records_are_gone(broker: KafkaBroker) -> None:
    broker.create_topic("broker-trimmed")
    broker.produce("broker-trimmed", [(None, b"%d" % i, 0, 0) for i in range(10)])

    broker.delete_records("broker-trimmed", {0: 7})

    assert [record.offset for record in broker.read_all("broker-trimmed")] == [7, 8, 9]


def test_a_broker_of_ones_own_keeps_its_data_through_kill_and_restart(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv(EXTERNAL_BROKER_VARIABLE, raising=False)
    with KafkaBroker({"num.network.threads": "2"}) as broker:
        broker.create_topic("kept", partitions=2)
        broker.produce("kept", [("a", b"1", 0, 5), ("b", b"2", 1, 6)])
        before = broker.read_all("kept")
        first_pid, data_directory = broker.pid, broker.data_directory

        broker.kill()
        assert not Path(f"/proc/{first_pid}").exists()
        assert not broker.is_answering(0.5)
        broker.restart()
        assert broker.pid != first_pid
        assert [record.value for record in before] == [b"1", b"2"]
        assert broker.read_all("kept") == before

        broker.suspend()
        assert not broker.is_answering(0.5)
        broker.resume()
        assert broker.is_answering(30.0)
        broker.suspend()  # and a suspended broker is ended like any other

    with pytest.raises(ProcessLookupError):
        os.kill(first_pid, 0)
    assert not data_directory.exists()


def test_an_external_broker_is_used_and_left_alone(
    broker: KafkaBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(EXTERNAL_BROKER_VARIABLE, broker.bootstrap)
    with KafkaBroker() as external:
        assert external.bootstrap == broker.bootstrap
        with pytest.raises(RuntimeError, match=f"{EXTERNAL_BROKER_VARIABLE}.*can't be restarted"):
            external.restart()
        with pytest.raises(RuntimeError, match="can't be killed"):
            external.kill()

    assert broker.is_answering()


def test_an_external_broker_that_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(EXTERNAL_BROKER_VARIABLE, "127.0.0.1:1")

    with pytest.raises(RuntimeError, match=f"{EXTERNAL_BROKER_VARIABLE}=127.0.0.1:1: no broker answers"):
        KafkaBroker().start()
