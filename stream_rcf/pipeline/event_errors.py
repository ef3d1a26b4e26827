"""Why an event cannot be scored: a closed set of names, and sentences that quote the input safely.

Whatever stands in a sentence came from outside, so it is shortened and its control characters are
escaped: a reason is written to record headers, logs and terminals.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

QUOTED_CHARACTERS = 60  # enough to recognise a value, short enough for a header and for one line
PATH_CHARACTERS = 120  # a path comes from settings or a file's header, not from an event


class EventError(StrEnum):
    """The ``error`` header of a dead letter. Names are public: add to them, never rename one."""

    TOMBSTONE = "tombstone"  # the record has no value at all
    TOO_LARGE = "too_large"
    INVALID_UTF8 = "invalid_utf8"
    INVALID_JSON = "invalid_json"
    NOT_AN_OBJECT = "not_an_object"
    MISSING_SCHEMA_ID = "missing_schema_id"  # no magic byte and id before the payload
    UNKNOWN_SCHEMA = "unknown_schema"  # the registry has no schema of that id
    INVALID_SCHEMA = "invalid_schema"  # cannot be parsed, is of another format, or beyond our bounds
    INVALID_PAYLOAD = "invalid_payload"  # does not fit its schema
    MALFORMED_ROW = "malformed_row"  # a line of a CSV file that does not fit its header
    MISSING_KEY = "missing_key"
    EMPTY_KEY = "empty_key"
    INVALID_KEY = "invalid_key"  # not text or a whole number, or not UTF-8
    KEY_TOO_LONG = "key_too_long"
    INVALID_TIMESTAMP = "invalid_timestamp"
    MISSING_FEATURE = "missing_feature"
    NON_NUMERIC_FEATURE = "non_numeric_feature"
    NON_FINITE_NUMBER = "non_finite_number"
    NUMBER_OUT_OF_RANGE = "number_out_of_range"  # finite, but beyond a 32-bit float
    INVALID_FEEDBACK = "invalid_feedback"  # a message of the feedback topic that says nothing to act on
    INVALID_CONTROL = "invalid_control"  # the same of the control topic


def printable(text: str, limit: int = QUOTED_CHARACTERS) -> str:
    """Return at most ``limit`` characters of ``text``, unprintable ones escaped, ending in "..." if cut."""
    cut = len(text) > limit
    shown = "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode("ascii")
        for character in text[:limit]
    )
    return shown + "..." if cut else shown


def quoted(value: object) -> str:
    """Describe a parsed value in a sentence, in bounded time whatever its size."""
    if isinstance(value, str):
        return f'"{printable(value)}"'
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, int):
        # Past 64 bits only Python callers get here; str() of a huge integer is slow and may be refused.
        return str(value) if value.bit_length() <= 64 else "an integer beyond 64 bits"
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, Mapping):
        return f"an object of {len(value)} fields"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    return f"a {printable(type(value).__name__)}"


def quoted_path(path: str) -> str:
    """Quote a path as the settings wrote it."""
    return f'"{printable(path, PATH_CHARACTERS)}"'
