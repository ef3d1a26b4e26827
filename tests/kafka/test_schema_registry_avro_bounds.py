from __future__ import annotations

from typing import Any

import fastavro
import pytest

from stream_rcf.kafka.schema_registry_avro_bounds import MAX_DEPTH, MAX_VALUES, BoundsError, check_bounds


def check(schema: Any) -> None:
    named: Any = {}
    check_bounds(fastavro.parse_schema(schema, named), named)


def record(name: str, *kinds: Any) -> dict[str, Any]:
    return {
        "type": "record",
        "name": name,
        "fields": [{"name": f"f{i}", "type": kind} for i, kind in enumerate(kinds)],
    }


def complaint(schema: Any) -> str:
    with pytest.raises(BoundsError) as failure:
        check(schema)
    return str(failure.value)


@pytest.mark.parametrize(
    "schema",
    [
        "double",
        ["null", "string"],
        record("R"),
        record("R", "null", {"type": "map", "values": ["null", "long"]}),
        {"type": "array", "items": record("R", "string", *(["null", "double"],) * 50)},
        {"type": "array", "items": {"type": "array", "items": {"type": "fixed", "name": "F", "size": 1}}},
        {"type": "map", "values": "null"},  # each entry has a name
        record("R", record("A", "int"), "A", "A"),
    ],
)
def test_usual_schemas_pass(schema: Any) -> None:
    check(schema)


@pytest.mark.parametrize(
    "items",
    [
        "null",
        record("Empty"),
        record("Nulls", "null", "null"),
        {"type": "fixed", "name": "F", "size": 0},
        record("Wide", "boolean", *("null",) * 50),
    ],
)
def test_items_that_need_no_bytes_of_their_own_are_refused(items: Any) -> None:
    assert "array or a map" in complaint({"type": "array", "items": items})
    assert "array or a map" in complaint(
        record("R", {"type": "array", "items": {"type": "array", "items": items}})
    )


@pytest.mark.parametrize(
    "schema",
    [
        record("R", "R"),
        record("R", ["null", "R"]),
        record("R", {"type": "array", "items": "R"}),
        record("R", {"type": "map", "values": "R"}),
        record("A", record("B", ["null", "A"])),
    ],
)
def test_recursion_is_refused_in_every_guise(schema: Any) -> None:
    assert "recursive" in complaint(schema)


def test_records_that_double_are_refused_for_their_values() -> None:
    """Sixty records of two of the one before: a quintillion values in no byte."""
    kinds: list[Any] = [record("R0", "null", "null")]
    for i in range(1, 60):
        kinds.append(record(f"R{i}", f"R{i - 1}", f"R{i - 1}"))
    assert f"more than {MAX_VALUES} values" in complaint(record("Top", *kinds))


def test_depth_is_counted_through_names_too() -> None:
    nested: Any = "int"
    for _ in range(MAX_DEPTH + 1):
        nested = {"type": "array", "items": nested}
    assert f"more than {MAX_DEPTH} deep" in complaint(nested)
    chain = [record("R0", "int")] + [record(f"R{i}", f"R{i - 1}") for i in range(1, 2000)]
    assert f"more than {MAX_DEPTH} deep" in complaint(record("Top", *chain))


def test_a_union_of_nothing_is_refused() -> None:
    assert "union of nothing" in complaint(record("R", []))


@pytest.mark.parametrize("size", [-1, 1.5, "8", True])
def test_a_fixed_type_has_a_size(size: object) -> None:
    with pytest.raises(BoundsError, match="fixed type"):
        check_bounds({"type": "fixed", "name": "F", "size": size}, {})
