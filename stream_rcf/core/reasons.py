"""Why an event has no score, or why a high score was not flagged; and which corrections may hold an alert back."""

from __future__ import annotations

from enum import IntEnum, IntFlag


class Reason(IntEnum):
    """The closed set of reasons; ``text`` is what the record carries."""

    NONE = 0  # a score that speaks for itself
    SHINGLE_FILLING = 1  # fewer than shingle_size events: there is no point to score yet
    WARMING_UP = 2  # fewer than sample_size / 4 events: a score would mean little
    BELOW_FIRST_GRADE = 3  # above the threshold, but by less than one step of the grade
    IDLE_KEY_RETIRED = 4  # the first event after so long a pause that the key begins anew
    WITHIN_BUDGET = 5  # above the threshold, but not so rare that the alert budget has room for it
    # So rare that it would be an alert, but
    ALREADY_ALERTED = 6  # no rarer than another event shortly before
    DRIFT = 7  # the same, and so for many events: this is a new level
    NOISE = 8  # the features are constant but for the last bits of their numbers
    ANOMALY_IN_SHINGLE = 9  # what makes it strange are the records of an alert shortly before
    RULE = 10  # a rule of the settings covers it
    COOLDOWN = 11  # its key had an alert so shortly before that the settings want no other
    # No score, because the event was passed over, and nothing was learned of it:
    LATE_EVENT = 12  # its time lies too far behind its key's latest
    DUPLICATE_EVENT = 13  # its id is that of an event shortly before
    MISSING_FEATURES = 14  # it lacks features, and there is no record before to take them from

    @property
    def text(self) -> str | None:
        """Its name in the records, or None when there is nothing to explain."""
        return None if self is Reason.NONE else self.name.lower()


PASSED_OVER = Reason.LATE_EVENT  # from here on they are of events of which nothing was learned


class Correction(IntFlag):
    """What may hold back an alert by the budget (corrections.py); each may be left out."""

    REPEATED = 1  # no rarer than shortly before: already alerted, or a drift to a new level
    NOISE = 2  # a constant feature but for the last bits of its numbers
    SHINGLE = 4  # the anomaly of a record before, still inside the shingle


ALL_CORRECTIONS = Correction.REPEATED | Correction.NOISE | Correction.SHINGLE
