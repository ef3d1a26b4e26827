"""iCalendar files for tests, without the lines that are the same in all of them."""

from __future__ import annotations


def calendar(*events: str, head: str = "", uid: str = "") -> bytes:
    """Return a calendar of ``events``, each its lines; ``head`` stands before them. ``uid``: they are one series."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//tests//EN", *head.splitlines()]
    for number, event in enumerate(events):
        lines += ["BEGIN:VEVENT", f"UID:{uid or number}", *event.splitlines(), "END:VEVENT"]
    return "".join(line + "\r\n" for line in [*lines, "END:VCALENDAR"]).encode()
