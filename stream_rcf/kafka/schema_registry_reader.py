"""Values that carry the id of their schema: the wire format, and schemas that are fetched once and kept.

A value begins with a zero byte and the id, four bytes, big endian. Each event is read by the schema that it was
written with, so that events of several versions may be mixed; nothing is asked of the registry for a known id.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Protocol

from stream_rcf.kafka.schema_registry import RegisteredSchema, SchemaRefused, SchemaRegistry, missing_extra
from stream_rcf.pipeline.event_errors import EventError
from stream_rcf.pipeline.events import Rejection
from stream_rcf.pipeline.payload import JsonPayload, PayloadReader
from stream_rcf.settings.model import Settings

HEADER_BYTES = 5  # magic byte and schema id
MAX_SCHEMAS = 1000  # kept at once
MAX_KEPT_CHARACTERS = 16 * 2**20  # of their texts together; a compiled schema takes some times its text
MAX_UNKNOWN = 10_000  # ids known to be unknown
UNKNOWN_SECONDS = 10.0  # before an unknown id is asked for again: it may have been registered meanwhile

PayloadDecoder = Callable[[bytes], "Mapping[str, object] | Rejection"]  # of a whole value, header included


class SchemaFormat(Protocol):
    """One of the formats: compiles its schemas."""

    kind: str  # as the registry calls it

    def compile(self, schema: RegisteredSchema) -> PayloadDecoder:
        """Return the decoder of a schema. Raises ``SchemaRefused`` for one that cannot be used."""


def payload_reader(settings: Settings) -> PayloadReader:
    """Return the reader of the format that the settings name.

    Raises ``UsageError`` where that needs the extra ``schema-registry`` and it is not installed.
    """
    events = settings.events
    if events.format == "json":
        return JsonPayload(events.feature_paths)
    try:
        return RegistryPayload(SchemaRegistry(settings.schema_registry), _format(events.format))
    except ImportError as error:
        raise missing_extra(error) from None


def _format(name: str) -> SchemaFormat:
    if name == "avro":
        from stream_rcf.kafka.schema_registry_avro import AvroFormat

        return AvroFormat()
    if name == "protobuf":
        from stream_rcf.kafka.schema_registry_protobuf import ProtobufFormat

        return ProtobufFormat()
    from stream_rcf.kafka.schema_registry_json import JsonSchemaFormat

    return JsonSchemaFormat()


class RegistryPayload:
    """Reads values by the schemas that they name. Threads may share it."""

    def __init__(
        self,
        registry: SchemaRegistry,
        schema_format: SchemaFormat,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._registry = registry
        self._format = schema_format
        self._clock = clock
        self._lock = threading.Lock()  # one thread fetches and compiles; reading known schemas takes no lock
        self._decoders: dict[bytes, PayloadDecoder] = {}  # by header
        self._sizes: dict[bytes, int] = {}  # characters, oldest first
        self._unknown: dict[bytes, tuple[float, Rejection]] = {}  # until when, oldest first

    def read(self, value: bytes) -> Mapping[str, object] | Rejection:
        """Return the fields, or why there are none."""
        header = value[:HEADER_BYTES]
        decoder = self._decoders.get(header)
        if decoder is not None:
            return decoder(value)
        if len(header) < HEADER_BYTES or header[0] != 0:
            return Rejection(EventError.MISSING_SCHEMA_ID, _no_schema_id(value))
        with self._lock:
            unknown = self._unknown.get(header)
            if unknown is not None and self._clock() < unknown[0]:
                return unknown[1]
            decoder = self._decoders.get(header) or self._fetch(header)
        return decoder(value)

    def _fetch(self, header: bytes) -> PayloadDecoder:
        number = int.from_bytes(header[1:])
        size = 0
        try:
            schema = self._registry.schema(number, serialized=self._format.kind == "PROTOBUF")
            size = schema.size
            if schema.kind != self._format.kind:
                raise SchemaRefused(
                    EventError.INVALID_SCHEMA,
                    f"the schema {number} is {schema.kind[:20]!r}, but events.format asks for {self._format.kind}",
                )
            decoder = self._format.compile(schema)
        except SchemaRefused as refusal:
            reason = Rejection(refusal.rejection.error, f"schema {number}: {refusal}")
            if reason.error == EventError.UNKNOWN_SCHEMA:
                reason = refusal.rejection
                self._remember_unknown(header, reason)
                return lambda _value: reason

            def decoder(_value: bytes) -> Rejection:
                return reason

        self._remember(header, decoder, size)
        return decoder

    def _remember(self, header: bytes, decoder: PayloadDecoder, size: int) -> None:
        self._unknown.pop(header, None)
        self._decoders[header] = decoder
        self._sizes[header] = size
        while len(self._sizes) > 1 and (
            len(self._sizes) > MAX_SCHEMAS or sum(self._sizes.values()) > MAX_KEPT_CHARACTERS
        ):
            oldest = next(iter(self._sizes))
            del self._sizes[oldest], self._decoders[oldest]

    def _remember_unknown(self, header: bytes, reason: Rejection) -> None:
        self._unknown.pop(header, None)
        self._unknown[header] = (self._clock() + UNKNOWN_SECONDS, reason)
        if len(self._unknown) > MAX_UNKNOWN:
            del self._unknown[next(iter(self._unknown))]


def _no_schema_id(value: bytes) -> str:
    if len(value) < HEADER_BYTES:
        return f"the value has {len(value)} bytes, too few for a zero byte and a schema id"
    hint = "; is it plain JSON (events.format = json)?" if value[:1] in b"{[" else ""
    return f"the value begins with the byte {value[0]}, not with a zero byte and a schema id{hint}"
