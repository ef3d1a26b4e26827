"""Ranges of the numbers that the demo and the generator take on their command lines."""

from __future__ import annotations

from stream_rcf.errors import UsageError


def require_range(name: str, value: float, least: float, most: float) -> None:
    """Raise ``UsageError`` unless the argument lies within the range."""
    if not least <= value <= most:  # NaN too
        raise UsageError(f"{name} is {value:g}, but must be between {least:g} and {most:g}")
