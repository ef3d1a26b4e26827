"""What people know of their data that no model can: which anomalies of a feature are not worth an alert, and when.

A rule changes neither scores nor what is learned. It is judged for each feature by itself, so that a rule about one
never hides an anomaly of another, and from the event and the settings alone: the clock is never asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import inf
from typing import NamedTuple, TypeVar

import numpy as np

from stream_rcf.pipeline.events import Event
from stream_rcf.pipeline.key_patterns import KeyPatterns
from stream_rcf.pipeline.quiet_times import BatchTimes, QuietTimes

RISE, DROP = 1, 2  # bits of what is muted
BOTH = RISE | DROP
ABOVE, BELOW = 0, 1  # what was expected
MAX_KNOWN_KEYS = 100_000  # some 16 MB; a key that was forgotten is matched anew, in microseconds
MAX_KNOWN_CELLS = 1_000_000  # groups of rules times features, 49 bytes each
NO_GROUP = -1
# When, and what holds then: for the features by their index nothing, or what a rule says.
QuietFeatures = tuple[QuietTimes, tuple[int, ...]]
TimedRule = tuple[QuietTimes, "Rule"]
Timed = TypeVar("Timed", QuietFeatures, TimedRule)


@dataclass(frozen=True)
class Rule:
    """One rule: for which keys and features, and what of them is no alert. What is left out holds nothing back."""

    name: str
    keys: tuple[str, ...]  # patterns, of which one must fit
    features: tuple[int, ...]  # by their index
    muted: int = 0  # RISE, DROP or both: anomalies in this direction are no alerts
    # Distance from what was expected that is no alert: in the feature's unit, and as a share of the value's magnitude.
    above: float = 0.0
    below: float = 0.0
    above_ratio: float = 0.0
    below_ratio: float = 0.0
    least: float = -inf  # lower values are no alerts
    most: float = inf  # higher ones neither
    quiet: tuple[QuietTimes, ...] = ()  # when none is
    during: QuietTimes | None = None  # when all but `quiet` holds; None for always


class RuledBatch(NamedTuple):
    """What the rules say of each event and feature of a batch."""

    muted: np.ndarray  # (m, dimensions) uint8: 1 where a rise is no alert, 2 where a drop is none, 3 for both
    # (m, dimensions, 2) float64, at least 0: how far the value may lie above and below what was expected.
    tolerance: np.ndarray


class _Table(NamedTuple):
    """What holds for a group of rules, (groups, dimensions) each: as in ``Rule``."""

    muted: np.ndarray  # uint8
    distance: np.ndarray  # above and below, in a third dimension
    share: np.ndarray  # likewise
    least: np.ndarray
    most: np.ndarray


def _table(groups: int, dimensions: int) -> _Table:
    """A table of groups without rules."""
    shape = (groups, dimensions)
    return _Table(
        np.zeros(shape, np.uint8),
        np.zeros((*shape, 2)),
        np.zeros((*shape, 2)),
        np.full(shape, -inf),
        np.full(shape, inf),
    )


class _Groups:
    """Sets of rules that apply to a key together, each made into one: muting adds up, and the larger tolerance holds.

    Groups have numbers from 0, and stand side by side in arrays, so that a batch of any keys is judged in few steps.
    """

    def __init__(self, rules: Sequence[Rule], dimensions: int) -> None:
        self._rules = rules
        self._dimensions = dimensions
        self._number_of: dict[tuple[int, ...], int] = {}
        self._table = _table(1, dimensions)
        self._quiet: list[list[QuietFeatures]] = []  # by group
        self._timed: list[list[TimedRule]] = []  # by group

    def __len__(self) -> int:
        return len(self._number_of)

    def number(self, indices: tuple[int, ...]) -> int:
        """Return the number of the group of these rules, which is made where it is not known."""
        known = self._number_of.get(indices)
        if known is not None:
            return known
        number = len(self._number_of)
        if number == len(self._table.muted):
            larger = _table(2 * number, self._dimensions)
            for array, old in zip(larger, self._table, strict=True):
                array[:number] = old
            self._table = larger
        rules = [self._rules[index] for index in indices]
        for rule in rules:
            if rule.during is None:
                self._add(number, rule)
        self._quiet.append([(quiet, rule.features) for rule in rules for quiet in rule.quiet])
        self._timed.append([(rule.during, rule) for rule in rules if rule.during is not None])
        self._number_of[indices] = number
        return number

    def judge(
        self, numbers: np.ndarray, values: np.ndarray, times: BatchTimes, rows: np.ndarray
    ) -> RuledBatch:
        """Say what holds for the events of ``rows``, whose groups and values these are, in the order of ``rows``."""
        table = self._table
        # A value that is missing (NaN) is neither too small nor too large, and has no magnitude to take a share of.
        out_of_range = (values < table.least[numbers]) | (values > table.most[numbers])
        muted = np.where(out_of_range, np.uint8(BOTH), table.muted[numbers])
        shares = table.share[numbers] * np.abs(values)[:, :, np.newaxis]
        ruled = RuledBatch(muted, np.fmax(table.distance[numbers], shares))
        for (during, rule), places in _places_of(self._timed, numbers).items():
            _apply(rule, ruled, values, places[during.covers(times, rows[places])])
        for (quiet, features), places in _places_of(self._quiet, numbers).items():
            covered = places[quiet.covers(times, rows[places])]
            muted[np.ix_(covered, features)] = BOTH
        return ruled

    def _add(self, number: int, rule: Rule) -> None:
        table, features = self._table, list(rule.features)
        table.muted[number, features] |= rule.muted
        distances, shares = (rule.above, rule.below), (rule.above_ratio, rule.below_ratio)  # ABOVE, BELOW
        table.distance[number, features] = np.maximum(table.distance[number, features], distances)
        table.share[number, features] = np.maximum(table.share[number, features], shares)
        table.least[number, features] = np.maximum(table.least[number, features], rule.least)
        table.most[number, features] = np.minimum(table.most[number, features], rule.most)


def _places_of(by_group: Sequence[Sequence[Timed]], numbers: np.ndarray) -> dict[Timed, np.ndarray]:
    """Where in ``numbers`` the groups are that have each of what holds at times, which many groups may share."""
    order = np.argsort(numbers, kind="stable")
    present, firsts = np.unique(numbers[order], return_index=True)
    begins: list[int] = firsts.tolist()
    ends = [*begins[1:], len(order)]
    parts: dict[Timed, list[np.ndarray]] = {}
    for number, begin, end in zip(present.tolist(), begins, ends, strict=True):
        for timed in by_group[number]:
            parts.setdefault(timed, []).append(order[begin:end])
    return {timed: np.unique(np.concatenate(places)) for timed, places in parts.items()}


def _apply(rule: Rule, ruled: RuledBatch, values: np.ndarray, places: np.ndarray) -> None:
    """Add what a rule says of the events at ``places`` to what is said of them."""
    at = np.ix_(places, np.array(rule.features, np.intp))
    of_rule = values[at]
    is_out = (of_rule < rule.least) | (of_rule > rule.most)
    ruled.muted[at] |= np.where(is_out, np.uint8(BOTH), np.uint8(rule.muted))
    distances, shares = (rule.above, rule.below), (rule.above_ratio, rule.below_ratio)  # ABOVE, BELOW
    for side in (ABOVE, BELOW):
        tolerated = np.fmax(distances[side], shares[side] * np.abs(of_rule))
        part = ruled.tolerance[:, :, side]
        part[at] = np.maximum(part[at], tolerated)


class RuleSet:
    """All rules of a deployment over its features. Not to be used by two threads at once."""

    def __init__(self, rules: Sequence[Rule], features: Sequence[str], fingerprint: str = "") -> None:
        """``features`` are the names by index, as every event's values are ordered.

        ``fingerprint``: equal for sets that say the same of every event.
        """
        self.rules = tuple(rules)
        self.fingerprint = fingerprint
        self._dimensions = len(features)
        self._patterns = KeyPatterns([rule.keys for rule in rules])
        self._most_groups = MAX_KNOWN_CELLS // self._dimensions
        self._groups = _Groups(self.rules, self._dimensions)
        self._group = lru_cache(MAX_KNOWN_KEYS)(self._group_of_key)  # the latest used stay

    def judge(self, events: Sequence[Event], values: np.ndarray, timestamps: np.ndarray) -> RuledBatch | None:
        """Return what the rules say of a batch, or None where they hold nothing back.

        ``values`` (m, dimensions) and ``timestamps`` (m,) are the numbers of ``events``, as ``EventArrays`` holds them.
        """
        if len(self._groups) > self._most_groups:
            self._groups = _Groups(self.rules, self._dimensions)
            self._group.cache_clear()
        find = self._group
        numbers = np.array([find(event.key) for event in events], np.intp)
        rows = np.flatnonzero(numbers != NO_GROUP)
        if not len(rows):
            return None
        ruled = self._groups.judge(numbers[rows], values[rows], BatchTimes(timestamps), rows)
        if not ruled.muted.any() and not ruled.tolerance.any():
            return None
        if len(rows) == len(events):
            return ruled
        shape = (len(events), self._dimensions)
        whole = RuledBatch(np.zeros(shape, np.uint8), np.zeros((*shape, 2)))
        whole.muted[rows], whole.tolerance[rows] = ruled
        return whole

    def names_for(
        self,
        event: Event,
        feature_index: int,
        *,
        rises: bool | None = None,
        distance: float | None = None,
    ) -> str:
        """Return which rules hold back an anomaly of the feature in the event: their names by commas, in their order.

        ``rises``: whether it is a rise; None for either. ``distance``: how far the value lies from what was expected,
        at least 0 and in the feature's unit; None for as little as a rule may ignore. Empty where none holds it back.
        """
        values = np.array([event.values], np.float64)
        times = BatchTimes(np.array([event.timestamp], np.int64))
        first = np.zeros(1, np.intp)
        names: list[str] = []
        for index in self._patterns.owners(event.key):
            rule = self.rules[index]
            alone = _Groups([rule], self._dimensions)
            alone.number((0,))
            ruled = alone.judge(first, values, times, first)
            muted = int(ruled.muted[0, feature_index])
            for side, direction in ((ABOVE, RISE), (BELOW, DROP)):
                if rises is not None and rises != (direction == RISE):
                    continue
                tolerated = float(ruled.tolerance[0, feature_index, side])
                if muted & direction or (tolerated > 0.0 and (distance is None or distance <= tolerated)):
                    names.append(rule.name)
                    break
        return ",".join(names)

    def _group_of_key(self, key: str) -> int:
        indices = self._patterns.owners(key)
        return self._groups.number(indices) if indices else NO_GROUP
