"""Event times in the forms people write them, as whole milliseconds since 1970 in UTC.

The bounds are fixed dates, never "now": a record read again next year must be judged as it is today.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

from stream_rcf.time_zones import EARLIEST, LATEST, MILLISECONDS_PER_SECOND

MILLISECONDS_PER_DAY = 86_400_000
MICROSECONDS_PER_SECOND = 1_000_000
NANOSECONDS_PER_MILLISECOND = 1_000_000
# The unit of a number is told by its magnitude: seconds reach 10**11 in the year 5138, and milliseconds
# passed it in March 1973. Each further unit is a factor of 1000.
SECONDS_LIMIT = 10**11
MILLISECONDS_LIMIT = 10**14
MICROSECONDS_LIMIT = 10**17

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NAIVE_EPOCH = _EPOCH.replace(tzinfo=None)  # a time without an offset is UTC
# Nine digits or more are a number; eight could be the date 20260101.
LEAST_NUMBER_DIGITS = 9
_NUMBER_TEXT = re.compile(r"-?([0-9]{9,20})(\.[0-9]{1,20})?", re.ASCII)


class TimestampError(ValueError):
    """The value is not a usable time; the message completes the sentence "the timestamp ... "."""


def epoch_milliseconds(value: object) -> int:
    """Return ``value`` as milliseconds since 1970 in UTC, rounded down.

    Accepts ISO 8601 text (a time without an offset is UTC, and a space may stand for the ``T``),
    ``datetime``, and seconds, milliseconds, microseconds or nanoseconds since 1970, told apart by magnitude,
    as a number or as nine digits or more. Whole numbers are converted exactly; a fraction is read to the
    microsecond, as a double can hold no more.
    Raises ``TimestampError`` for anything else and for times outside 1970 to 2099.
    """
    if type(value) is str:
        if value.isdigit() and len(value) >= LEAST_NUMBER_DIGITS:
            # Python reads a date into some of them: 1768010400000 as midnight of 4 January 1768.
            milliseconds = _from_number_text(value)
        else:
            milliseconds = _from_text(value)
    elif type(value) is int:  # by exact type: bool is an int to isinstance
        milliseconds = _from_integer(value)
    elif type(value) is float:
        milliseconds = _from_fraction(value)
    elif isinstance(value, datetime):
        milliseconds = _from_datetime(value)
    else:
        raise TimestampError("is neither text nor a number")
    if EARLIEST <= milliseconds < LATEST:
        return milliseconds
    raise TimestampError("lies outside the years 1970 to 2099")


def _from_text(text: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return _from_number_text(text)
    return _from_datetime(moment)


def _from_datetime(moment: datetime) -> int:
    since = moment - (_NAIVE_EPOCH if moment.tzinfo is None else _EPOCH)
    return (
        since.days * MILLISECONDS_PER_DAY
        + since.seconds * MILLISECONDS_PER_SECOND
        + since.microseconds // 1000
    )


def _from_number_text(text: str) -> int:
    if _NUMBER_TEXT.fullmatch(text) is None:
        raise TimestampError("is neither an ISO 8601 time nor seconds, ms, µs or ns since 1970")
    return _from_fraction(float(text)) if "." in text else _from_integer(int(text))


def _from_integer(number: int) -> int:
    magnitude = abs(number)
    if magnitude < SECONDS_LIMIT:
        return number * MILLISECONDS_PER_SECOND
    if magnitude < MILLISECONDS_LIMIT:
        return number
    if magnitude < MICROSECONDS_LIMIT:
        return number // 1000
    return number // NANOSECONDS_PER_MILLISECOND


def _from_fraction(number: float) -> int:
    magnitude = abs(number)
    if magnitude < SECONDS_LIMIT:
        return round(number * MICROSECONDS_PER_SECOND) // 1000
    if magnitude < MILLISECONDS_LIMIT:
        return round(number * 1000) // 1000
    if magnitude < MICROSECONDS_LIMIT:
        return round(number) // 1000
    if magnitude < float("inf"):
        return int(number) // NANOSECONDS_PER_MILLISECOND
    raise TimestampError("is not a finite number")
