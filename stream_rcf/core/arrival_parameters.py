"""What becomes of events that do not come as they should, as it is asked for."""

from __future__ import annotations

from dataclasses import dataclass

from stream_rcf.core.requirements import require

MILLISECONDS = 1000  # of a second
MAX_PAUSE_SECONDS = 10**10  # three centuries: more than timestamps can lie apart
MAX_PAUSE_MS = MILLISECONDS * MAX_PAUSE_SECONDS
ANY_LATENESS = -1  # of events: none is too late
MAX_REMEMBERED_IDS = 4096  # of a key, 8 bytes each, all of them looked at for every event


def pause_ms(seconds: float | None, name: str = "retire_after_seconds") -> int:
    """So many seconds as a number of milliseconds, 0 for None, which is never; ``name``: what they are the value of.

    Raises ``UsageError`` for less than a millisecond, which would be never too, and for more than three centuries.
    """
    if seconds is None:
        return 0
    require(
        0.001 <= seconds <= MAX_PAUSE_SECONDS,
        name,
        seconds,
        f"between 0.001 and {MAX_PAUSE_SECONDS}, or None for never",
    )
    return round(MILLISECONDS * seconds)


@dataclass(frozen=True, slots=True)
class ArrivalParameters:
    """What becomes of events that do not come as they should.

    ``allowed_lateness_ms``: an event whose time lies further behind its key's latest is passed over; ``ANY_LATENESS``
    scores every event in the order in which they come. Over windows it is how long after its end a window is closed, 0
    for ``ANY_LATENESS``, and an event whose window is closed is passed over. ``max_gap_ms``: after a longer pause of
    its key the shingle begins anew, so that none spans the pause, and what the model knows stays; 0 for never.
    ``remembered_ids``: so many ids of a key's latest events are kept, and an event with one of them is passed over; 0
    for none. ``fills_missing``: whether a record may lack features, which then count as they were in the record before.
    """

    allowed_lateness_ms: int = ANY_LATENESS
    max_gap_ms: int = 0
    remembered_ids: int = 0
    fills_missing: bool = False

    def __post_init__(self) -> None:
        require(
            ANY_LATENESS <= self.allowed_lateness_ms <= MAX_PAUSE_MS,
            "allowed_lateness_ms",
            self.allowed_lateness_ms,
            f"between 0 and {MAX_PAUSE_MS}, or {ANY_LATENESS} for any",
        )
        require(
            0 <= self.max_gap_ms <= MAX_PAUSE_MS,
            "max_gap_ms",
            self.max_gap_ms,
            f"between 0 and {MAX_PAUSE_MS}",
        )
        require(
            0 <= self.remembered_ids <= MAX_REMEMBERED_IDS,
            "remembered_ids",
            self.remembered_ids,
            f"between 0 and {MAX_REMEMBERED_IDS}",
        )
