"""What an Avro schema may ask of its reader, found from the schema alone, before any event is read by it.

fastavro follows a schema and its bytes wherever they lead: a value that nests deep enough ends the process, and five
bytes can claim an array of a billion nulls. In the bounds here, time and memory grow only with a value's bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

MAX_DEPTH = 64  # of types within types; fastavro was seen to end the process somewhere below 20,000
MAX_VALUES = 100_000  # in one event, apart from what arrays and maps hold
MAX_VALUES_PER_BYTE = 4  # of an array's or map's item; a usual item has fewer values than bytes
PRIMITIVE_BYTES: Mapping[str, int] = {
    "null": 0,
    "boolean": 1,
    "int": 1,
    "long": 1,
    "float": 4,
    "double": 8,
    "bytes": 1,
    "string": 1,
}


class BoundsError(ValueError):
    """The schema asks for too much; the message says what, about the schema as "it"."""


class _Shape(NamedTuple):
    """The least bytes of a value, and the most values that do not need further bytes."""

    least_bytes: int
    values: int
    depth: int


def check_bounds(schema: Any, named: Mapping[str, Any]) -> None:
    """Raise ``BoundsError`` for a schema, as fastavro parsed it, whose values are not bounded by their bytes.

    ``named`` holds the definitions of all names.
    """
    _Measure(named).shape(schema)


class _Measure:
    """Looks at each named type once, however often it is used."""

    def __init__(self, named: Mapping[str, Any]) -> None:
        self._named = named
        self._known: dict[str, _Shape] = {}
        self._open: list[str] = []  # the records that we are inside of

    def shape(self, schema: Any) -> _Shape:
        found = self._shape_of(schema)
        if found.depth > MAX_DEPTH:
            raise BoundsError(f"it is nested more than {MAX_DEPTH} deep")
        if found.values > MAX_VALUES:
            raise BoundsError(f"an event of it may have more than {MAX_VALUES} values")
        return found

    def _shape_of(self, schema: Any) -> _Shape:
        if isinstance(schema, list):
            options = [self.shape(option) for option in schema]
            if not options:
                raise BoundsError("it has a union of nothing")
            return _Shape(
                1 + min(option.least_bytes for option in options),
                max(option.values for option in options),
                1 + max(option.depth for option in options),
            )
        if isinstance(schema, str):
            if schema in PRIMITIVE_BYTES:
                return _Shape(PRIMITIVE_BYTES[schema], 1, 1)
            return self._named_shape(schema, self._named[schema])
        kind = schema["type"]
        if kind in ("record", "error", "enum", "fixed"):
            return self._named_shape(schema["name"], schema)
        if kind == "array":
            return self._block(self.shape(schema["items"]))
        if kind == "map":
            item = self.shape(schema["values"])
            return self._block(_Shape(item.least_bytes + 1, item.values + 1, item.depth))
        return self.shape(kind)

    def _named_shape(self, name: str, schema: Any) -> _Shape:
        if name in self._open:
            raise BoundsError(f"it is recursive: {name} holds itself")
        if name not in self._known:
            if len(self._open) > MAX_DEPTH:
                raise BoundsError(f"it is nested more than {MAX_DEPTH} deep")
            self._open.append(name)
            self._known[name] = self._definition(schema)
            self._open.pop()
        return self._known[name]

    def _definition(self, schema: Any) -> _Shape:
        if schema["type"] == "enum":
            return _Shape(1, 1, 1)
        if schema["type"] == "fixed":
            if type(schema["size"]) is not int or schema["size"] < 0:
                raise BoundsError("it has a fixed type whose size is no number of bytes")
            return _Shape(schema["size"], 1, 1)
        fields = [self.shape(field["type"]) for field in schema["fields"]]
        return _Shape(
            sum(field.least_bytes for field in fields),
            1 + sum(field.values for field in fields),
            1 + max((field.depth for field in fields), default=0),
        )

    def _block(self, item: _Shape) -> _Shape:
        """An array or a map: a count, and then as many items as its writer claims."""
        if item.values > MAX_VALUES_PER_BYTE * item.least_bytes:
            raise BoundsError(
                f"an array or a map of it has items of {item.values} values in {item.least_bytes} bytes"
            )
        return _Shape(1, 1, 1 + item.depth)
