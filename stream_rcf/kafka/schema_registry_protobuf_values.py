"""A Protobuf message as a mapping: each field is converted when it is asked for, since events are asked for few."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from operator import attrgetter
from typing import Any

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor

from stream_rcf.kafka.schema_registry_values import decimal_number, moment

Getter = Callable[[Any], object]  # of a field, from its message
MAX_SCALE = 1000  # of a decimal


class MessageFields(Mapping[str, object]):
    """A message by its fields' names as the .proto file has them.

    Messages are mappings, maps with text keys too. A field that knows its absence (``optional``, of a ``oneof``, a
    message) is None when absent; another one is its default. Enums are their names. Timestamps are ``datetime``,
    durations seconds, wrappers and ``Value`` what they hold, ``Struct`` a mapping; decimals of the registry's
    own type are floats.
    """

    __slots__ = ("_getters", "_message")

    def __init__(self, message: Any, getters: Mapping[str, Getter]) -> None:
        self._message = message
        self._getters = getters

    def get(self, key: str, default: object = None) -> object:
        """Return the field's value, ``default`` where there is none."""
        getter = self._getters.get(key)
        value = None if getter is None else getter(self._message)
        return default if value is None else value

    def __getitem__(self, key: str) -> object:
        return self._getters[key](self._message)

    def __iter__(self) -> Iterator[str]:
        return iter(self._getters)

    def __len__(self) -> int:
        return len(self._getters)


class MapFields(Mapping[str, object]):
    """A map field with text keys. Nothing is added to the message by looking."""

    __slots__ = ("_entries", "_wrap")

    def __init__(self, entries: Any, wrap: Getter) -> None:
        self._entries = entries
        self._wrap = wrap

    def get(self, key: str, default: object = None) -> object:
        """Return the entry, ``default`` where there is none."""
        value = self._entries.get(key)
        return default if value is None else self._wrap(value)

    def __getitem__(self, key: str) -> object:
        if key not in self._entries:
            raise KeyError(key)
        return self._wrap(self._entries[key])

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)


class Wrappers:
    """Conversions of the messages of one schema, made once for each message that is met."""

    def __init__(self) -> None:
        self._getters: dict[str, dict[str, Getter]] = {}  # by full name

    def of_message(self, descriptor: Descriptor) -> Getter:
        """Return the conversion of a message to a value."""
        special = _SPECIAL.get(descriptor.full_name)
        if special is not None:
            return special
        # Looked up for each message, and so made when it first comes: a chain of messages may be long, or a circle.
        name, known = descriptor.full_name, self._getters
        return lambda message: MessageFields(message, known.get(name) or self._made(descriptor))

    def _made(self, descriptor: Descriptor) -> dict[str, Getter]:
        getters = {field.name: self._getter(field) for field in descriptor.fields}
        self._getters[descriptor.full_name] = getters
        return getters

    def _getter(self, field: FieldDescriptor) -> Getter:
        name = field.name
        read: Getter = attrgetter(name)
        if field.is_repeated:
            message = field.message_type
            if message is None or not message.GetOptions().map_entry:
                return lambda message: list(read(message))  # type: ignore[call-overload] # -- a repeated container
            if message.fields_by_name["key"].type != FieldDescriptor.TYPE_STRING:
                return lambda _message: None
            wrap_entry = self._conversion(message.fields_by_name["value"]) or _as_it_is
            return lambda message: MapFields(read(message), wrap_entry)
        wrap = self._conversion(field)
        if field.has_presence:
            if wrap is None:
                return lambda message: read(message) if message.HasField(name) else None
            return lambda message: wrap(read(message)) if message.HasField(name) else None
        return read if wrap is None else lambda message: wrap(read(message))

    def _conversion(self, field: FieldDescriptor) -> Getter | None:
        """Return what converts a single value, None where it is taken as it is."""
        if field.message_type is not None:
            return self.of_message(field.message_type)
        if field.enum_type is not None:
            return _enum_name(field.enum_type)
        return None


def _as_it_is(value: object) -> object:
    return value


def _enum_name(enum: EnumDescriptor) -> Getter:
    names = {value.number: value.name for value in enum.values}
    return lambda number: names.get(number, number)


def _timestamp(message: Any) -> object:
    return moment(message.seconds * 1_000_000 + message.nanos // 1000)


def _duration(message: Any) -> object:
    return message.seconds + message.nanos / 1e9


def _decimal(message: Any) -> object:
    return decimal_number(message.value, message.scale) if 0 <= message.scale <= MAX_SCALE else None


def _value(message: Any) -> object:
    kind = message.WhichOneof("kind")
    if kind is None or kind == "null_value":
        return None
    if kind == "struct_value":
        return _struct(message.struct_value)
    if kind == "list_value":
        return list(message.list_value.values)
    return getattr(message, kind)


def _struct(message: Any) -> object:
    return MapFields(message.fields, _value)


def _list(message: Any) -> object:
    return list(message.values)


_WRAPPED = ("Double", "Float", "Int64", "UInt64", "Int32", "UInt32", "Bool", "String", "Bytes")
_SPECIAL: Mapping[str, Getter] = {
    "google.protobuf.Timestamp": _timestamp,
    "google.protobuf.Duration": _duration,
    "google.protobuf.Struct": _struct,
    "google.protobuf.Value": _value,
    "google.protobuf.ListValue": _list,
    "confluent.type.Decimal": _decimal,
    **{f"google.protobuf.{name}Value": attrgetter("value") for name in _WRAPPED},
}
