"""Protobuf: classes made at run time from registered schemas, whether these are .proto texts or binary descriptors."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from google.protobuf import descriptor_pool, message_factory
from google.protobuf.descriptor_pb2 import DescriptorProto, FileDescriptorProto
from google.protobuf.message import DecodeError

from stream_rcf.errors import StreamRcfError
from stream_rcf.kafka.schema_registry import RegisteredSchema, SchemaRefused
from stream_rcf.kafka.schema_registry_protobuf_files import known_files
from stream_rcf.kafka.schema_registry_protobuf_values import Wrappers
from stream_rcf.kafka.schema_registry_protoc import MAIN_FILE, compile_texts, require_compiler
from stream_rcf.kafka.schema_registry_reader import HEADER_BYTES, PayloadDecoder
from stream_rcf.pipeline.event_errors import EventError, printable
from stream_rcf.pipeline.events import Rejection

MAX_INDEXES = 32  # of a message within messages
DETAIL_CHARACTERS = 120
FIRST_MESSAGE: tuple[int, ...] = (0,)


class ProtobufFormat:
    """Protobuf messages, each by its writer's schema; ``MessageFields`` says how fields become values.

    Imports are found among the schema's references and the files that come with Protobuf and the registry.
    """

    kind = "PROTOBUF"

    def __init__(self) -> None:
        require_compiler()

    def compile(self, schema: RegisteredSchema) -> PayloadDecoder:
        """Return the decoder of a schema, which may hold several messages: a value says which it is."""
        try:
            files, main = _files(schema)
            pool = descriptor_pool.DescriptorPool()
            for file in files:
                pool.Add(file)
            decoder = _Decoder(pool, main)
        except (StreamRcfError, SchemaRefused):
            raise
        except RecursionError:
            raise SchemaRefused(
                EventError.INVALID_SCHEMA, "the schema's messages lead through too many others"
            ) from None
        except Exception as error:  # noqa: BLE001 -- a foreign text: whatever its parser raises, it is unusable
            detail = printable(f"{type(error).__name__}: {error}", DETAIL_CHARACTERS)
            raise SchemaRefused(EventError.INVALID_SCHEMA, f"the schema is not Protobuf: {detail}") from None
        return decoder.decode


class _Decoder:
    """Decodes values of one schema. Its classes are made beforehand: a schema fails here and not at an event."""

    def __init__(self, pool: Any, main: FileDescriptorProto) -> None:
        self._messages: dict[tuple[int, ...], tuple[Any, Any]] = {}  # class and wrapper, by indexes
        wrappers = Wrappers()
        pending: list[tuple[tuple[int, ...], str, DescriptorProto]] = [
            ((index,), main.package, message) for index, message in enumerate(main.message_type)
        ]
        while pending:
            indexes, outside, message = pending.pop()
            name = f"{outside}.{message.name}" if outside else message.name
            descriptor = pool.FindMessageTypeByName(name)
            message_class: Any = message_factory.GetMessageClass(descriptor)
            self._messages[indexes] = message_class, wrappers.of_message(descriptor)
            pending += [((*indexes, i), name, inner) for i, inner in enumerate(message.nested_type)]
        if not self._messages:
            raise SchemaRefused(EventError.INVALID_SCHEMA, "the schema has no message")

    def decode(self, value: bytes) -> Mapping[str, object] | Rejection:
        if value[HEADER_BYTES : HEADER_BYTES + 1] == b"\0":  # short for the first message
            indexes, start = FIRST_MESSAGE, HEADER_BYTES + 1
        else:
            read = _read_indexes(value)
            if read is None:
                return _misfit("it does not begin with the indexes of a message")
            indexes, start = read
        found = self._messages.get(indexes)
        if found is None:
            return _misfit(f"the schema has no message of the indexes {list(indexes)}")
        message_class, wrap = found
        try:
            return wrap(message_class.FromString(value[start:]))  # type: ignore[no-any-return] # -- built at run time
        except DecodeError:
            return _misfit("it ends too early, or is of another message")


def _misfit(what: str) -> Rejection:
    return Rejection(EventError.INVALID_PAYLOAD, f"the value does not fit its Protobuf schema: {what}")


def _files(schema: RegisteredSchema) -> tuple[list[FileDescriptorProto], FileDescriptorProto]:
    """Return all files of a schema, each after those it imports, and the one that holds its messages."""
    known = known_files()
    references: dict[str, str | FileDescriptorProto] = {}
    for reference in schema.references:
        if reference.name not in known:  # those that come with Protobuf may be registered too
            binary = _binary(reference.text)
            if binary is not None:
                binary.name = reference.name  # the name that others import it by
            references[reference.name] = reference.text if binary is None else binary
    main = _binary(schema.text)
    if main is not None and not any(isinstance(each, str) for each in references.values()):
        main.name = MAIN_FILE
        files = {name: file for name, file in references.items() if isinstance(file, FileDescriptorProto)}
        return _in_order(main, {**known, **files}), main
    compiled = compile_texts(schema.text if main is None else main, references, known)
    return list(compiled), compiled[-1]


def _binary(text: str) -> FileDescriptorProto | None:
    """Return the descriptor that a text is the base64 of; None for a .proto text."""
    if any(character in text for character in ";{ \n"):
        return None
    try:
        return FileDescriptorProto.FromString(base64.b64decode(text, validate=True))
    except (binascii.Error, DecodeError, ValueError):
        return None


def _in_order(
    main: FileDescriptorProto, files: Mapping[str, FileDescriptorProto]
) -> list[FileDescriptorProto]:
    """Return what ``main`` imports, directly or not, and then itself."""
    ordered: dict[str, FileDescriptorProto] = {}
    pending: list[tuple[FileDescriptorProto, bool]] = [(main, False)]
    seen: set[str] = set()
    while pending:
        file, is_complete = pending.pop()
        if is_complete:
            ordered[file.name] = file
        elif file.name not in seen:
            seen.add(file.name)
            pending.append((file, True))
            for name in file.dependency:
                if name not in files:
                    raise SchemaRefused(
                        EventError.INVALID_SCHEMA,
                        f"the schema imports {printable(name)}, which is not among its references",
                    )
                pending.append((files[name], False))
    return list(ordered.values())


def _read_indexes(value: bytes) -> tuple[tuple[int, ...], int] | None:
    """Return the indexes of the message and where it begins; None where there are none."""
    count, position = _varint(value, HEADER_BYTES)
    if not 0 < count <= MAX_INDEXES:
        return None
    indexes: list[int] = []
    for _ in range(count):
        index, position = _varint(value, position)
        if index < 0:
            return None
        indexes.append(index)
    return tuple(indexes), position


def _varint(value: bytes, position: int) -> tuple[int, int]:
    """Read a zigzag number of at most 32 bits; (-1, anything) where there is none."""
    number = 0
    for shift in range(0, 35, 7):
        if position >= len(value):
            return -1, position
        byte = value[position]
        position += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return (number >> 1) ^ -(number & 1), position
    return -1, position
