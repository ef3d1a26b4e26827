"""How soon a worker that died is started again, and when that is no use any more."""

from __future__ import annotations

FIRST_DELAY_SECONDS = 0.5  # before the first new start; each early death doubles it
LONGEST_DELAY_SECONDS = 10.0
EARLY_SECONDS = 60.0  # a death before this age counts as early: the cause is still there
MOST_EARLY_DEATHS = 5  # in a row
HOPELESS_EXIT_CODES = (2,)  # wrong settings do not get better


class Restarts:
    """The deaths of one worker."""

    def __init__(self) -> None:
        self._early = 0

    def delay_after(self, exit_code: int, age_seconds: float) -> float | None:
        """Seconds to wait before the next start, after a death at this age; None when it should not come."""
        if exit_code in HOPELESS_EXIT_CODES:
            return None
        self._early = self._early + 1 if age_seconds < EARLY_SECONDS else 1
        if self._early >= MOST_EARLY_DEATHS:
            return None
        return float(min(FIRST_DELAY_SECONDS * 2 ** (self._early - 1), LONGEST_DELAY_SECONDS))
