"""The service on events of each schema format: the scores of the same events as JSON, whatever the registry does."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import orjson
import pytest
from confluent_kafka.schema_registry.avro import AvroSerializer
from confluent_kafka.schema_registry.json_schema import JSONSerializer
from confluent_kafka.schema_registry.protobuf import ProtobufSerializer
from confluent_kafka.serialization import MessageField, SerializationContext

from tests.kafka.protobuf_messages import Producer
from tests.kafka.registry_stub import RegistryStub
from tests.support.apicurio.registry import ApicurioRegistry
from tests.support.broker import KafkaBroker
from tests.support.service import (
    START_OF_EVENTS,
    Service,
    Topics,
    assert_same_as_offline,
    make_events,
    offline_rows,
    wait_for_outputs,
)

EVENTS, KEYS, PARTITIONS = 4000, 40, 4
OUTAGE_SECONDS = 12.0  # longer than a member may go without a call on its group
PATIENCE_SECONDS = 180.0  # for a start, on two cores that do other things too
STRICT_GROUP = '{"session.timeout.ms": "10000", "max.poll.interval.ms": "10000"}'
Encode = Callable[[dict[str, object]], bytes]
EventList = list[tuple[bytes, bytes, int, int]]

AVRO = {
    "type": "record",
    "name": "Event",
    "fields": [
        {"name": "key", "type": "string"},
        {"name": "timestamp", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "value", "type": "double"},
    ],
}
AVRO_WITH_ZONE = {**AVRO, "fields": [*AVRO["fields"], {"name": "zone", "type": "string", "default": "x"}]}  # type: ignore[misc] # -- a list
PROTO = """
syntax = "proto3";
import "google/protobuf/timestamp.proto";
message Event { string key = 1; google.protobuf.Timestamp timestamp = 2; double value = 3; }
"""
JSON = {
    "$schema": "http://json-schema.org/draft-07/schema#",
    "title": "Event",
    "type": "object",
    "properties": {
        "key": {"type": "string", "pattern": "^host-[0-9]+$"},
        "timestamp": {"type": "integer"},
        "value": {"type": "number"},
    },
    "required": ["key", "timestamp", "value"],
}


@pytest.fixture(scope="module")
def events() -> EventList:
    return make_events(EVENTS, KEYS, PARTITIONS, seed=20261127)


@pytest.fixture(scope="module")
def rows(events: EventList, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, str]]:
    return offline_rows([value for _, value, _, _ in events], tmp_path_factory.mktemp("offline"))


@pytest.fixture
def own_registry() -> Iterator[ApicurioRegistry]:
    """A registry that the test may harm."""
    with ApicurioRegistry() as running:
        yield running


def encoder(registry: ApicurioRegistry, name: str, topic: str, zone: str = "") -> Encode:
    """What a producer of the format does with an event; ``zone`` makes it one of a later version."""
    client = registry.client()
    context = SerializationContext(topic, MessageField.VALUE)
    if name == "avro":
        serialize = AvroSerializer(client, json.dumps(AVRO_WITH_ZONE if zone else AVRO))
        return lambda document: _made(serialize({**document, "zone": zone} if zone else document, context))
    if name == "json_schema":
        serialize_json = JSONSerializer(json.dumps(JSON), client)
        return lambda document: _made(serialize_json(document, context))
    message = Producer(PROTO).message("Event")
    serialize_protobuf = ProtobufSerializer(message, client)

    def encode(document: dict[str, object]) -> bytes:
        moment = document["timestamp"]
        assert isinstance(moment, int)
        timestamp = {"seconds": moment // 1000, "nanos": moment % 1000 * 1_000_000}
        return _made(serialize_protobuf(message(**{**document, "timestamp": timestamp}), context))

    return encode


def _made(value: bytes | None) -> bytes:
    assert value is not None
    return value


def encoded(events: EventList, encode: Encode) -> EventList:
    return [(key, encode(orjson.loads(value)), partition, at) for key, value, partition, at in events]


def environment(topics: Topics, registry_url: str, name: str, folder: Path, **more: object) -> dict[str, str]:
    return topics.environment(
        folder / "checkpoints", events__format=name, schema_registry__url=registry_url, **more
    )


@pytest.mark.parametrize("name", ["avro", "protobuf", "json_schema"])
def test_scores_are_those_of_the_same_events_as_json(
    name: str,
    broker: KafkaBroker,
    registry: ApicurioRegistry,
    events: EventList,
    rows: list[dict[str, str]],
    tmp_path: Path,
) -> None:
    topics = Topics(broker, f"schema-{name.replace('_', '-')}")
    broker.produce(topics.events, encoded(events, encoder(registry, name, topics.events)))
    with Service(environment(topics, registry.url, name, tmp_path), tmp_path / "log") as service:
        wait_for_outputs(topics, EVENTS, [service])
        assert service.stop() == 0
    assert_same_as_offline(topics, [value for _, value, _, _ in events], rows)


@pytest.mark.parametrize("failure", ["killed", "hanging"])
def test_a_registry_that_is_gone_for_a_while_changes_nothing(
    failure: str,
    broker: KafkaBroker,
    own_registry: ApicurioRegistry,
    events: EventList,
    rows: list[dict[str, str]],
    tmp_path: Path,
) -> None:
    """Known schemas go on, events of a new one wait, the member stays in its group, and then all is as ever."""
    topics = Topics(broker, f"schema-{failure}")
    third = EVENTS // 3
    first = encoder(own_registry, "avro", topics.events)
    second = encoder(own_registry, "avro", topics.events, zone="z")
    sent = [*encoded(events[: 2 * third], first), *encoded(events[2 * third :], second)]
    settings = environment(
        topics,
        own_registry.url,
        "avro",
        tmp_path,
        schema_registry__timeout_seconds=1,
        kafka__properties=STRICT_GROUP,
    )
    with Service(settings, tmp_path / "log") as service:
        broker.produce(topics.events, sent[:third])
        wait_for_outputs(topics, third, [service])
        if failure == "killed":
            own_registry.kill()
        else:
            own_registry.suspend()
        broker.produce(topics.events, sent[third : 2 * third])
        wait_for_outputs(topics, 2 * third, [service])
        broker.produce(topics.events, sent[2 * third :])
        service.wait_for("waiting for the schema registry", PATIENCE_SECONDS)
        time.sleep(OUTAGE_SECONDS)  # the outage itself, which nothing ends but time
        assert sum(topics.broker.count_by_partition(topics.dead_letters).values()) == 0
        if failure == "killed":
            own_registry.start()
        else:
            own_registry.resume()
        wait_for_outputs(topics, EVENTS, [service])
        assert service.stop() == 0
        said = [str(entry["message"]) for entry in service.messages()]
    assert any("the schema registry answers again" in line for line in said)
    assert any(own_registry.url in line and "no answer since 20" in line for line in said)
    assert sum("partitions assigned" in line for line in said) == 1, "the member stayed in its group"
    assert_same_as_offline(topics, [value for _, value, _, _ in events], rows)


def test_a_service_that_begins_without_its_registry_waits_and_can_be_stopped(
    broker: KafkaBroker, own_registry: ApicurioRegistry, events: EventList, tmp_path: Path
) -> None:
    topics = Topics(broker, "schema-later")
    broker.produce(topics.events, encoded(events[:300], encoder(own_registry, "avro", topics.events)))
    own_registry.kill()
    settings = environment(topics, own_registry.url, "avro", tmp_path)
    with Service(settings, tmp_path / "log-first") as service:
        service.wait_for("waiting for the schema registry", PATIENCE_SECONDS)
        assert service.stop() == 0
    with Service(settings, tmp_path / "log-second") as service:
        service.wait_for("still waiting for the schema registry", PATIENCE_SECONDS)
        own_registry.start()
        wait_for_outputs(topics, 300, [service])
        assert service.stop() == 0
    assert sum(broker.count_by_partition(topics.scores).values()) == 300


def test_each_event_that_cannot_be_read_costs_one_dead_letter(
    broker: KafkaBroker, registry: ApicurioRegistry, events: EventList, tmp_path: Path
) -> None:
    topics = Topics(broker, "schema-bad", partitions=1)
    good = [
        (key, value, 0, at)
        for key, value, _, at in encoded(events[:600], encoder(registry, "avro", topics.events))
    ]
    recursive = registry.register(
        "schema-bad-recursive",
        '{"type":"record","name":"R","fields":[{"name":"next","type":["null","R"]}]}',
        "AVRO",
    )
    other = registry.register(
        "schema-bad-other", '{"$schema":"http://json-schema.org/draft-07/schema#"}', "JSON"
    )
    whole = good[0][1]
    bad = {
        b'{"key":"host-1","value":1}': "missing_schema_id",
        b"\0\0\0": "missing_schema_id",
        b"\0" + (10**9).to_bytes(4) + b"x": "unknown_schema",
        b"\0\xff\xff\xff\xff": "unknown_schema",
        b"\0" + recursive.to_bytes(4) + b"\x02" * 100_000 + b"\0": "invalid_schema",
        b"\0" + other.to_bytes(4) + b"{}": "invalid_schema",
        whole[:-1]: "invalid_payload",
        whole + b"\0": "invalid_payload",
        whole[:5]: "invalid_payload",
        whole[:5] + b"\xfe\xff\xff\xff\x0f": "invalid_payload",
    }
    sent: list[tuple[bytes, bytes, int, int]] = []
    expected: dict[int, tuple[bytes, str]] = {}
    step = len(good) // len(bad)
    for i, (value, error) in enumerate(bad.items()):
        expected[len(sent)] = value, error
        sent += [(b"host-1", value, 0, START_OF_EVENTS), *good[i * step : (i + 1) * step]]
    broker.produce(topics.events, sent)
    with Service(environment(topics, registry.url, "avro", tmp_path), tmp_path / "log") as service:
        wait_for_outputs(topics, len(sent), [service])
        assert service.stop() == 0
    dead = {}
    for record in broker.read_all(topics.dead_letters):
        headers = {name: (value or b"").decode() for name, value in record.headers}
        assert headers["reason"].isprintable()
        dead[int(headers["source_offset"])] = record.value, headers["error"]
    assert dead == expected


def test_wrong_credentials_end_the_service_with_three(
    broker: KafkaBroker, events: EventList, tmp_path: Path
) -> None:
    topics = Topics(broker, "schema-credentials")
    broker.produce(
        topics.events, [(key, b"\0\0\0\0\x07x", partition, at) for key, _, partition, at in events[:10]]
    )
    with RegistryStub() as stub:
        stub.put("schemas/ids/7", (401, b""))
        settings = environment(
            topics,
            stub.url,
            "avro",
            tmp_path,
            schema_registry__username="me",
            schema_registry__password="hunter2",
        )
        with Service(settings, tmp_path / "log") as service:
            assert service.process.wait(PATIENCE_SECONDS) == 3
            said = service.log.read_text()
    assert "check schema_registry.username and schema_registry.password" in said
    assert "hunter2" not in said
    assert sum(broker.count_by_partition(topics.dead_letters).values()) == 0
