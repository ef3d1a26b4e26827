"""Producers by the client's own serialisers and a real registry: what they write is what the readers read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from confluent_kafka.schema_registry import SchemaReference
from confluent_kafka.schema_registry.avro import AvroSerializer
from confluent_kafka.schema_registry.json_schema import JSONSerializer
from confluent_kafka.schema_registry.protobuf import ProtobufSerializer
from confluent_kafka.serialization import MessageField, SerializationContext

from stream_rcf.kafka.schema_registry_reader import payload_reader
from stream_rcf.pipeline.event_errors import EventError
from stream_rcf.pipeline.payload import PayloadReader
from stream_rcf.settings.model import Settings
from tests.kafka.protobuf_messages import Producer
from tests.kafka.schema_support import fields, misfit
from tests.kafka.support import unique
from tests.support.apicurio.registry import ApicurioRegistry


def reader(registry: ApicurioRegistry, name: str) -> PayloadReader:
    return payload_reader(Settings(events={"format": name}, schema_registry={"url": registry.url}))  # type: ignore[arg-type] # -- pydantic takes mappings


def context(word: str) -> SerializationContext:
    return SerializationContext(unique(word), MessageField.VALUE)


def avro_value(registry: ApicurioRegistry, schema: Any, document: Any, word: str = "avro") -> bytes:
    with registry.client() as client:
        value = AvroSerializer(client, json.dumps(schema))(document, context(word))
    assert value is not None
    return value


def record(*schema_fields: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "record", "name": "Event", "fields": list(schema_fields)}


KEY = {"name": "key", "type": "string"}
CPU = {"name": "cpu", "type": "double"}


def test_avro_comes_back_as_it_was_written(registry: ApicurioRegistry) -> None:
    document = {"key": "web", "cpu": 0.5}
    assert reader(registry, "avro").read(avro_value(registry, record(KEY, CPU), document)) == document


def test_versions_of_a_schema_may_be_mixed(registry: ApicurioRegistry) -> None:
    """A field added, one removed, one renamed with an alias: each event by the schema it was written with."""
    first = record(KEY, CPU, {"name": "note", "type": ["null", "string"], "default": None})
    added = record(KEY, CPU, {"name": "zone", "type": "string", "default": "x"})
    renamed = record(KEY, {"name": "load", "type": "double", "aliases": ["cpu"]})
    values = [
        avro_value(registry, first, {"key": "a", "cpu": 1.0, "note": "n"}),
        avro_value(registry, added, {"key": "b", "cpu": 2.0, "zone": "z"}),
        avro_value(registry, renamed, {"key": "c", "load": 3.0}),
    ]
    assert len({value[:5] for value in values}) == 3
    read = reader(registry, "avro").read
    for _ in range(2):
        assert [fields(read(value))["cpu"] for value in values] == [1.0, 2.0, 3.0]
    assert fields(read(values[0]))["note"] == "n"
    assert fields(read(values[1]))["zone"] == "z"


def test_avro_schemas_may_refer_to_one_another(registry: ApicurioRegistry) -> None:
    subject = unique("host")
    host = {
        "type": "record",
        "name": "Host",
        "namespace": "shop",
        "fields": [{"name": "name", "type": "string"}],
    }
    registry.register(subject, json.dumps(host), "AVRO")
    event = record({"name": "host", "type": "shop.Host"}, CPU)
    number = registry.register(
        unique("event"), json.dumps(event), "AVRO", [SchemaReference("shop.Host", subject, 1)]
    )
    value = b"\0" + number.to_bytes(4) + b"\x06web" + bytes(8)
    assert reader(registry, "avro").read(value) == {"host": {"name": "web"}, "cpu": 0.0}


HOST_PROTO = 'syntax = "proto3"; package shop; message Host { string name = 1; }'
EVENT_PROTO = """
syntax = "proto3";
package shop;
import "host.proto";
import "google/protobuf/timestamp.proto";
message Other { int32 x = 1; }
message Event { Host host = 1; double cpu = 2; google.protobuf.Timestamp at = 3; }
"""


def test_protobuf_comes_back_as_it_was_written(registry: ApicurioRegistry) -> None:
    producer = Producer(EVENT_PROTO, **{"host.proto": HOST_PROTO})
    message = producer.message("shop.Event")(cpu=0.5, host={"name": "web"})
    with registry.client() as client:
        value = ProtobufSerializer(type(message), client)(message, context("protobuf"))
    assert value is not None
    found = fields(reader(registry, "protobuf").read(value))
    assert (found["cpu"], found["host"]["name"], found["at"]) == (0.5, "web", None)


def test_protobuf_registered_as_text_is_read_too(registry: ApicurioRegistry) -> None:
    subject = unique("host-proto")
    registry.register(subject, HOST_PROTO, "PROTOBUF")
    number = registry.register(
        unique("event-proto"), EVENT_PROTO, "PROTOBUF", [SchemaReference("host.proto", subject, 1)]
    )
    message = Producer(EVENT_PROTO, **{"host.proto": HOST_PROTO}).message("shop.Event")(cpu=0.5)
    value = b"\0" + number.to_bytes(4) + b"\x02\x02" + message.SerializeToString()
    assert fields(reader(registry, "protobuf").read(value))["cpu"] == 0.5


EVENT_JSON = {
    "$schema": "http://json-schema.org/draft-07/schema#",
    "title": "Event",
    "type": "object",
    "properties": {"key": {"type": "string"}, "cpu": {"type": "number", "minimum": 0}},
    "required": ["cpu"],
}


def test_json_schema_comes_back_as_it_was_written(registry: ApicurioRegistry) -> None:
    document = {"key": "web", "cpu": 0.5}
    with registry.client() as client:
        value = JSONSerializer(json.dumps(EVENT_JSON), client)(document, context("json"))
    assert value is not None
    read = reader(registry, "json_schema").read
    assert read(value) == document
    assert "minimum" in misfit(read(value[:5] + b'{"cpu":-1}'))


def test_json_schemas_may_refer_to_one_another(registry: ApicurioRegistry) -> None:
    subject = unique("positive")
    draft = {"$schema": "http://json-schema.org/draft-07/schema#"}  # by which this registry knows the kind
    registry.register(subject, json.dumps({**draft, "type": "number", "exclusiveMinimum": 0}), "JSON")
    number = registry.register(
        unique("event-json"),
        json.dumps({**draft, "type": "object", "properties": {"cpu": {"$ref": "positive.json"}}}),
        "JSON",
        [SchemaReference("positive.json", subject, 1)],
    )
    read = reader(registry, "json_schema").read
    header = b"\0" + number.to_bytes(4)
    assert read(header + b'{"cpu":1}') == {"cpu": 1}
    assert misfit(read(header + b'{"cpu":0}'))


@pytest.mark.parametrize("name", ["avro", "protobuf", "json_schema"])
def test_an_id_that_nobody_registered_is_unknown(name: str, registry: ApicurioRegistry) -> None:
    for number in (10**9, 2**32 - 1):
        value = b"\0" + number.to_bytes(4) + b"\0\0"
        assert str(number) in misfit(reader(registry, name).read(value), EventError.UNKNOWN_SCHEMA)


def test_a_schema_of_another_format_is_refused(registry: ApicurioRegistry) -> None:
    value = avro_value(registry, record(KEY, CPU), {"key": "a", "cpu": 1.0})
    for name in ("protobuf", "json_schema"):
        assert "'AVRO'" in misfit(reader(registry, name).read(value), EventError.INVALID_SCHEMA)
