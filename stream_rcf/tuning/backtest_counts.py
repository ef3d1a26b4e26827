"""What one or two settings would have alerted on, counted event by event in memory that grows with keys alone.

An *incident* is a run of alerts of one key that are at most ``gap`` events apart. Of two settings, incidents that come
within ``gap`` events of each other are the same one, seen by both. A labelled anomaly is a run of labelled events. It
is a *hit* with an alert in it or at most ``gap`` events after it, when a shingle may still hold it, else a *miss*. An
incident without such an alert is a *false alarm*.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

FIRST_ALERTS = 10  # kept of each key and side, with all that was said of them


@dataclass(frozen=True)
class Alert:
    """One alert: which event of its key, and what the detector said."""

    event: int  # from 1
    timestamp: int | None  # epoch ms
    score: float
    likelihood: float
    grade: float
    feature: str  # which made the score, mostly
    share: float  # its share
    other: str  # what the other settings said; empty without any


@dataclass
class SideCounts:
    """The alerts of one key by one settings."""

    alerts: int = 0
    incidents: int = 0
    hits: int = 0
    false_alarms: int = 0
    first: list[Alert] = field(default_factory=list)
    last_alert: int = 0  # event; 0 for none yet
    is_false: bool = True  # the present incident, as far as it goes
    has_hit: bool = False  # the latest labelled anomaly


@dataclass
class KeyCounts:
    """One key. ``only``: incidents that one side alone saw, by side; ``both``: that both saw."""

    sides: tuple[SideCounts, ...]
    events: int = 0
    first_time: int | None = None
    last_time: int | None = None
    anomalies: int = 0  # labelled ones
    last_label: int = 0  # event; 0 for none yet
    only: list[int] = field(default_factory=lambda: [0, 0])
    both: int = 0
    seen_by: int = 0  # bits of the sides that have seen the present joint incident
    last_joint: int = 0  # event of the latest alert of any side

    @property
    def span_ms(self) -> int:
        """From the earliest to the latest event; 0 where there is no time."""
        if self.first_time is None or self.last_time is None:
            return 0
        return self.last_time - self.first_time

    def misses(self, side: int) -> int:
        """Return the labelled anomalies that a side did not find."""
        return self.anomalies - self.sides[side].hits


class BacktestCounts:
    """Takes events in the order of their keys' streams."""

    def __init__(self, sides: int, gap: int) -> None:
        self.gap = gap
        self.keys: dict[str, KeyCounts] = {}
        self._sides = sides

    def add(
        self, key: str, timestamp: int | None, is_labelled: bool, alerts: Sequence[Alert | None]
    ) -> KeyCounts:
        """Count an event, with the alert of each side."""
        counts = self.keys.get(key)
        if counts is None:
            counts = self.keys[key] = KeyCounts(tuple(SideCounts() for _ in range(self._sides)))
        counts.events += 1
        if timestamp is not None:
            counts.first_time = timestamp if counts.first_time is None else min(counts.first_time, timestamp)
            counts.last_time = timestamp if counts.last_time is None else max(counts.last_time, timestamp)
        if is_labelled:
            self._count_label(counts)
        for side, alert in enumerate(alerts):
            if alert is not None:
                self._count_alert(counts, counts.sides[side], alert)
                self._count_joint(counts, side)
        return counts

    def events_of(self, key: str) -> int:
        """Return how many events of a key were counted."""
        counts = self.keys.get(key)
        return 0 if counts is None else counts.events

    def finish(self) -> None:
        """Close what is still open; nothing may be added afterwards."""
        for counts in self.keys.values():
            _close_joint(counts)
            for side in counts.sides:
                _close_incident(side)

    @staticmethod
    def _count_label(counts: KeyCounts) -> None:
        if counts.last_label == 0 or counts.last_label < counts.events - 1:
            counts.anomalies += 1
            for side in counts.sides:
                side.has_hit = False
        counts.last_label = counts.events

    def _count_alert(self, counts: KeyCounts, side: SideCounts, alert: Alert) -> None:
        side.alerts += 1
        if len(side.first) < FIRST_ALERTS:
            side.first.append(alert)
        if side.last_alert == 0 or counts.events - side.last_alert > self.gap:
            _close_incident(side)
            side.incidents += 1
            side.is_false = True
        side.last_alert = counts.events
        if counts.last_label and counts.events - counts.last_label <= self.gap:
            side.is_false = False
            if not side.has_hit:
                side.has_hit = True
                side.hits += 1

    def _count_joint(self, counts: KeyCounts, side: int) -> None:
        if counts.last_joint and counts.events - counts.last_joint > self.gap:
            _close_joint(counts)
        counts.seen_by |= 1 << side
        counts.last_joint = counts.events


def _close_incident(side: SideCounts) -> None:
    if side.last_alert and side.is_false:
        side.false_alarms += 1


def _close_joint(counts: KeyCounts) -> None:
    if counts.seen_by == 0b11:
        counts.both += 1
    elif counts.seen_by:
        counts.only[counts.seen_by - 1] += 1
    counts.seen_by = 0


@dataclass(frozen=True)
class SideTotal:
    """One settings over all keys."""

    alerts: int
    incidents: int
    keys: int  # with an alert
    hits: int
    misses: int
    false_alarms: int


@dataclass(frozen=True)
class Total:
    """All keys together."""

    events: int
    keys: int
    span_ms: int  # of all keys added up
    anomalies: int
    sides: tuple[SideTotal, ...]
    only: tuple[int, int]
    both: int


def total_of(counts: BacktestCounts) -> Total:
    """Add up all keys."""
    keys = list(counts.keys.values())
    number = len(keys[0].sides) if keys else 0
    anomalies = sum(key.anomalies for key in keys)
    sides = []
    for side in range(number):
        each = [key.sides[side] for key in keys]
        hits = sum(one.hits for one in each)
        sides.append(
            SideTotal(
                sum(one.alerts for one in each),
                sum(one.incidents for one in each),
                sum(one.alerts > 0 for one in each),
                hits,
                anomalies - hits,
                sum(one.false_alarms for one in each),
            )
        )
    return Total(
        sum(key.events for key in keys),
        len(keys),
        sum(key.span_ms for key in keys),
        anomalies,
        tuple(sides),
        (sum(key.only[0] for key in keys), sum(key.only[1] for key in keys)),
        sum(key.both for key in keys),
    )
