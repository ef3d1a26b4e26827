"""A key's last readings, and how an anomalous value compares with them, in words."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

LATEST_READINGS = 96  # two days of the made-up hosts
STUCK_READINGS = 4  # equal values in a row that no measurement gives by chance
LEAST_READINGS = 8  # before a range means something


class History:
    """The usual and the very last values of each feature of one key."""

    def __init__(self) -> None:
        self._usual: dict[str, deque[float]] = {}
        self._last: dict[str, deque[float]] = {}

    def add(self, values: Mapping[str, float], is_usual: bool) -> None:
        """Remember one event's values; the anomalous ones do not widen the usual range."""
        for feature, value in values.items():
            if is_usual:
                self._usual.setdefault(feature, deque(maxlen=LATEST_READINGS)).append(value)
            self._last.setdefault(feature, deque(maxlen=STUCK_READINGS)).append(value)

    def explain(self, feature: str, value: float) -> str:
        """Why ``value`` stands out, as far as the last readings tell."""
        last = self._last.get(feature, ())
        if len(last) == STUCK_READINGS and all(earlier == value for earlier in last):
            return f"stuck: the same for {STUCK_READINGS} readings or more"
        usual = self._usual.get(feature, ())
        if len(usual) < LEAST_READINGS:
            return "unlike the little that was learned so far"
        low, high = min(usual), max(usual)
        if value > high:
            return f"above its usual {low:.5g} to {high:.5g}"
        if value < low:
            return f"below its usual {low:.5g} to {high:.5g}"
        return f"within its usual {low:.5g} to {high:.5g}, but out of its pattern"
