"""Avro: compiled by fastavro, after a look at the schema (``schema_registry_avro_bounds``) that keeps it in bounds."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from datetime import datetime
from io import BytesIO
from typing import Any

import fastavro
import fastavro.read
import orjson

from stream_rcf.kafka.schema_registry import RegisteredSchema, SchemaRefused
from stream_rcf.kafka.schema_registry_avro_bounds import MAX_DEPTH, BoundsError, check_bounds
from stream_rcf.kafka.schema_registry_reader import HEADER_BYTES, PayloadDecoder
from stream_rcf.kafka.schema_registry_values import decimal_number, moment
from stream_rcf.pipeline.event_errors import EventError, printable
from stream_rcf.pipeline.events import Rejection
from stream_rcf.pipeline.payload import not_an_object

MAX_SCALE = 1000  # of a decimal
ROOT = "value"  # a record of one field around the schema adds no byte, and may hold a union or a name
# What fastavro raises for bytes that do not fit: its own checks, and Python's where it has none.
MISFITS = (EOFError, ValueError, LookupError, TypeError, ArithmeticError, struct.error)
DETAIL_CHARACTERS = 120


class AvroFormat:
    """Avro's binary encoding, each event by its writer's schema.

    Records and maps become mappings. Decimals become floats, timestamps ``datetime``, dates midnight UTC, UUIDs
    stay text. A field is also found under each of its aliases, so that a path goes on to work when a field is renamed.
    """

    kind = "AVRO"

    def compile(self, schema: RegisteredSchema) -> PayloadDecoder:
        """Return the decoder of a schema; refuses recursive ones, whose values nest as deep as the writer likes."""
        try:
            named: Any = {}  # definitions by name, of the schema and its references
            for reference in schema.references:
                fastavro.parse_schema(_prepared(reference.text), named)
            root = {
                "type": "record",
                "name": "stream_rcf_event",
                "fields": [{"name": ROOT, "type": _prepared(schema.text)}],
            }
            parsed: Any = fastavro.parse_schema(root, named)
            check_bounds(parsed, named)
            add_aliases = _aliasing(parsed["fields"][0]["type"], named)
        except BoundsError as error:
            raise SchemaRefused(
                EventError.INVALID_SCHEMA, f"the schema is beyond what is read: {error}"
            ) from None
        except Exception as error:  # noqa: BLE001 -- a foreign text: whatever its parser raises, it is unusable
            detail = printable(f"{type(error).__name__}: {error}", DETAIL_CHARACTERS)
            raise SchemaRefused(EventError.INVALID_SCHEMA, f"the schema is not Avro: {detail}") from None
        return _decoder(parsed, add_aliases)


def _decoder(parsed: Any, add_aliases: _AliasAdder | None) -> PayloadDecoder:
    read: Callable[..., Any] = fastavro.schemaless_reader

    def decode(value: bytes) -> Mapping[str, object] | Rejection:
        stream = BytesIO(value)
        stream.seek(HEADER_BYTES)
        try:
            document = read(stream, parsed)[ROOT]
        except MISFITS as error:
            return _misfit(_what_is_wrong(error))
        left = len(value) - stream.tell()
        if left:
            return _misfit(f"it has {left} bytes too many")
        if type(document) is not dict:
            return not_an_object(document)
        if add_aliases is not None:
            add_aliases(document)
        return document

    return decode


def _misfit(what: str) -> Rejection:
    return Rejection(EventError.INVALID_PAYLOAD, f"the value does not fit its Avro schema: {what}")


def _what_is_wrong(error: Exception) -> str:
    """Say it in our words: fastavro's hold memory addresses, and a dead letter must be the same each time."""
    if isinstance(error, EOFError) or "string index" in str(error):
        return "it ends too early, or a length in it is wrong"
    if isinstance(error, UnicodeDecodeError):
        return "a text in it is not UTF-8"
    if isinstance(error, LookupError):
        return "it chooses an option that a union or an enum does not have"
    return f"it cannot be read ({type(error).__name__})"


# -- logical types ----------------------------------------------------------------------------------------------------

# Under names of our own, since fastavro keeps its readers for the whole process. What is not listed here is dropped,
# and then the plain type counts.
_OURS = {
    ("long", "timestamp-millis"): "stream-rcf-millis",
    ("long", "local-timestamp-millis"): "stream-rcf-millis",
    ("long", "timestamp-micros"): "stream-rcf-micros",
    ("long", "local-timestamp-micros"): "stream-rcf-micros",
    ("long", "timestamp-nanos"): "stream-rcf-nanos",
    ("long", "local-timestamp-nanos"): "stream-rcf-nanos",
    ("int", "date"): "stream-rcf-date",
    ("bytes", "decimal"): "stream-rcf-decimal",
    ("fixed", "decimal"): "stream-rcf-decimal",
}
_MICROSECONDS_PER_DAY = 86_400_000_000


def _of_millis(value: int, _writer: Any = None, _reader: Any = None) -> datetime | str:
    return moment(value * 1000)


def _of_micros(value: int, _writer: Any = None, _reader: Any = None) -> datetime | str:
    return moment(value)


def _of_nanos(value: int, _writer: Any = None, _reader: Any = None) -> datetime | str:
    return moment(value // 1000)


def _of_days(value: int, _writer: Any = None, _reader: Any = None) -> datetime | str:
    return moment(value * _MICROSECONDS_PER_DAY)


def _of_decimal(value: bytes, writer: Any = None, _reader: Any = None) -> float:
    return decimal_number(value, writer["scale"])


fastavro.read.LOGICAL_READERS.update(
    {
        "long-stream-rcf-millis": _of_millis,
        "long-stream-rcf-micros": _of_micros,
        "long-stream-rcf-nanos": _of_nanos,
        "int-stream-rcf-date": _of_days,
        "bytes-stream-rcf-decimal": _of_decimal,
        "fixed-stream-rcf-decimal": _of_decimal,
    }
)


def _prepared(text: str) -> Any:
    """Return the schema of a text with our logical types. Registries may give a lone type's name without quotes."""
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError:
        if not text.isidentifier():
            raise
        document = text
    return _with_our_logical_types(document, 0)


def _with_our_logical_types(schema: Any, depth: int) -> Any:
    if depth > MAX_DEPTH:
        raise BoundsError(f"it is nested more than {MAX_DEPTH} deep")
    if isinstance(schema, list):
        return [_with_our_logical_types(option, depth + 1) for option in schema]
    if not isinstance(schema, dict):
        return schema
    ours = dict(schema)
    for part in ("type", "items", "values"):
        if isinstance(ours.get(part), dict | list):
            ours[part] = _with_our_logical_types(ours[part], depth + 1)
    if isinstance(ours.get("fields"), list):
        ours["fields"] = [_with_our_logical_types(field, depth + 1) for field in ours["fields"]]
    logical = ours.pop("logicalType", None)
    if isinstance(logical, str) and isinstance(ours.get("type"), str):
        name = _OURS.get((ours["type"], logical))
        if name == "stream-rcf-decimal":
            scale = ours.setdefault("scale", 0)
            # A decimal that is none by the specification counts as its plain type.
            name = name if type(scale) is int and 0 <= scale <= MAX_SCALE else None
        if name is not None:
            ours["logicalType"] = name
    return ours


# -- aliases ----------------------------------------------------------------------------------------------------------

_AliasAdder = Callable[[dict[str, Any]], None]


def _aliasing(schema: Any, named: Mapping[str, Any]) -> _AliasAdder | None:
    """Return what adds the aliases to a document, None where there are none. The schema is not recursive."""
    if isinstance(schema, list):
        records = [option for option in schema if _is_record(option, named)]
        return (
            _aliasing(records[0], named) if len(records) == 1 else None
        )  # of several: which one is not told
    if not _is_record(schema, named):
        return None
    fields = (named[schema] if isinstance(schema, str) else schema)["fields"]
    aliases = [(field["name"], alias) for field in fields for alias in field.get("aliases", ())]
    inner = [(field["name"], _aliasing(field["type"], named)) for field in fields]
    adders = [(name, adder) for name, adder in inner if adder is not None]
    if not aliases and not adders:
        return None

    def add(document: dict[str, Any]) -> None:
        for name, adder in adders:
            if type(document[name]) is dict:
                adder(document[name])
        for name, alias in aliases:
            document.setdefault(alias, document[name])

    return add


def _is_record(schema: Any, named: Mapping[str, Any]) -> bool:
    if isinstance(schema, str):
        schema = named.get(schema)
    return isinstance(schema, dict) and schema.get("type") == "record"
