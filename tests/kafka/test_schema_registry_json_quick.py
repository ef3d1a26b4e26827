from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft4Validator, Draft7Validator, Draft202012Validator

from stream_rcf.kafka.schema_registry_json_quick import quick_check

EVENT = {
    "$schema": "http://json-schema.org/draft-07/schema#",
    "title": "Event",
    "type": "object",
    "properties": {
        "key": {"type": "string", "pattern": "^host-[0-9]+$", "minLength": 1, "maxLength": 20},
        "timestamp": {"type": "integer", "connect.type": "int64"},
        "value": {"oneOf": [{"type": "null"}, {"type": "number", "minimum": 0, "exclusiveMaximum": 100}]},
        "kind": {"enum": ["disk", "cpu"]},
    },
    "required": ["key"],
    "additionalProperties": False,
}
KEYWORDS = frozenset(Draft7Validator.VALIDATORS)

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 3),
    st.sampled_from([0.5, 1.0, -1.0, 100.0]),
    st.text("abc", max_size=3),
)
documents = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(st.sampled_from("abcd"), inner)),
    max_leaves=6,
)
types = st.sampled_from(["object", "array", "string", "number", "integer", "boolean", "null"])


def schemas(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.fixed_dictionaries(
        {},
        optional={
            "type": st.one_of(types, st.lists(types, min_size=1, max_size=3, unique=True)),
            "properties": st.dictionaries(st.sampled_from("abcd"), inner, max_size=3),
            "required": st.lists(st.sampled_from("abcd"), max_size=2, unique=True),
            "additionalProperties": st.booleans(),
            "minimum": st.integers(-2, 2),
            "maximum": st.sampled_from([0.5, 1, 2]),
            "exclusiveMinimum": st.integers(-2, 2),
            "exclusiveMaximum": st.integers(-2, 2),
            "minLength": st.integers(0, 3),
            "maxLength": st.integers(0, 3),
            "pattern": st.sampled_from(["^a", "b$", "[bc]+"]),
            "enum": st.lists(scalars, min_size=1, max_size=3),
            "const": scalars,
            "anyOf": st.lists(inner, min_size=1, max_size=2),
            "oneOf": st.lists(inner, min_size=1, max_size=2),
            "allOf": st.lists(inner, min_size=1, max_size=2),
            "format": st.just("date-time"),
            "title": st.just("x"),
        },
    )


@given(st.recursive(schemas(st.just(True)), schemas, max_leaves=4), documents)
@pytest.mark.parametrize("validator", [Draft7Validator, Draft202012Validator])
def test_a_quick_yes_is_the_validators_yes(validator: Any, schema: Any, document: Any) -> None:
    check = quick_check(schema, frozenset(validator.VALIDATORS))
    if check is not None and check(document):
        assert validator(schema).is_valid(document)


def event(**fields: Any) -> dict[str, Any]:
    return {"key": "host-1", "timestamp": 5, "value": 1.5, "kind": "cpu", **fields}


def test_a_usual_event_gets_its_yes() -> None:
    check = quick_check(EVENT, KEYWORDS)
    assert check is not None
    for document in (event(), event(value=None), event(value=0), {"key": "host-22"}):
        assert check(document)
        assert Draft7Validator(EVENT).is_valid(document)


@pytest.mark.parametrize(
    "document",
    [
        event(key=1),
        event(key="web"),
        event(key="host-" + "1" * 20),
        event(timestamp=True),
        event(timestamp="5"),
        event(value=-1),
        event(value=100),
        event(value=False),
        event(kind="net"),
        event(more=1),
        {"value": 1.0},
        [],
        "x",
    ],
)
def test_what_does_not_fit_gets_none(document: Any) -> None:
    check = quick_check(EVENT, KEYWORDS)
    assert check is not None
    assert not check(document)
    assert not Draft7Validator(EVENT).is_valid(document)


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#/definitions/x"},
        {"not": {}},
        {"items": {"type": "number"}},
        {"properties": {"a": {"if": {}}}},
        {"patternProperties": {"a": {}}, "additionalProperties": False},
        {"additionalProperties": {"type": "string"}},
        {"oneOf": [{"type": "number"}, {"type": "integer"}]},
        {"oneOf": [{"minimum": 1}, {"maximum": 1}]},
        {"type": "any"},
        False,
    ],
)
def test_a_schema_with_more_to_it_has_no_quick_check(schema: Any) -> None:
    assert quick_check(schema, KEYWORDS) is None


def test_draft_4_means_something_else_by_exclusive() -> None:
    schema = {"minimum": 1, "exclusiveMinimum": True}
    assert quick_check(schema, frozenset(Draft4Validator.VALIDATORS)) is None
