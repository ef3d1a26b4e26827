from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream_rcf.pipeline.event_errors import QUOTED_CHARACTERS, EventError, printable, quoted


def test_names_are_snake_case_text() -> None:
    for error in EventError:
        assert isinstance(error, str)
        assert error.encode() == error.name.lower().encode()


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "null"),
        (True, "true"),
        (False, "false"),
        (7, "7"),
        (2**64 - 1, "18446744073709551615"),
        (10**4000, "an integer beyond 64 bits"),
        (1.5, "1.5"),
        (float("nan"), "nan"),
        ("x", '"x"'),
        ([1, 2], "a list of 2"),
        ({"a": 1}, "an object of 1 fields"),
        (b"raw", "a bytes"),
    ],
)
def test_a_value_is_described(value: object, shown: str) -> None:
    assert quoted(value) == shown


def test_what_comes_from_outside_cannot_move_a_terminals_cursor() -> None:
    assert quoted("a\n\x1b[2Jb\x9b\u202e") == '"a\\n\\x1b[2Jb\\x9b\\u202e"'


def test_a_long_text_is_cut() -> None:
    assert quoted("x" * 10**6) == '"' + "x" * QUOTED_CHARACTERS + '..."'


@given(st.text(st.characters(), max_size=200))
def test_any_text_becomes_one_bounded_printable_line(text: str) -> None:
    shown = printable(text)
    assert shown.isprintable()
    assert len(shown) <= 10 * QUOTED_CHARACTERS + 3  # an escape has up to 10 characters
    shown.encode()
