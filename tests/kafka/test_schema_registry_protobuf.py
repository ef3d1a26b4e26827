from __future__ import annotations

import base64
import random
from collections.abc import Mapping

import pytest

from stream_rcf.kafka.schema_registry_protobuf import ProtobufFormat
from stream_rcf.kafka.schema_registry_protobuf_files import known_files
from stream_rcf.kafka.schema_registry_protoc import MAIN_FILE
from tests.kafka.protobuf_messages import Producer
from tests.kafka.schema_support import HEADER, compiled, fields, in_time, misfit, refusal

HOST = 'syntax = "proto3"; package shop; message Host { string name = 1; int64 number = 2; }'
EVENT = """
syntax = "proto3";
package shop;
import "common/host.proto";
message Other { int32 x = 1; }
message Event {
  Host host = 1;
  double value = 2;
  message Inner { float load = 1; message Core { int32 n = 1; } }
  Inner inner = 3;
}
"""
FORMAT = ProtobufFormat()


@pytest.fixture(scope="module")
def producer() -> Producer:
    return Producer(EVENT, **{"common/host.proto": HOST})


def event(producer: Producer) -> bytes:
    message = producer.message("shop.Event")(value=2.5)
    message.host.name = "web"
    message.inner.load = 0.5
    return HEADER + b"\x02\x02" + message.SerializeToString()  # the second message of the file


@pytest.mark.parametrize("main_is_binary", [True, False])
@pytest.mark.parametrize("reference_is_binary", [True, False])
def test_schemas_may_be_texts_or_descriptors_or_both(
    main_is_binary: bool, reference_is_binary: bool, producer: Producer
) -> None:
    main = producer.serialized().replace(MAIN_FILE, "event.proto") if main_is_binary else EVENT
    reference = producer.serialized(0) if reference_is_binary else HOST
    decode = compiled(FORMAT, main, **{"common/host.proto": reference})
    found = fields(decode(event(producer)))
    assert (found["value"], found["host"]["name"], found["inner"]["load"]) == (2.5, "web", 0.5)


def test_the_value_says_which_message_it_is(producer: Producer) -> None:
    decode = compiled(FORMAT, EVENT, **{"common/host.proto": HOST})
    other = producer.message("shop.Other")(x=7).SerializeToString()
    assert fields(decode(HEADER + b"\x00" + other))["x"] == 7
    assert fields(decode(HEADER + b"\x02\x00" + other))["x"] == 7, "the first message in its long form"
    inner = producer.message("shop.Event.Inner")(load=1.5).SerializeToString()
    assert fields(decode(HEADER + b"\x04\x02\x00" + inner))["load"] == 1.5
    core = producer.message("shop.Event.Inner.Core")(n=3).SerializeToString()
    assert fields(decode(HEADER + b"\x06\x02\x00\x00" + core))["n"] == 3


@pytest.mark.parametrize(
    "indexes",
    [b"", b"\x02", b"\x02\x08", b"\x04\x02\x08", b"\x02\x01", b"\x01", b"\x80", b"\xff" * 10, b"\x7e" + b"\0" * 63,
     b"\x04\x00\x00"],
)  # fmt: skip
def test_indexes_that_lead_nowhere_are_refused(indexes: bytes) -> None:
    assert misfit(compiled(FORMAT, EVENT, **{"common/host.proto": HOST})(HEADER + indexes))


def test_a_value_cut_short_is_refused(producer: Producer) -> None:
    decode = compiled(FORMAT, EVENT, **{"common/host.proto": HOST})
    value = event(producer)
    assert isinstance(decode(value), Mapping)
    assert misfit(decode(value[:-1]))
    assert misfit(decode(HEADER + b"\x02\x02" + b"\xff" * 20))


def test_an_empty_message_has_its_defaults(producer: Producer) -> None:
    found = fields(compiled(FORMAT, EVENT, **{"common/host.proto": HOST})(HEADER + b"\x02\x02"))
    assert found.get("value") == 0.0
    assert found.get("host") is None


@pytest.mark.parametrize(
    "text",
    ["garbage", 'syntax = "proto3"; import "missing.proto"; message A {}', "AAAA", "/////w==",
     'syntax = "proto3"; message A { int32 a = 1; int32 b = 1; }', 'syntax = "proto3"; message A { B b = 1; }',
     'syntax = "proto3"; import "../../../etc/passwd"; message A {}'],
)  # fmt: skip
def test_a_text_that_is_no_schema_is_refused(text: str) -> None:
    assert refusal(FORMAT, text)


def test_a_descriptor_that_imports_what_nobody_registered_is_refused(producer: Producer) -> None:
    assert "imports common/host.proto" in refusal(FORMAT, producer.serialized())


def test_a_descriptor_that_contradicts_itself_is_refused(producer: Producer) -> None:
    file = Producer(HOST).files[0]
    file.message_type[0].field[0].type_name = ".shop.Nowhere"
    file.message_type[0].field[0].type = 11
    assert refusal(FORMAT, base64.b64encode(file.SerializeToString()).decode())


def test_files_that_come_with_protobuf_may_be_registered_too() -> None:
    text = """
        syntax = "proto3";
        import "google/protobuf/timestamp.proto";
        message A { google.protobuf.Timestamp at = 1; }
    """
    stamp = known_files()["google/protobuf/timestamp.proto"]
    decode = compiled(
        FORMAT,
        text,
        **{"google/protobuf/timestamp.proto": base64.b64encode(stamp.SerializeToString()).decode()},
    )
    assert fields(decode(HEADER + b"\0")).get("at") is None


def test_a_message_that_holds_itself_is_read_as_deep_as_a_path_leads() -> None:
    text = 'syntax = "proto3"; message Node { double value = 1; Node next = 2; }'
    node = Producer(text).message("Node")
    chain = node(value=1.0, next=node(value=2.0, next=node(value=3.0)))
    found = fields(compiled(FORMAT, text)(HEADER + b"\0" + chain.SerializeToString()))
    assert found["next"]["next"]["value"] == 3.0


def test_a_message_nested_without_end_is_refused() -> None:
    decode = compiled(FORMAT, 'syntax = "proto3"; message Node { Node next = 2; }')
    value = b""
    for _ in range(20_000):
        length = len(value)
        coded = bytearray()
        while length > 127:
            coded.append(length & 127 | 128)
            length >>= 7
        coded.append(length)
        value = b"\x12" + bytes(coded) + value
        if len(value) > 100_000:
            break
    assert misfit(in_time(lambda: decode(HEADER + b"\0" + value)))


def chain_of(messages: int) -> str:
    links = [f"message M{i} {{ M{i + 1} next = 1; }}" for i in range(messages)]
    return " ".join(['syntax = "proto3";', f"message M{messages} {{ double value = 1; }}", *reversed(links)])


def test_a_long_chain_of_messages_is_read_and_an_endless_one_refused() -> None:
    found = fields(compiled(FORMAT, chain_of(100))(HEADER + b"\x02\x02\x0a\0"))
    assert found["next"]["value"] == 0.0
    assert "too many others" in refusal(FORMAT, chain_of(3000))


def test_no_bytes_make_it_raise(producer: Producer) -> None:
    decode = compiled(FORMAT, EVENT, **{"common/host.proto": HOST})
    good = event(producer)
    generator = random.Random(4)
    outcomes = set()
    for _ in range(20_000):
        value = bytearray(good)
        for _ in range(generator.randrange(1, 4)):
            value[generator.randrange(len(HEADER), len(value))] = generator.randrange(256)
        outcome = decode(bytes(value[: generator.randrange(len(HEADER), len(value) + 1)]))
        if isinstance(outcome, Mapping):
            assert outcome.get("nothing of the kind") is None
            for name in outcome:
                outcome.get(name)
        else:
            misfit(outcome)
        outcomes.add(isinstance(outcome, Mapping))
    assert outcomes == {True, False}
