"""A quick yes for JSON documents that surely fit a usual schema; anything else is for the full validator to decide.

The full validator takes some 70 µs for an event of three fields, more than the rest of its way; this takes 1 or 2.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

Check = Callable[[Any], bool]  # True: surely valid. False: not told
NUMBERS = (int, float)  # by exact type, since True is an int to isinstance
# What a number must be to be of these types. A float such as 1.0 is left to the validator: drafts differ.
TYPES: Mapping[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "number": NUMBERS,
    "integer": (int,),
    "boolean": (bool,),
    "null": (type(None),),
}
DISJOINT_NAMES = {"object", "array", "string", "number", "boolean", "null"}


def quick_check(schema: Any, keywords: frozenset[str]) -> Check | None:
    """Return the check of a valid schema, None where it uses a keyword that is not known here.

    ``keywords`` are those that mean something in the schema's draft. Each part of the schema is applied once at most,
    so the work is bounded by the schema.
    """
    if schema is True:
        return lambda _value: True
    if not isinstance(schema, dict):
        return None
    checks: list[Check] = []
    for keyword, stated in schema.items():
        if keyword not in keywords or keyword == "format":
            continue  # a remark
        make = _MAKERS.get(keyword)
        check = None if make is None else make(stated, schema, keywords)
        if check is None:
            return None
        checks.append(check)
    if len(checks) == 1:
        return checks[0]
    together = tuple(checks)

    def check_all(value: Any) -> bool:
        for check in together:  # noqa: SIM110 -- a generator would take twice as long
            if not check(value):
                return False
        return True

    return check_all


def _type(stated: Any, _schema: Any, _keywords: frozenset[str]) -> Check | None:
    names = [stated] if isinstance(stated, str) else stated
    if not isinstance(names, list) or not all(isinstance(name, str) and name in TYPES for name in names):
        return None
    types = frozenset(kind for name in names for kind in TYPES[name])
    return lambda value: type(value) in types


def _properties(stated: Any, _schema: Any, keywords: frozenset[str]) -> Check | None:
    checks: list[tuple[str, Check]] = []
    for name, inner in stated.items():
        check = quick_check(inner, keywords)
        if check is None:
            return None
        checks.append((name, check))

    def properties(value: Any) -> bool:
        if type(value) is dict:
            for name, check in checks:
                if name in value and not check(value[name]):
                    return False
        return True

    return properties


def _required(stated: Any, _schema: Any, _keywords: frozenset[str]) -> Check | None:
    if not isinstance(stated, list):  # a boolean in draft 3
        return None
    names = frozenset(stated)
    return lambda value: type(value) is not dict or names <= value.keys()


def _additional_properties(stated: Any, schema: Any, _keywords: frozenset[str]) -> Check | None:
    if stated is True:
        return lambda _value: True
    if stated is not False or "patternProperties" in schema:
        return None
    names = frozenset(schema.get("properties", ()))
    return lambda value: type(value) is not dict or value.keys() <= names


def _bound(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any, frozenset[str]], Check | None]:
    def make(stated: Any, schema: Any, _keywords: frozenset[str]) -> Check | None:
        # Draft 4 has booleans that make the neighbouring bound exclusive.
        if type(stated) not in NUMBERS or any(type(schema.get(name)) is bool for name in _EXCLUSIVE):
            return None
        return lambda value: type(value) not in NUMBERS or compare(value, stated)

    return make


_EXCLUSIVE = ("exclusiveMinimum", "exclusiveMaximum")


def _length(compare: Callable[[int, int], bool]) -> Callable[[Any, Any, frozenset[str]], Check | None]:
    def make(stated: Any, _schema: Any, _keywords: frozenset[str]) -> Check | None:
        if type(stated) is not int:
            return None
        return lambda value: type(value) is not str or compare(len(value), stated)

    return make


def _pattern(stated: Any, _schema: Any, _keywords: frozenset[str]) -> Check | None:
    search = re.compile(stated).search
    return lambda value: type(value) is not str or search(value) is not None


def _enum(stated: Any, _schema: Any, _keywords: frozenset[str]) -> Check | None:
    texts = frozenset(option for option in stated if isinstance(option, str))
    return lambda value: type(value) is str and value in texts


def _const(stated: Any, _schema: Any, _keywords: frozenset[str]) -> Check | None:
    return lambda value: type(value) is str and value == stated


def _any_of(stated: Any, _schema: Any, keywords: frozenset[str]) -> Check | None:
    checks = [quick_check(option, keywords) for option in stated]
    known = [check for check in checks if check is not None]
    return (lambda value: any(check(value) for check in known)) if len(known) == len(checks) else None


def _one_of(stated: Any, schema: Any, keywords: frozenset[str]) -> Check | None:
    """Exactly one: only where the types are such that two cannot fit at once."""
    names = [option.get("type") if isinstance(option, dict) else None for option in stated]
    plain = ["number" if name == "integer" else name for name in names]
    if not all(isinstance(name, str) and name in DISJOINT_NAMES for name in plain):
        return None
    return _any_of(stated, schema, keywords) if len(set(plain)) == len(plain) else None


def _all_of(stated: Any, _schema: Any, keywords: frozenset[str]) -> Check | None:
    checks = [quick_check(option, keywords) for option in stated]
    known = [check for check in checks if check is not None]
    return (lambda value: all(check(value) for check in known)) if len(known) == len(checks) else None


_MAKERS: Mapping[str, Callable[[Any, Any, frozenset[str]], Check | None]] = {
    "type": _type,
    "properties": _properties,
    "required": _required,
    "additionalProperties": _additional_properties,
    "minimum": _bound(lambda value, bound: bool(value >= bound)),
    "maximum": _bound(lambda value, bound: bool(value <= bound)),
    "exclusiveMinimum": _bound(lambda value, bound: bool(value > bound)),
    "exclusiveMaximum": _bound(lambda value, bound: bool(value < bound)),
    "minLength": _length(lambda length, bound: length >= bound),
    "maxLength": _length(lambda length, bound: length <= bound),
    "pattern": _pattern,
    "enum": _enum,
    "const": _const,
    "anyOf": _any_of,
    "oneOf": _one_of,
    "allOf": _all_of,
}
