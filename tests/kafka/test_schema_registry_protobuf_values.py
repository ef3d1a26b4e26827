from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from stream_rcf.kafka.schema_registry_protobuf import ProtobufFormat
from stream_rcf.pipeline.event_errors import quoted
from stream_rcf.pipeline.paths import path_reader
from tests.kafka.protobuf_messages import Producer
from tests.kafka.schema_support import HEADER, compiled, fields

TEXT = """
syntax = "proto3";
import "google/protobuf/timestamp.proto";
import "google/protobuf/duration.proto";
import "google/protobuf/struct.proto";
import "google/protobuf/wrappers.proto";
import "confluent/type/decimal.proto";
message Inner { double load = 1; }
message Event {
  enum Kind { UNKNOWN = 0; DISK = 1; }
  double plain = 1;
  optional double maybe = 2;
  oneof either { int64 left = 3; string right = 4; }
  Kind kind = 5;
  int64 whole = 6;
  uint64 large = 7;
  bool flag = 8;
  bytes raw = 9;
  Inner inner = 10;
  repeated double list = 11;
  map<string, double> numbers = 12;
  map<string, Inner> inners = 13;
  map<int32, double> by_number = 14;
  google.protobuf.Timestamp at = 15;
  google.protobuf.Duration took = 16;
  google.protobuf.DoubleValue wrapped = 17;
  google.protobuf.Struct free = 18;
  google.protobuf.Value any = 19;
  confluent.type.Decimal price = 20;
  map<string, Kind> kinds = 21;
  float single = 22;
  google.protobuf.ListValue things = 23;
}
"""


@pytest.fixture(scope="module")
def producer() -> Producer:
    return Producer(TEXT)


@pytest.fixture(scope="module")
def event(producer: Producer) -> Any:
    return producer.message("Event")


def seen(message: Any) -> Mapping[str, Any]:
    decode = compiled(ProtobufFormat(), TEXT)
    return fields(decode(HEADER + b"\x02\x02" + message.SerializeToString()))


def test_a_field_without_presence_is_its_default(event: Any) -> None:
    empty = seen(event())
    names = ("plain", "kind", "whole", "large", "flag", "raw", "list", "single")
    assert [empty.get(name) for name in names] == [0.0, "UNKNOWN", 0, 0, False, b"", [], 0.0]


def test_a_field_that_knows_its_absence_is_absent(event: Any) -> None:
    empty = seen(event())
    for name in (
        "maybe",
        "left",
        "right",
        "inner",
        "at",
        "took",
        "wrapped",
        "free",
        "any",
        "price",
        "things",
    ):
        assert empty.get(name) is None
        assert empty.get(name, "default") == "default"
    assert empty.get("no such field") is None


def test_a_present_default_is_present(event: Any) -> None:
    found = seen(event(maybe=0.0, left=0))
    assert (found["maybe"], found["left"], found["right"]) == (0.0, 0, None)
    assert seen(event(wrapped={"value": 0.0}))["wrapped"] == 0.0


def test_numbers_keep_their_kind(event: Any) -> None:
    found = seen(event(whole=-(2**63), large=2**64 - 1, single=0.1, plain=0.1))
    assert (found["whole"], found["large"], found["plain"]) == (-(2**63), 2**64 - 1, 0.1)
    assert found["single"] == pytest.approx(0.1, rel=1e-7)


def test_enums_are_names_and_unknown_ones_numbers(event: Any) -> None:
    assert seen(event(kind=1))["kind"] == "DISK"
    assert seen(event(kind=9))["kind"] == 9
    assert seen(event(kinds={"a": 1}))["kinds"]["a"] == "DISK"


def test_messages_and_maps_are_followed_by_paths(event: Any) -> None:
    found = seen(event(inner={"load": 0.5}, numbers={"cpu": 1.5, "a.b": 2.5}, inners={"x": {"load": 3.5}}))
    for path, value in (
        ("inner.load", 0.5),
        ("numbers.cpu", 1.5),
        ("inners.x.load", 3.5),
        ("inners.y.load", None),
        ("inner.load.deeper", None),
        ("numbers.none", None),
    ):
        assert path_reader(path)(found) == value


def test_a_look_adds_nothing_to_a_map(event: Any) -> None:
    inners = seen(event(inners={"x": {"load": 1.0}}))["inners"]
    assert inners.get("y") is None
    with pytest.raises(KeyError):
        inners["y"]
    assert list(inners) == ["x"]


def test_a_map_without_text_keys_is_no_mapping(event: Any) -> None:
    assert seen(event(by_number={1: 2.0}))["by_number"] is None


def test_times_are_moments_and_durations_seconds(event: Any) -> None:
    found = seen(
        event(at={"seconds": 1_767_225_600, "nanos": 250_000_999}, took={"seconds": 1, "nanos": 500_000_000})
    )
    assert found["at"] == datetime(2026, 1, 1, 0, 0, 0, 250_000, UTC)
    assert found["took"] == 1.5
    assert seen(event(at={"seconds": 2**62}))["at"] == f"{2**62 * 1_000_000} microseconds since 1970"


def test_free_form_values_are_followed_too(event: Any) -> None:
    message = event()
    message.free.update({"host": {"cpu": 0.5, "up": True}, "tags": ["a"], "none": None})
    message.any.number_value = 7.5
    found = seen(message)
    assert path_reader("free.host.cpu")(found) == 0.5
    assert path_reader("free.host.up")(found) is True
    assert path_reader("free.none")(found) is None
    assert len(found["free"]["tags"]) == 1
    assert found["any"] == 7.5


def test_decimals_of_the_registry_are_numbers(event: Any) -> None:
    assert seen(event(price={"value": b"\x04\xd2", "scale": 2}))["price"] == 12.34
    assert seen(event(price={"value": b"\x04\xd2", "scale": -1}))["price"] is None
    assert seen(event(price={"value": b"\x04\xd2", "scale": 2**31 - 1}))["price"] is None


def test_a_message_is_described_like_any_object(event: Any) -> None:
    assert quoted(seen(event(inner={"load": 1.0}))["inner"]) == "an object of 1 fields"
    assert dict(seen(event(inner={"load": 1.0}))["inner"]) == {"load": 1.0}


def test_absence_in_proto2_hides_the_default() -> None:
    text = 'syntax = "proto2"; message Event { optional double value = 1 [default = 5]; required double must = 2; }'
    event = Producer(text).message("Event")
    decode = compiled(ProtobufFormat(), text)
    assert fields(decode(HEADER + b"\0" + event(must=1.0).SerializeToString())).get("value") is None
    assert fields(decode(HEADER + b"\0" + event(must=1.0, value=5.0).SerializeToString())).get("value") == 5.0
