"""The calendars that rules name: read whole, once, so that a rule means the same until the next start."""

from __future__ import annotations

import os
import stat
from pathlib import Path


def check_calendar(path: Path, time_zone: str) -> None:
    """Raise ``ValueError`` unless this is a calendar that can be used."""
    from stream_rcf.pipeline.quiet_calendar import quiet_calendar

    quiet_calendar(read_calendar(path), time_zone)


def read_calendar(path: Path) -> bytes:
    """Return what the file holds, or a little more than the most that a calendar may have; raises ``ValueError``."""
    from stream_rcf.pipeline.calendar_limits import MAX_BYTES

    try:
        # Without O_NONBLOCK a named pipe would hold us until somebody writes to it.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise ValueError("must be a file")
            return file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ValueError(f"must be a file that can be read: {error.strerror}") from None
