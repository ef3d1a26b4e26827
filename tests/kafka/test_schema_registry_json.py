from __future__ import annotations

import json
from typing import Any

import pytest

from stream_rcf.kafka import schema_registry_json
from stream_rcf.kafka.schema_registry_json import MAX_CHARACTERS, MAX_STEPS, JsonSchemaFormat
from stream_rcf.pipeline.event_errors import EventError
from tests.kafka.schema_support import HEADER, compiled, fields, in_time, misfit, refusal

FORMAT = JsonSchemaFormat()
DRAFT_4 = "http://json-schema.org/draft-04/schema#"
DRAFT_7 = "http://json-schema.org/draft-07/schema#"
DRAFT_2020 = "https://json-schema.org/draft/2020-12/schema"
EVENT = {
    "$schema": DRAFT_7,
    "type": "object",
    "properties": {"key": {"type": "string"}, "value": {"type": "number", "minimum": 0}},
    "required": ["value"],
}


def outcome(schema: Any, document: Any, **references: Any) -> Any:
    texts = {name: json.dumps(text) for name, text in references.items()}
    decode = compiled(FORMAT, json.dumps(schema), **texts)
    value = document if isinstance(document, bytes) else json.dumps(document).encode()
    return in_time(lambda: decode(HEADER + value))


def test_a_document_that_fits_is_returned_as_it_is() -> None:
    document = {"key": "a", "value": 1.5, "more": [1, {"x": None}]}
    assert fields(outcome(EVENT, document)) == document


def test_one_that_does_not_fit_is_refused_with_place_and_reason() -> None:
    assert '"value", -1 is less than the minimum' in misfit(outcome(EVENT, {"value": -1}))
    assert "'value' is a required property" in misfit(outcome(EVENT, {"key": "a"}))
    assert '"key", 5 is not of type' in misfit(outcome(EVENT, {"key": 5, "value": 1}))


def test_what_is_no_json_object_is_refused_as_such() -> None:
    assert misfit(outcome(EVENT, b'{"value":'), EventError.INVALID_JSON)
    assert misfit(outcome(EVENT, b""), EventError.INVALID_JSON)
    assert misfit(outcome(EVENT, b"\xff"), EventError.INVALID_UTF8)
    assert misfit(outcome({}, [1]), EventError.NOT_AN_OBJECT)
    assert misfit(outcome(EVENT, b'{"value":NaN}'), EventError.NON_FINITE_NUMBER)


@pytest.mark.parametrize(
    ("schema", "fits", "does_not"),
    [
        ({"$schema": DRAFT_4, "properties": {"a": {"minimum": 1, "exclusiveMinimum": True}}},
         {"a": 2}, {"a": 1}),
        ({"$schema": DRAFT_7, "if": {"required": ["a"]}, "then": {"required": ["b"]}},
         {"c": 1}, {"a": 1}),
        ({"$schema": DRAFT_2020, "properties": {"a": {"prefixItems": [{"type": "null"}]}},
          "unevaluatedProperties": False}, {"a": [None, 1]}, {"b": 1}),
        ({"definitions": {"p": {"exclusiveMinimum": 0}}, "properties": {"a": {"$ref": "#/definitions/p"}}},
         {"a": 1}, {"a": 0}),
        ({"patternProperties": {"^[a-z]$": {"type": "number"}}, "additionalProperties": False}, {"a": 1}, {"ab": 1}),
        (True, {"a": 1}, None),
    ],
)  # fmt: skip
def test_schemas_of_several_drafts_mean_what_they_say(schema: Any, fits: Any, does_not: Any) -> None:
    assert fields(outcome(schema, fits)) == fits
    if does_not is not None:
        assert misfit(outcome(schema, does_not))


def test_references_are_found_by_name_and_by_id() -> None:
    common = {"$id": "http://shop/common.json", "definitions": {"v": {"type": "number"}}}
    for address in ("common.json", "http://shop/common.json"):
        schema = {"properties": {"value": {"$ref": f"{address}#/definitions/v"}}}
        assert fields(outcome(schema, {"value": 1}, **{"common.json": common}))
        assert misfit(outcome(schema, {"value": "x"}, **{"common.json": common}))


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:9/x.json", "file:///etc/passwd", "missing.json", "#/nowhere"]
)
def test_no_address_is_fetched(address: str) -> None:
    assert "not registered with it" in misfit(outcome({"$ref": address}, {}), EventError.INVALID_SCHEMA)


@pytest.mark.parametrize(
    "text",
    ["", "{", "12", '"x"', "null", "[]", '{"type": 5}', '{"pattern": "("}', '{"required": "a"}', "[" * 100_000,
     '{"items": ' * 500 + "{}" + "}" * 500, '{"properties": {"a": 5}}', '{"$schema": 5}'],
)  # fmt: skip
def test_a_text_that_is_no_schema_is_refused(text: str) -> None:
    assert refusal(FORMAT, text)


def test_a_huge_schema_is_refused_unread() -> None:
    properties = {f"f{i}": {"type": "number"} for i in range(20_000)}
    text = json.dumps({"properties": properties})
    assert len(text) > MAX_CHARACTERS
    assert f"more than {MAX_CHARACTERS} characters" in refusal(FORMAT, text)


def test_a_schema_that_leads_in_a_circle_ends() -> None:
    assert misfit(outcome({"$ref": "#"}, {}))
    assert misfit(outcome({"allOf": [{"$ref": "#"}, {"$ref": "#"}]}, {}))


def test_a_value_nested_too_deep_to_be_quoted_is_refused() -> None:
    nested = b'{"value":' + b"[" * 1000 + b"]" * 1000 + b"}"
    assert misfit(outcome(EVENT, nested))
    assert fields(outcome({}, nested))


def test_failures_beside_one_another_are_no_circle() -> None:
    options = [{"not": {"required": ["value"]}} for _ in range(300)]
    assert fields(outcome({"anyOf": [*options, {"not": {"required": ["key"]}}]}, {"value": 1}))


def test_a_schema_that_doubles_is_given_up() -> None:
    """Forty definitions, each of the next one twice: a trillion steps for an empty object."""
    definitions: dict[str, Any] = {
        f"d{i}": {"allOf": [{"$ref": f"#/definitions/d{i + 1}"}] * 2} for i in range(40)
    }
    definitions["d40"] = {}
    said = misfit(outcome({"$ref": "#/definitions/d0", "definitions": definitions}, {}))
    assert f"more than {MAX_STEPS} steps" in said


def test_steps_are_those_of_one_event() -> None:
    definitions: dict[str, Any] = {
        f"d{i}": {"allOf": [{"$ref": f"#/definitions/d{i + 1}"}] * 2} for i in range(8)
    }
    definitions["d8"] = {}
    decode = compiled(FORMAT, json.dumps({"$ref": "#/definitions/d0", "definitions": definitions}))
    for _ in range(MAX_STEPS // 500):
        assert decode(HEADER + b"{}") == {}


def test_unique_items_cost_what_they_may_take() -> None:
    document = {"a": [{"x": i} for i in range(20_000)]}
    assert "steps" in misfit(outcome({"properties": {"a": {"uniqueItems": True}}}, document))


def test_errors_over_a_large_value_cost_what_they_may_take() -> None:
    assert "steps" in misfit(outcome({"anyOf": [{"not": {}}] * 2000}, {"a": "x" * 500_000}))


def test_a_pattern_that_explodes_meets_no_long_text() -> None:
    schema = {"properties": {"key": {"pattern": "^(a+)+$"}}}
    assert fields(outcome(schema, {"key": "aaa"}))
    assert "too long for the schema's patterns" in misfit(outcome(schema, {"key": "a" * 40 + "!"}))
    names = {"patternProperties": {"^(a+)+$": {}}, "additionalProperties": False}
    assert "too long for the schema's patterns" in misfit(outcome(names, {"a" * 40 + "!": 1}))


def test_an_event_is_judged_alike_with_and_without_the_quick_check(monkeypatch: pytest.MonkeyPatch) -> None:
    documents = [{"value": 1}, {"value": -1}, {"key": 1, "value": 1}, {}, {"value": True}]
    quick = [outcome(EVENT, document) for document in documents]
    monkeypatch.setattr(schema_registry_json, "quick_check", lambda *_: None)
    assert [outcome(EVENT, document) for document in documents] == quick
