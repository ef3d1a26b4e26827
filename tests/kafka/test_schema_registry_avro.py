from __future__ import annotations

import io
import json
import random
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import fastavro
import pytest

from stream_rcf.kafka.schema_registry_avro import AvroFormat
from stream_rcf.kafka.schema_registry_reader import PayloadDecoder
from stream_rcf.pipeline.decode import EventDecoder, EventSchema
from stream_rcf.pipeline.event_errors import EventError
from stream_rcf.pipeline.events import Event
from tests.kafka.schema_support import HEADER, compiled, fields, in_time, misfit, refusal

NEW_YEAR = datetime(2026, 1, 1, 0, 0, 0, 250_000, tzinfo=UTC)
NEW_YEAR_MS = 1_767_225_600_250


def record(*schema_fields: tuple[str, Any], name: str = "Event") -> dict[str, Any]:
    return {
        "type": "record",
        "name": name,
        "fields": [{"name": field, "type": kind} for field, kind in schema_fields],
    }


def logical(kind: str, name: str, **more: Any) -> dict[str, Any]:
    return {"type": kind, "logicalType": name, **more}


def avro(schema: Any) -> PayloadDecoder:
    return compiled(AvroFormat(), json.dumps(schema))


def written(schema: Any, document: Any) -> bytes:
    stream = io.BytesIO(HEADER)
    stream.seek(len(HEADER))
    fastavro.schemaless_writer(stream, fastavro.parse_schema(schema), document)
    return stream.getvalue()


def read_back(schema: Any, document: Any) -> Any:
    return fields(avro(schema)(written(schema, document)))


def test_plain_types_come_back() -> None:
    schema = record(
        ("text", "string"), ("whole", "int"), ("long", "long"), ("single", "float"), ("double", "double"),
        ("flag", "boolean"), ("nothing", "null"), ("raw", "bytes"),
    )  # fmt: skip
    document = {
        "text": "é", "whole": -3, "long": 2**62, "single": 0.5, "double": 12.34, "flag": True,
        "nothing": None, "raw": b"\xff",
    }  # fmt: skip
    assert read_back(schema, document) == document


def test_nested_types_come_back() -> None:
    inner = record(("load", "double"), name="Inner")
    schema = record(
        ("inner", inner),
        ("maybe", ["null", "Inner"]),
        ("kind", {"type": "enum", "name": "Kind", "symbols": ["A", "B"]}),
        ("map", {"type": "map", "values": "Inner"}),
        ("list", {"type": "array", "items": ["null", "long"]}),
        ("fixed", {"type": "fixed", "name": "Four", "size": 4}),
    )
    document = {
        "inner": {"load": 1.5},
        "maybe": {"load": 2.5},
        "kind": "B",
        "map": {"x": {"load": 3.5}},
        "list": [None, 7],
        "fixed": b"1234",
    }
    assert read_back(schema, document) == document


def test_dotted_paths_lead_through_records_unions_and_maps() -> None:
    schema = record(
        ("host", record(("name", "string"), name="Host")),
        ("metrics", ["null", {"type": "map", "values": ["null", "double"]}]),
        ("at", logical("long", "timestamp-millis")),
    )
    decode = EventDecoder(EventSchema(("host.name",), "at", ("metrics.cpu",), 1000), _Fixed(avro(schema)))
    value = written(schema, {"host": {"name": "web"}, "metrics": {"cpu": 0.5}, "at": NEW_YEAR})
    assert decode.decode(value, None, 0) == Event("web", NEW_YEAR_MS, (0.5,))
    absent = decode.decode(
        written(schema, {"host": {"name": "web"}, "metrics": None, "at": NEW_YEAR}), None, 0
    )
    assert misfit(absent, EventError.MISSING_FEATURE)


class _Fixed:
    """A reader of one schema."""

    def __init__(self, decoder: PayloadDecoder) -> None:
        self.read = decoder


@pytest.mark.parametrize(
    ("kind", "raw"),
    [
        ("timestamp-millis", NEW_YEAR_MS),
        ("timestamp-micros", NEW_YEAR_MS * 1000),
        ("timestamp-nanos", NEW_YEAR_MS * 1_000_000),
        ("local-timestamp-millis", NEW_YEAR_MS),
        ("local-timestamp-micros", NEW_YEAR_MS * 1000),
        ("local-timestamp-nanos", NEW_YEAR_MS * 1_000_000),
    ],
)
def test_timestamps_of_every_unit_are_event_times(kind: str, raw: int) -> None:
    value = written(record(("at", "long"), ("value", "double")), {"at": raw, "value": 1.0})
    decoder = avro(record(("at", logical("long", kind)), ("value", "double")))
    decode = EventDecoder(EventSchema((), "at", ("value",), 1000), _Fixed(decoder))
    assert decode.decode(value, b"k", 0) == Event("k", NEW_YEAR_MS, (1.0,))


def test_a_time_near_1970_keeps_its_unit() -> None:
    schema = record(("at", logical("long", "timestamp-millis")), ("value", "double"))
    decode = EventDecoder(EventSchema((), "at", ("value",), 1000), _Fixed(avro(schema)))
    value = written(record(("at", "long"), ("value", "double")), {"at": 86_400_000, "value": 1.0})
    assert decode.decode(value, b"k", 0) == Event("k", 86_400_000, (1.0,))


def test_a_time_beyond_any_calendar_is_refused_as_such() -> None:
    schema = record(("at", logical("long", "timestamp-millis")), ("value", "double"))
    decode = EventDecoder(EventSchema((), "at", ("value",), 1000), _Fixed(avro(schema)))
    value = written(record(("at", "long"), ("value", "double")), {"at": 2**62, "value": 1.0})
    assert misfit(decode.decode(value, b"k", 0), EventError.INVALID_TIMESTAMP)


def test_dates_are_midnight_and_uuids_text() -> None:
    schema = record(("day", logical("int", "date")), ("id", logical("string", "uuid")))
    document = avro(schema)(
        written(record(("day", "int"), ("id", "string")), {"day": 20_454, "id": "no uuid"})
    )
    assert fields(document) == {"day": datetime(2026, 1, 1, tzinfo=UTC), "id": "no uuid"}


@pytest.mark.parametrize("kind", ["bytes", {"type": "fixed", "name": "D", "size": 8}])
@pytest.mark.parametrize("text", ["12.34", "-0.01", "0.00", "99999999.99"])
def test_decimals_are_the_floats_that_json_would_give(kind: Any, text: str) -> None:
    more = kind if isinstance(kind, dict) else {}
    name = "fixed" if more else "bytes"
    schema = record(("price", {**more, "type": name, "logicalType": "decimal", "precision": 10, "scale": 2}))
    assert read_back(schema, {"price": Decimal(text)}) == {"price": json.loads(text)}


def test_a_decimal_beyond_a_double_is_refused_as_a_feature() -> None:
    schema = record(("value", logical("bytes", "decimal", precision=9, scale=0)))
    decode = EventDecoder(EventSchema((), "", ("value",), 10_000), _Fixed(avro(schema)))
    for size in (200, 2000):
        value = written(record(("value", "bytes")), {"value": b"\x7f" * size})
        assert misfit(decode.decode(value, b"k", 5), EventError.NON_FINITE_NUMBER)


def test_a_field_is_also_found_under_its_aliases() -> None:
    inner = record(("load", "double"), name="Inner")
    inner["fields"][0]["aliases"] = ["cpu", "cpu_load"]
    schema = record(("host", ["null", inner]))
    schema["fields"][0]["aliases"] = ["machine"]
    found = read_back(schema, {"host": {"load": 0.5}})
    assert found["host"] == found["machine"] == {"load": 0.5, "cpu": 0.5, "cpu_load": 0.5}
    assert read_back(schema, {"host": None}) == {"host": None, "machine": None}


def test_an_alias_never_hides_a_field() -> None:
    schema = record(("new", "double"), ("old", "double"))
    schema["fields"][0]["aliases"] = ["old"]
    assert read_back(schema, {"new": 1.0, "old": 2.0}) == {"new": 1.0, "old": 2.0}


def test_references_are_resolved_and_a_union_may_stand_at_the_top() -> None:
    decode = compiled(
        AvroFormat(),
        '["x.A", "x.B"]',
        **{
            "x.A": json.dumps(record(("v", "double"), name="x.A")),
            "x.B": json.dumps(record(("a", "x.A"), name="x.B")),
        },
    )
    assert fields(decode(HEADER + b"\x02" + bytes(8))) == {"a": {"v": 0.0}}
    assert fields(decode(HEADER + b"\x00" + bytes(8))) == {"v": 0.0}


@pytest.mark.parametrize("schema", ['"double"', "double"])
def test_a_value_without_fields_is_refused(schema: str) -> None:
    assert misfit(compiled(AvroFormat(), schema)(HEADER + bytes(8)), EventError.NOT_AN_OBJECT)


def test_bytes_that_do_not_fit_are_refused() -> None:
    schema = record(("text", "string"), ("kind", {"type": "enum", "name": "K", "symbols": ["A"]}))
    decode = avro(schema)
    good = written(schema, {"text": "abc", "kind": "A"})
    assert fields(decode(good)) == {"text": "abc", "kind": "A"}
    assert "too early" in misfit(decode(good[:-1]))
    assert "too early" in misfit(decode(HEADER))
    assert "1 bytes too many" in misfit(decode(good + b"\0"))
    assert "option" in misfit(decode(good[:-1] + b"\x08"))
    assert "UTF-8" in misfit(decode(HEADER + b"\x02\xff\x00"))


@pytest.mark.parametrize(
    "kind", ["string", "bytes", {"type": "array", "items": "long"}, {"type": "map", "values": "long"}]
)
def test_a_claim_of_gigabytes_costs_nothing(kind: Any) -> None:
    decode = avro(record(("value", kind)))
    for claim in (2**31, 2**62, -(2**31), -(2**62)):
        coded = io.BytesIO()
        fastavro.schemaless_writer(coded, "long", claim)
        value = HEADER + coded.getvalue() + b"\x02\x02\x02"
        assert misfit(in_time(lambda value=value: decode(value)))


@pytest.mark.parametrize(
    "text",
    ["", "{", "[", "12", "null", '{"type":"record"}', '{"type":"record","name":"R","fields":[1]}', '"nope"',
     '{"type":"record","name":"R","fields":[{"name":"a","type":"Missing"}]}', "not a name", "[" * 100_000,
     '{"type":"enum","name":"E","symbols":5}', '{"type":"array"}', '{"type":"record","name":5,"fields":[]}'],
)  # fmt: skip
def test_a_text_that_is_no_schema_is_refused(text: str) -> None:
    assert refusal(AvroFormat(), text)


def test_a_recursive_schema_is_refused() -> None:
    for inner in (["null", "R"], {"type": "array", "items": "R"}, "R"):
        schema = {"type": "record", "name": "R", "fields": [{"name": "next", "type": inner}]}
        assert "recursive: R" in refusal(AvroFormat(), json.dumps(schema))


def test_no_bytes_make_it_raise() -> None:
    schema = record(
        ("text", "string"),
        ("at", ["null", logical("long", "timestamp-micros")]),
        ("price", logical("bytes", "decimal", precision=9, scale=3)),
        ("kind", {"type": "enum", "name": "K", "symbols": ["A", "B"]}),
        ("map", {"type": "map", "values": {"type": "array", "items": ["float", "string"]}}),
    )
    decode = avro(schema)
    good = written(
        schema,
        {"text": "abc", "at": NEW_YEAR, "price": Decimal("1.5"), "kind": "B", "map": {"a": [1.0, "x"]}},
    )
    generator = random.Random(4)
    refused = 0
    for _ in range(20_000):
        value = bytearray(good)
        for _ in range(generator.randrange(1, 4)):
            value[generator.randrange(len(HEADER), len(value))] = generator.randrange(256)
        outcome = decode(bytes(value[: generator.randrange(len(HEADER), len(value) + 1)]))
        refused += not isinstance(outcome, dict)
        if not isinstance(outcome, dict):
            misfit(outcome)
    assert refused > 10_000
