"""The scorer of the Numenta benchmark, written from its protocol (detection quality reference, section 1).

A row is an alarm where its score reaches the threshold. Of a window the earliest alarm counts, the more the earlier;
each alarm outside one costs, the more the further behind a window it lies. 100 is perfect, 0 is a detector that says
nothing; one that says much that is wrong is below.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from load_tests.quality.nab_corpus import Series, runs_of

FAR = 3.0  # window widths behind a window, from which an alarm costs all


@dataclass(frozen=True)
class Profile:
    """What is worth how much: a window found, one missed, an alarm outside."""

    name: str
    found: float
    missed: float
    false_alarm: float


STANDARD = Profile("standard", 1.0, 1.0, 0.11)
FEW_FALSE = Profile("reward low FP", 1.0, 1.0, 0.22)
FEW_MISSED = Profile("reward low FN", 1.0, 2.0, 0.11)
PROFILES = (STANDARD, FEW_FALSE, FEW_MISSED)


@dataclass(frozen=True)
class Sweep:
    """What each threshold would give over some files, from the highest observed score to the lowest.

    ``raw[i]`` is the sum over windows and alarms at ``thresholds[i]``; the first threshold is infinity: no alarm.
    """

    profile: Profile
    windows: int
    thresholds: np.ndarray
    raw: np.ndarray

    def at(self, threshold: float) -> float:
        """The normalised score at any threshold."""
        return self._normalised(self.raw_at(threshold))

    def raw_at(self, threshold: float) -> float:
        """The sum over windows and alarms at any threshold."""
        return float(self.raw[np.searchsorted(-self.thresholds, -threshold, side="right") - 1])

    def best(self) -> tuple[float, float]:
        """(threshold, normalised score) of the best threshold, chosen on the labels it is scored on."""
        best = int(np.argmax(self.raw))
        return float(self.thresholds[best]), self._normalised(self.raw[best])

    def _normalised(self, raw: float) -> float:
        least = -self.windows * self.profile.missed
        most = self.windows * self.profile.found
        return float(100.0 * (raw - least) / (most - least))


def sweep(corpus: Sequence[Series], scores: Sequence[np.ndarray], profile: Profile) -> Sweep:
    """Every threshold at once: each row or window adds a step at the score where it begins to count."""
    steps: list[np.ndarray] = []
    amounts: list[np.ndarray] = []
    windows = 0
    for series, score in zip(corpus, scores, strict=True):
        windows += len(series.windows)
        for at, amount in (
            _false_alarm_steps(series, score, profile),
            *_window_steps(series, score, profile),
        ):
            steps.append(at)
            amounts.append(amount)
    at = np.concatenate(steps)
    order = np.argsort(-at, kind="stable")
    none = -windows * profile.missed
    at, total = at[order], none + np.cumsum(np.concatenate(amounts)[order])
    is_last = np.append(at[1:] != at[:-1], True)
    return Sweep(profile, windows, np.append(np.inf, at[is_last]), np.append(none, total[is_last]))


def _sigmoid(position: np.ndarray | float) -> np.ndarray | float:
    return 2.0 / (1.0 + np.exp(5.0 * np.asarray(position))) - 1.0


def window_values(first: int, last: int, profile: Profile) -> np.ndarray:
    """What an alarm at each row of a window is worth, by row: all of it at the left edge."""
    width = last - first + 1
    return profile.found * _sigmoid(-(np.arange(width, 0, -1)) / width) / _sigmoid(-1.0)


def false_alarm_values(series: Series, profile: Profile) -> np.ndarray:
    """What an alarm at each row costs (below 0); 0 within windows and in probation."""
    rows = np.arange(len(series.values))
    values = np.full(len(rows), -profile.false_alarm)
    for first, last in series.windows:  # the latest window before a row is the one that counts
        position = (rows[last + 1 :] - last) / max(1, last - first)
        near = profile.false_alarm * np.where(position > FAR, -1.0, _sigmoid(np.minimum(position, FAR)))
        values[last + 1 :] = near
    values[series.in_window()] = 0.0
    values[: series.probation] = 0.0
    return values


def _false_alarm_steps(series: Series, score: np.ndarray, profile: Profile) -> tuple[np.ndarray, np.ndarray]:
    values = false_alarm_values(series, profile)
    counts = values != 0.0
    return score[counts], values[counts]


def _window_steps(series: Series, score: np.ndarray, profile: Profile) -> list[tuple[np.ndarray, np.ndarray]]:
    """A window's earliest alarm moves to the left, step by step, as the threshold sinks."""
    found: list[tuple[np.ndarray, np.ndarray]] = []
    for first, last in series.windows:
        inside = score[first : last + 1]
        before = np.concatenate([[-np.inf], np.maximum.accumulate(inside)[:-1]])
        # From the highest of them, the last, to the first row.
        highest = np.flatnonzero(inside > before)[::-1]
        worth = window_values(first, last, profile)[highest]
        found.append((inside[highest], np.diff(worth, prepend=-profile.missed)))
    return found


@dataclass(frozen=True)
class Alarms:
    """What a set of alarms found and cost in people's attention."""

    windows_found: int
    windows: int
    false_alarm_runs: int  # stretches of consecutive alarms outside windows
    standard: float  # the normalised score of the standard profile


def alarms(corpus: Sequence[Series], flags: Sequence[np.ndarray]) -> Alarms:
    """Alarms as they come: ``flags`` (n,) bool for each file."""
    found = runs = windows = 0
    for series, flag in zip(corpus, flags, strict=True):
        counted = flag.copy()
        counted[: series.probation] = False
        found += sum(bool(counted[first : last + 1].any()) for first, last in series.windows)
        runs += len(runs_of(counted & ~series.in_window()))
        windows += len(series.windows)
    standard = sweep(corpus, [flag.astype(np.float64) for flag in flags], STANDARD).at(1.0)
    return Alarms(found, windows, runs, standard)
