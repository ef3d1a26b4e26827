"""The slow twin of the decision by the budget: one signal after the other, by what people said of each.

Without rules of the settings, noise and echoes, which other tests are about.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

MOST_BEARABLE = 0.005
DRIFT_EVENTS = 20
FULL_GRADE = 100.0  # times rarer than need be
GRADE_STEPS = 16


class Signal(NamedTuple):
    """One feature's, or the forest's."""

    rarity: float
    sensitivity: float  # the forest's is that of what made the most of its score
    is_news: bool


def bearable(usual: float, sensitivity: float) -> float:
    """Below what probability a signal is an alert; more sensitive up to a bound, less without one."""
    if sensitivity > 1:
        return max(usual, min(usual * sensitivity, MOST_BEARABLE))
    return usual * sensitivity


def decide(usual: float, signals: Sequence[Signal], spared: float, row: int) -> tuple[float, str]:
    """(grade, reason). The last signal is the forest's; ``spared`` is how rare it would be without what is less
    sensitive. ``row``: unlikely events in a row, this one among them."""
    grades: list[float] = []
    held: list[tuple[float, str]] = []
    for number, signal in enumerate(signals):
        limit = bearable(usual, signal.sensitivity)
        if number == len(signals) - 1 and limit < signal.rarity <= usual and spared <= usual:
            limit = usual
        if signal.rarity <= limit:
            if signal.is_news:
                steps = 1 + math.floor(math.log(limit / signal.rarity) / math.log(FULL_GRADE) * GRADE_STEPS)
                grades.append(min(1.0, steps / GRADE_STEPS))
            else:
                held.append((signal.rarity, "drift" if row >= DRIFT_EVENTS else "already_alerted"))
        elif signal.rarity <= usual:
            held.append((signal.rarity, "rule"))
    if grades:
        return max(grades), "none"
    return 0.0, min(held, key=lambda entry: entry[0])[1] if held else "none"
