"""Why an event has no score, or why a high score was not flagged."""

from __future__ import annotations

from enum import IntEnum


class Reason(IntEnum):
    """The closed set of reasons; ``text`` is what the record carries."""

    NONE = 0  # a score that speaks for itself
    SHINGLE_FILLING = 1  # fewer than shingle_size events: there is no point to score yet
    WARMING_UP = 2  # fewer than sample_size / 4 events: a score would mean little
    BELOW_FIRST_GRADE = 3  # above the threshold, but by less than one step of the grade
    IDLE_KEY_RETIRED = 4  # the first event after so long a pause that the key begins anew
    WITHIN_BUDGET = 5  # above the threshold, but not so rare that the alert budget has room for it

    @property
    def text(self) -> str | None:
        """Its name in the records, or None when there is nothing to explain."""
        return None if self is Reason.NONE else self.name.lower()
