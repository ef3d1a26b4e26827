"""What parameters must be, said the same way everywhere."""

from __future__ import annotations

from stream_rcf.errors import UsageError


def require(condition: bool, name: str, value: object, allowed: str) -> None:
    """Raise ``UsageError`` unless the condition holds; ``allowed`` ends the sentence "... but must be"."""
    if not condition:
        raise UsageError(f"{name} is {value!r}, but must be {allowed}")
