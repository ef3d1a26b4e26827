"""Pieces of JSON for records that are filled into templates: their fixed parts are written once, not for each event."""

from __future__ import annotations

from collections.abc import Sequence

import orjson


def template_text(text: str) -> bytes:
    """The text as JSON that stands for itself in a template."""
    return orjson.dumps(text).replace(b"%", b"%%")


def number_texts(numbers: Sequence[float]) -> list[bytes]:
    """Each number as it stands in the JSON records, written in one go."""
    return orjson.dumps(numbers)[1:-1].split(b",")
