from __future__ import annotations

from datetime import date, time

import pytest
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from stream_rcf.settings.base import Section
from stream_rcf.settings.table_complaints import SHOWN_CHARACTERS, shown, table_complaint, table_model


class Inner(Section):
    """A table within a table."""

    size: int = 1


class Outer(Section):
    """A table of a list."""

    word: str
    words: tuple[str, ...] = ()
    inner: tuple[Inner, ...] = ()


class Whole(BaseModel):
    """The settings."""

    things: tuple[Outer, ...] = ()


THINGS: FieldInfo = Whole.model_fields["things"]


def complaints(things: object) -> list[str]:
    with pytest.raises(ValidationError) as failure:
        Whole(things=things)  # type: ignore[arg-type] # -- that it is refused is the point
    return [line for finding in failure.value.errors() for line in table_complaint(finding, THINGS, "here")]


def test_a_place_is_named_down_to_the_innermost_table() -> None:
    assert complaints([{"word": "a"}, {"word": "b", "inner": [{}, {"size": "x"}]}]) == [
        "things[1].inner[1].size is 'x' (here), but must be a whole number"
    ]


def test_what_is_missing_unknown_or_no_table() -> None:
    assert complaints([{"wrod": "a", "words": ["b", 1], "inner": [2]}, 3]) == [
        "things[0].word is missing (here)",
        'things[0].words holds 1 (here), but must be a list of texts, such as ["value"]',
        "things[0].inner[0] must be a table of settings (here)",
        "things[0].wrod is not a setting (here); did you mean word?",
        "things[1] must be a table of settings (here)",
    ]


def test_only_lists_of_tables_have_a_table() -> None:
    assert table_model(THINGS) is Outer
    assert {name: table_model(field) for name, field in Outer.model_fields.items()} == {
        "word": None,
        "words": None,
        "inner": Inner,
    }


def test_a_value_is_shown_as_it_is_written_and_not_at_any_length() -> None:
    assert [shown(value) for value in ("a", 5, date(2026, 1, 2), time(6, 0))] == [
        "'a'",
        "5",
        "2026-01-02",
        "06:00:00",
    ]
    assert shown("x" * 1000) == "'" + "x" * (SHOWN_CHARACTERS - 1) + "..."
