"""Values that more than one format has, in the forms that the rest of decoding understands."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MAX_MICROSECONDS = 253_402_300_800_000_000  # the year 10000, where datetime ends
MAX_NUMBER_BYTES = 512  # of a decimal; the largest double takes 128


def moment(microseconds: int) -> datetime | str:
    """Return a time since 1970 as such, and one that no ``datetime`` holds as text, which is refused as a time.

    As a plain number its unit would be guessed by magnitude, and wrongly for times near 1970.
    """
    if -62_135_596_800_000_000 <= microseconds < MAX_MICROSECONDS:  # the year 1
        return EPOCH + timedelta(microseconds=microseconds)
    return f"{microseconds} microseconds since 1970"


def decimal_number(unscaled: bytes, scale: int) -> float:
    """Return ``unscaled / 10**scale`` rounded once; ``unscaled`` is big-endian two's complement.

    What is beyond a double becomes infinite, which is refused as a feature.
    """
    if len(unscaled) > MAX_NUMBER_BYTES:
        return float("inf")
    number = int.from_bytes(unscaled, signed=True)
    try:
        return number / _power(scale)
    except OverflowError:
        return float("inf") if number > 0 else float("-inf")


@lru_cache(maxsize=256)
def _power(scale: int) -> int:
    return int(10**scale)
