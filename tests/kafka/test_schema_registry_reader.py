from __future__ import annotations

import sys
import threading
from collections.abc import Mapping

import pytest

from stream_rcf.errors import RegistryUnavailableError, UsageError
from stream_rcf.kafka import schema_registry_reader
from stream_rcf.kafka.schema_registry import RegisteredSchema, SchemaRefused, SchemaRegistry
from stream_rcf.kafka.schema_registry_reader import (
    UNKNOWN_SECONDS,
    PayloadDecoder,
    RegistryPayload,
    payload_reader,
)
from stream_rcf.pipeline.event_errors import EventError
from stream_rcf.pipeline.events import Rejection
from stream_rcf.pipeline.payload import JsonPayload
from stream_rcf.settings.model import Settings


class KnownSchemas(SchemaRegistry):
    """A registry in memory, which counts what it is asked."""

    def __init__(self, schemas: Mapping[int, RegisteredSchema]) -> None:
        self.schemas = dict(schemas)
        self.asked: list[int] = []
        self.is_down = False

    def schema(self, number: int, serialized: bool) -> RegisteredSchema:
        self.asked.append(number)
        if self.is_down:
            raise RegistryUnavailableError("down", lambda: None)
        if number not in self.schemas:
            raise SchemaRefused(EventError.UNKNOWN_SCHEMA, f"no {number}")
        return self.schemas[number]


class Upper:
    """A format whose schemas are the name of the one field."""

    kind = "UPPER"

    def compile(self, schema: RegisteredSchema) -> PayloadDecoder:
        if not schema.text:
            raise SchemaRefused(EventError.INVALID_SCHEMA, "empty")
        return lambda value: {schema.text: value[5:].decode().upper()}


class Clock:
    """A clock that the test moves."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def value(number: int, text: bytes = b"x") -> bytes:
    return b"\0" + number.to_bytes(4) + text


def schemas(*names: str) -> KnownSchemas:
    return KnownSchemas({i: RegisteredSchema("UPPER", name, ()) for i, name in enumerate(names, 1)})


def error_of(outcome: Mapping[str, object] | Rejection) -> str:
    assert isinstance(outcome, Rejection)
    assert outcome.reason.isprintable()
    return outcome.error


def test_each_value_is_read_by_the_schema_it_names() -> None:
    known = schemas("a", "b")
    reader = RegistryPayload(known, Upper())
    for _ in range(3):
        assert reader.read(value(1)) == {"a": "X"}
        assert reader.read(value(2, b"y")) == {"b": "Y"}
    assert known.asked == [1, 2], "a known schema is not asked for again"


@pytest.mark.parametrize(
    "raw", [b"", b"\0", b"\0\0\0\0", b'{"value":1}', b"[1]", b"\x01\0\0\0\1x", b"Obj\x01abc"]
)
def test_a_value_without_an_id_is_refused_without_a_question(raw: bytes) -> None:
    known = schemas("a")
    assert error_of(RegistryPayload(known, Upper()).read(raw)) == EventError.MISSING_SCHEMA_ID
    assert known.asked == []


def test_plain_json_is_recognised() -> None:
    outcome = RegistryPayload(schemas(), Upper()).read(b'{"value":1}')
    assert isinstance(outcome, Rejection)
    assert "events.format = json" in outcome.reason


def test_an_unknown_schema_is_asked_for_again_after_a_while() -> None:
    known, clock = schemas(), Clock()
    reader = RegistryPayload(known, Upper(), clock)
    for _ in range(3):
        assert error_of(reader.read(value(1))) == EventError.UNKNOWN_SCHEMA
    assert known.asked == [1]
    known.schemas[1] = RegisteredSchema("UPPER", "a", ())
    clock.now += UNKNOWN_SECONDS - 0.1
    assert error_of(reader.read(value(1))) == EventError.UNKNOWN_SCHEMA
    clock.now += 0.2
    assert reader.read(value(1)) == {"a": "X"}


def test_what_is_known_to_be_unknown_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema_registry_reader, "MAX_UNKNOWN", 10)
    known = schemas()
    reader = RegistryPayload(known, Upper(), Clock())
    for number in range(1, 31):
        reader.read(value(number))
    assert len(reader._unknown) == 10
    reader.read(value(30))
    assert len(known.asked) == 30, "the latest are still remembered"


def test_a_schema_that_cannot_be_used_is_asked_for_once() -> None:
    known = schemas("")
    reader = RegistryPayload(known, Upper())
    for _ in range(3):
        outcome = reader.read(value(1))
        assert error_of(outcome) == EventError.INVALID_SCHEMA
        assert isinstance(outcome, Rejection)
        assert outcome.reason == "schema 1: empty"
    assert known.asked == [1]


def test_a_schema_of_another_format_is_refused() -> None:
    reader = RegistryPayload(KnownSchemas({1: RegisteredSchema("AVRO", "a", ())}), Upper())
    outcome = reader.read(value(1))
    assert error_of(outcome) == EventError.INVALID_SCHEMA
    assert isinstance(outcome, Rejection)
    assert "'AVRO'" in outcome.reason


def test_schemas_kept_are_bounded_in_number_and_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema_registry_reader, "MAX_SCHEMAS", 3)
    known = schemas(*"abcde")
    reader = RegistryPayload(known, Upper())
    for number in (1, 2, 3, 4, 5):
        reader.read(value(number))
    assert len(reader._decoders) == len(reader._sizes) == 3
    assert reader.read(value(1)) == {"a": "X"}, "one that had to go is fetched again"
    assert known.asked == [1, 2, 3, 4, 5, 1]
    monkeypatch.setattr(schema_registry_reader, "MAX_KEPT_CHARACTERS", 1)
    reader.read(value(2))
    assert len(reader._decoders) == len(reader._sizes) == 1


def test_known_schemas_go_on_while_the_registry_is_down() -> None:
    known = schemas("a", "b")
    reader = RegistryPayload(known, Upper())
    reader.read(value(1))
    known.is_down = True
    assert reader.read(value(1)) == {"a": "X"}
    with pytest.raises(RegistryUnavailableError):
        reader.read(value(2))
    known.is_down = False
    assert reader.read(value(2)) == {"b": "X"}, "an outage is not remembered against a schema"


def test_threads_share_a_reader_and_fetch_once() -> None:
    known = schemas(*"abcdefgh")
    reader = RegistryPayload(known, Upper())
    outcomes: list[object] = []

    def read_all() -> None:
        outcomes.append([reader.read(value(number)) for number in range(1, 9)])

    threads = [threading.Thread(target=read_all) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes == [[{name: "X"} for name in "abcdefgh"]] * 8
    assert sorted(known.asked) == list(range(1, 9))


def test_json_needs_neither_registry_nor_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "httpx", None)
    assert isinstance(payload_reader(Settings()), JsonPayload)


@pytest.mark.parametrize(
    ("name", "package", "module"),
    [
        ("avro", "httpx", "avro"),
        ("avro", "fastavro", "avro"),
        ("protobuf", "google.protobuf.descriptor_pb2", "protobuf"),
        ("json_schema", "jsonschema", "json"),
    ],
)
def test_a_missing_extra_is_named_with_the_line_that_brings_it(
    name: str, package: str, module: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(events={"format": name}, schema_registry={"url": "http://r"})  # type: ignore[arg-type] # -- pydantic
    monkeypatch.delitem(sys.modules, f"stream_rcf.kafka.schema_registry_{module}", raising=False)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(UsageError, match=r"pip install 'stream-rcf\[schema-registry\]'"):
        payload_reader(settings)
