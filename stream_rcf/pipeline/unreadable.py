"""Why a record could not be read as JSON: a second, slower look, taken only after the parser refused."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence

from stream_rcf.pipeline.event_errors import EventError, printable, quoted_path
from stream_rcf.pipeline.events import Rejection
from stream_rcf.pipeline.paths import Reader

DETAIL_CHARACTERS = 120  # the parser's own words are short; this only bounds them


def explain_unreadable(value: bytes, detail: str, features: Sequence[tuple[str, Reader]]) -> Rejection:
    """Return the reason for a value that is not JSON, whose parser said ``detail``.

    Many programs write NaN and Infinity as if JSON had them. Where that is all that is wrong, the reason says
    so and names the feature, since "invalid JSON" would send a person looking for a missing bracket.
    """
    try:
        text = value.decode()
    except UnicodeDecodeError as error:
        return Rejection(EventError.INVALID_UTF8, f"the value is not UTF-8 (at its byte {error.start})")
    invalid = Rejection(
        EventError.INVALID_JSON, f"the value is not JSON: {printable(detail, DETAIL_CHARACTERS)}"
    )
    constants: list[str] = []

    def note_constant(name: str) -> float:
        constants.append(name)
        return math.nan

    try:
        document = json.loads(text, parse_constant=note_constant)
    except (ValueError, RecursionError):  # RecursionError: nested too deeply for this parser too
        return invalid
    if not isinstance(document, dict):
        return invalid
    for path, read in features:
        number = read(document)
        if isinstance(number, float) and not math.isfinite(number):
            return Rejection(
                EventError.NON_FINITE_NUMBER,
                f"the feature at {quoted_path(path)} is not a finite number, which JSON cannot hold",
            )
    if constants:
        return Rejection(
            EventError.NON_FINITE_NUMBER, f"the value holds {constants[0]}, which JSON does not have"
        )
    return invalid
