from __future__ import annotations

import pytest

from stream_rcf.pipeline.paths import path_reader

EVENT = {"host": {"name": "web", "load": {"one": 0.5}}, "cpu.load": 1.0, "list": [1], "nothing": None}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("host.name", "web"),
        ("host.load.one", 0.5),
        ("cpu.load", 1.0),
        ("host", EVENT["host"]),
        ("host.missing", None),
        ("host.name.deeper", None),
        ("list.0", None),
        ("nothing", None),
        ("nothing.deeper", None),
        ("absent", None),
        ("absent.deeper", None),
    ],
)
def test_a_path_leads_to_its_value_or_to_none(path: str, value: object) -> None:
    assert path_reader(path)(EVENT) == value


def test_a_field_of_the_whole_name_comes_before_the_nested_one() -> None:
    assert path_reader("a.b")({"a.b": 1, "a": {"b": 2}}) == 1
    assert path_reader("a.b")({"a.b": None, "a": {"b": 2}}) == 2
