"""What a suggestion consists of."""

from __future__ import annotations

from typing import NamedTuple


class Proposal(NamedTuple):
    """One setting by its dotted name, its value, and one sentence that says why."""

    name: str
    value: object
    reason: str
