"""What is said of a metric before it has a value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["counter", "gauge", "histogram"]


@dataclass(frozen=True, slots=True)
class MetricDeclaration:
    """One metric; ``hint`` says what a bad value means and is part of the help text."""

    name: str
    kind: Kind
    unit: str
    help: str
    hint: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()

    @property
    def documentation(self) -> str:
        """The text that ``/metrics`` shows."""
        return f"{self.help} {self.hint}"
