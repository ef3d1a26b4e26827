"""Durations and counts as people say them."""

from __future__ import annotations

SECOND, MINUTE, HOUR, DAY, WEEK = 1000, 60_000, 3_600_000, 86_400_000, 604_800_000  # milliseconds
UNITS = (
    (WEEK, "week"),
    (DAY, "day"),
    (HOUR, "hour"),
    (MINUTE, "minute"),
    (SECOND, "second"),
    (1, "millisecond"),
)
# Lengths that periods usually have, in milliseconds.
USUAL_PERIODS = (
    *(MINUTE * count for count in (1, 5, 10, 15, 30)),
    *(HOUR * count for count in (1, 2, 3, 4, 6, 8, 12)),
    DAY,
    WEEK,
)
USUAL_WITHIN = 0.02


def usual_length(milliseconds: float) -> float:
    """Return the usual length that this is within ``USUAL_WITHIN`` of, or itself."""
    near = (length for length in USUAL_PERIODS if abs(milliseconds - length) <= USUAL_WITHIN * length)
    return next(near, milliseconds)


def duration(milliseconds: float) -> str:
    """Return a duration in the largest unit that it has at least one of: "1 day", "2.5 hours"."""
    for size, name in UNITS:
        if milliseconds >= 0.995 * size:
            return count_of(round(milliseconds / size, 1), name)
    return count_of(round(milliseconds, 3), "millisecond")


def count_of(number: float, one: str, many: str | None = None) -> str:
    """Return a number with its noun: "1 key", "1,200 events", "0.5 days"."""
    return f"{figure(number)} {one if number == 1 else many or one + 's'}"


def figure(number: float) -> str:
    """Return a number without needless digits: whole from 100 on, else three digits."""
    if number == round(number) or abs(number) >= 100:
        return f"{round(number):,}"
    return f"{number:.3g}"
