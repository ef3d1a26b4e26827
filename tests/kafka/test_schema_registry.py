from __future__ import annotations

import logging
import socket
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler

import pytest

from stream_rcf.errors import RegistryUnavailableError, UsageError
from stream_rcf.kafka.schema_registry import (
    MAX_ANSWER_BYTES,
    MAX_REFERENCES,
    MAX_SCHEMA_BYTES,
    Reference,
    RegisteredSchema,
    SchemaRefused,
    SchemaRegistry,
)
from stream_rcf.pipeline.event_errors import EventError
from stream_rcf.settings.schema_registry_section import SchemaRegistrySettings
from tests.kafka.registry_stub import Answer, RegistryStub, not_found, schema_answer

SEVEN = "schemas/ids/7"


@pytest.fixture
def stub() -> Iterator[RegistryStub]:
    with RegistryStub() as running:
        yield running


def refers_to(name: str, version: int = 1) -> dict[str, object]:
    return {"name": name, "subject": name, "version": version}


def refused(stub: RegistryStub, number: int = 7) -> SchemaRefused:
    with pytest.raises(SchemaRefused) as refusal:
        SchemaRegistry(stub.settings()).schema(number, serialized=False)
    return refusal.value


def unavailable(stub: RegistryStub, timeout_seconds: float = 5.0) -> RegistryUnavailableError:
    with pytest.raises(RegistryUnavailableError) as failure:
        SchemaRegistry(stub.settings(timeout_seconds)).schema(7, serialized=False)
    return failure.value


def test_a_schema_comes_with_its_kind(stub: RegistryStub) -> None:
    stub.put(SEVEN, schema_answer('"double"', "JSON"))
    schema = SchemaRegistry(stub.settings()).schema(7, serialized=False)
    assert schema == RegisteredSchema("JSON", '"double"', ())
    assert schema.size == 8


def test_a_registry_leaves_the_kind_of_avro_out(stub: RegistryStub) -> None:
    stub.put(SEVEN, (200, b'{"schema":"x"}'))
    assert SchemaRegistry(stub.settings()).schema(7, serialized=False).kind == "AVRO"


def test_protobuf_is_asked_for_in_its_binary_form(stub: RegistryStub) -> None:
    stub.put(f"{SEVEN}?format=serialized", schema_answer("AAAA", "PROTOBUF", [refers_to("a/b.proto", 2)]))
    stub.put("subjects/a%2Fb.proto/versions/2?format=serialized", schema_answer("BBBB", "PROTOBUF"))
    schema = SchemaRegistry(stub.settings()).schema(7, serialized=True)
    assert schema == RegisteredSchema("PROTOBUF", "AAAA", (Reference("a/b.proto", "BBBB"),))


def test_references_come_after_those_they_need_and_once_each(stub: RegistryStub) -> None:
    stub.put(SEVEN, schema_answer("x", references=[refers_to("a"), refers_to("b")]))
    stub.put("subjects/a/versions/1", schema_answer("A", references=[refers_to("c")]))
    stub.put("subjects/b/versions/1", schema_answer("B", references=[refers_to("c")]))
    stub.put("subjects/c/versions/1", schema_answer("C"))
    schema = SchemaRegistry(stub.settings()).schema(7, serialized=False)
    assert [reference.name for reference in schema.references] == ["c", "a", "b"]
    assert len(stub.asked) == 4


def test_schemas_that_refer_in_a_circle_end(stub: RegistryStub) -> None:
    stub.put(SEVEN, schema_answer("x", references=[refers_to("a")]))
    stub.put("subjects/a/versions/1", schema_answer("A", references=[refers_to("b")]))
    stub.put("subjects/b/versions/1", schema_answer("B", references=[refers_to("a")]))
    schema = SchemaRegistry(stub.settings()).schema(7, serialized=False)
    assert {reference.name for reference in schema.references} == {"a", "b"}


def test_endless_references_are_refused(stub: RegistryStub) -> None:
    stub.put(SEVEN, schema_answer("x", references=[refers_to("0")]))
    for i in range(MAX_REFERENCES + 1):
        stub.put(f"subjects/{i}/versions/1", schema_answer("y", references=[refers_to(str(i + 1))]))
    assert refused(stub).rejection.error == EventError.INVALID_SCHEMA
    assert len(stub.asked) == MAX_REFERENCES + 1


def test_a_reference_that_leads_nowhere_is_the_schemas_fault(stub: RegistryStub) -> None:
    stub.put(SEVEN, schema_answer("x", references=[refers_to("gone")]))
    stub.put("subjects/gone/versions/1", not_found(40401))
    refusal = refused(stub)
    assert refusal.rejection.error == EventError.INVALID_SCHEMA
    assert "version 1 of gone" in str(refusal)


def test_an_id_that_the_registry_does_not_have_is_unknown(stub: RegistryStub) -> None:
    refusal = refused(stub)
    assert refusal.rejection.error == EventError.UNKNOWN_SCHEMA
    assert "no schema of the id 7" in str(refusal)


@pytest.mark.parametrize("number", [0, 2**31, 2**32 - 1])
def test_numbers_that_are_no_ids_are_not_asked_for(stub: RegistryStub, number: int) -> None:
    assert refused(stub, number).rejection.error == EventError.UNKNOWN_SCHEMA
    assert stub.asked == []


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((404, b"<html>not here</html>"), "is the path of schema_registry.url right?"),
        ((404, b'{"error_code":404,"message":"HTTP 404"}'), "is the path of schema_registry.url right?"),
        ((200, b"<html>welcome</html>"), "is the path of schema_registry.url right?"),
        ((200, b"[1]"), "HTTP 200"),
        ((200, b'{"schema":5}'), "HTTP 200"),
        ((301, b""), "HTTP 301"),
        ((429, b""), "HTTP 429"),
        ((500, b'{"error_code":50001,"message":"store\x1b[2J"}'), "HTTP 500"),
        ((503, b""), "HTTP 503"),
    ],
)
def test_what_is_no_answer_of_a_registry_decides_nothing(
    stub: RegistryStub, answer: Answer, said: str
) -> None:
    stub.put(SEVEN, answer)
    failure = unavailable(stub)
    assert said in str(failure)
    assert stub.url in str(failure)
    assert str(failure).isprintable()
    assert failure.exit_code == 3


def test_a_registry_that_is_not_there_decides_nothing() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))  # bound, and not listening
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
        registry = SchemaRegistry(SchemaRegistrySettings(url=url))
        with pytest.raises(RegistryUnavailableError, match=url):
            registry.schema(7, serialized=False)


def test_a_registry_that_hangs_is_given_up_in_time(stub: RegistryStub) -> None:
    stub.put(SEVEN, lambda handler: time.sleep(3.0))
    began = time.monotonic()
    assert "no answer within 0.3 s" in str(unavailable(stub, 0.3))
    assert time.monotonic() - began < 2.5


def test_an_answer_that_drips_is_given_up_in_time(stub: RegistryStub) -> None:
    def drip(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "100")
        handler.end_headers()
        try:
            for _ in range(100):
                handler.wfile.write(b"x")
                handler.wfile.flush()
                time.sleep(0.1)
        except OSError:
            handler.close_connection = True  # the reader left, as it should

    stub.put(SEVEN, drip)
    assert "no answer within 0.4 s" in str(unavailable(stub, 0.4))


def test_a_broken_connection_is_tried_once_more(stub: RegistryStub) -> None:
    def hang_up(handler: BaseHTTPRequestHandler) -> None:
        handler.close_connection = True

    stub.put(SEVEN, [hang_up, schema_answer('"int"')])
    assert SchemaRegistry(stub.settings()).schema(7, serialized=False).text == '"int"'
    stub.put(SEVEN, hang_up)
    asked = len(stub.asked)
    unavailable(stub)
    assert len(stub.asked) == asked + 2


def test_an_answer_beyond_the_bound_is_not_read_to_its_end(stub: RegistryStub) -> None:
    sent: list[int] = []

    def flood(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        handler.close_connection = True
        try:
            for _ in range(1000):
                handler.wfile.write(b"x" * 2**20)
                sent.append(2**20)
        except OSError:
            return  # the reader left, as it should

    stub.put(SEVEN, flood)
    assert refused(stub).rejection.error == EventError.INVALID_SCHEMA
    assert sum(sent) < 100 * MAX_ANSWER_BYTES


def test_a_schema_is_bounded_with_all_that_it_refers_to(stub: RegistryStub) -> None:
    half = "x" * (MAX_SCHEMA_BYTES // 2 + 1)
    stub.put(SEVEN, schema_answer(half, references=[refers_to("a")]))
    stub.put("subjects/a/versions/1", schema_answer(half))
    assert "more than" in str(refused(stub))
    stub.put(SEVEN, schema_answer(half + half))
    assert "more than" in str(refused(stub))


def test_asking_again_tells_an_answer_from_none(stub: RegistryStub) -> None:
    stub.put(SEVEN, (503, b""))
    failure = unavailable(stub)
    with pytest.raises(RegistryUnavailableError) as again:
        failure.ask_again()
    since = str(failure).split("since ")[1][:25]
    assert since in str(again.value), "the outage began with the first failure"
    for answer in (schema_answer("x"), not_found()):
        stub.put(SEVEN, answer)
        failure.ask_again()


def test_an_answer_that_does_not_unpack_decides_nothing(stub: RegistryStub) -> None:
    def garbled(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Encoding", "gzip")
        handler.send_header("Content-Length", "7")
        handler.end_headers()
        handler.wfile.write(b"no gzip")

    stub.put(SEVEN, garbled)
    assert "DecodingError" in str(unavailable(stub))


def test_an_address_that_cannot_be_used_is_named() -> None:
    with pytest.raises(UsageError, match=r"schema_registry\.url 'http://xn--"):
        SchemaRegistry(SchemaRegistrySettings(url="http://xn--\u00ff.example"))


def test_questions_are_not_logged_one_by_one(stub: RegistryStub, caplog: pytest.LogCaptureFixture) -> None:
    stub.put(SEVEN, schema_answer("x"))
    with caplog.at_level(logging.INFO):
        SchemaRegistry(stub.settings()).schema(7, serialized=False)
    assert caplog.records == []
