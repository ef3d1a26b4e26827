"""Which time zones there are, and which years events have."""

from __future__ import annotations

from zoneinfo import ZoneInfo, available_timezones

EARLIEST = 0  # 1970-01-01, in epoch milliseconds
LATEST = 4_102_444_800_000  # 2100-01-01, exclusive, in epoch milliseconds
MILLISECONDS_PER_SECOND = 1000


def time_zone_complaint(name: str) -> str:
    """Return what a time zone of this name "must be", or nothing where the machine knows it."""
    try:
        ZoneInfo(name)
    except (ValueError, OSError, LookupError):
        return (
            "a time zone such as Europe/Berlin"
            if available_timezones()
            else "known to the machine: install tzdata"
        )
    return ""
