"""What feedback and maintenance amount to at one moment of a partition's input: bounded, and never changed in place.

A moment's effects are those before it and the messages heard since, in their order; no clock is asked. Of each key,
feature and direction they hold how sensitive it is and how far off is no anomaly: feedback on one never masks another.
Where ``detector.decision`` is ``threshold`` the distance alone counts: there is no budget to be more sensitive by.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from math import isfinite
from typing import NamedTuple

import numpy as np

from stream_rcf.errors import CheckpointError
from stream_rcf.pipeline.events import Event
from stream_rcf.pipeline.notices import (
    ABOVE,
    BELOW,
    Cancel,
    Maintenance,
    Missed,
    NotAnAnomaly,
    Notice,
)
from stream_rcf.pipeline.quiet_times import Spans
from stream_rcf.pipeline.rules import Rule, RuleSet
from stream_rcf.time_zones import EARLIEST, LATEST

STEP = 4.0  # times as rare, or as frequent, may an alert be with each feedback
MOST_STEPS = 4  # in either direction: 256 times
TOLERANCE_MARGIN = 1.25  # of the distance from what was expected that was no anomaly
MOST_SIGNALS = 10_000  # features and directions of keys, of one partition
MOST_MAINTENANCES = 1_000
MOST_BYTES = (
    2**20
)  # of keys and names, for signals and for maintenance each: all is written with each checkpoint
SIGNAL_BYTES = 64  # of a signal's numbers, beside its key
FEEDBACK_NAME = "feedback"  # in the reason of an alert that is held back
MAINTENANCE_NAME = "maintenance"  # followed by its id


class Signal(NamedTuple):
    """What feedback made of one feature of a key in one direction."""

    steps: int  # above 0 more sensitive, below 0 less
    tolerance: float  # how far off in this direction is no alert, in the feature's unit
    alert: str  # of the latest feedback: the same one again says nothing new


Place = tuple[int, int]  # feature, direction
OfKey = Mapping[Place, Signal]


class KeyEffects:
    """What holds for one key, as the kernels take it."""

    def __init__(self, dimensions: int) -> None:
        self.tolerance = np.zeros((dimensions, 2))
        self.sensitivity = np.ones((dimensions, 2))
        self.holds_back = False  # whether any of it may be why there is no alert


class Effects:
    """Immutable; equal only to itself. ``dimensions``: the number of features."""

    def __init__(
        self,
        dimensions: int,
        signals: Mapping[str, OfKey] | None = None,
        maintenances: Mapping[str, Maintenance] | None = None,
    ) -> None:
        """``signals`` by key, both with the oldest first."""
        self._dimensions = dimensions
        self._signals = dict(signals or {})
        self._maintenances = dict(maintenances or {})
        self._made: dict[str, KeyEffects] = {}  # of keys that had events
        self.rules = _rules(tuple(self._maintenances.values()), dimensions)

    @property
    def is_empty(self) -> bool:
        """Whether they change nothing."""
        return not self._signals and self.rules is None

    @property
    def keys(self) -> int:
        """How many keys have feedback."""
        return len(self._signals)

    def of_key(self, key: str) -> KeyEffects | None:
        """What feedback says of a key, if anything."""
        made = self._made.get(key)
        if made is None and key in self._signals:
            made = self._made[key] = KeyEffects(self._dimensions)
            for (feature, direction), signal in self._signals[key].items():
                made.tolerance[feature, direction] = signal.tolerance
                made.sensitivity[feature, direction] = STEP**signal.steps
                made.holds_back |= signal.steps < 0 or signal.tolerance > 0.0
        return made

    @property
    def maintenances(self) -> tuple[Maintenance, ...]:
        """Those that were announced and not cancelled, past ones included."""
        return tuple(self._maintenances.values())

    def after(self, notices: Iterable[Notice]) -> tuple[Effects, int]:
        """The effects after further messages, and how many were let go of to stay within the bounds, oldest first."""
        signals, maintenances = dict(self._signals), dict(self._maintenances)
        is_told = is_announced = False
        for notice in notices:
            if isinstance(notice, NotAnAnomaly | Missed):
                # The key is the newest then.
                signals[notice.key] = _told(signals.pop(notice.key, {}), notice)
                is_told = True
            elif isinstance(notice, Maintenance):
                maintenances.pop(notice.name, None)
                maintenances[notice.name] = notice
                is_announced = True
            elif isinstance(notice, Cancel):
                maintenances.pop(notice.name, None)
            else:
                signals.pop(notice.key, None)
        dropped = _bound_signals(signals) if is_told else 0
        dropped += _bound_maintenances(maintenances) if is_announced else 0
        return Effects(self._dimensions, signals, maintenances), dropped

    def names_for(self, event: Event) -> list[str]:
        """What may hold an alert of this event back, as its reason says it."""
        names: list[str] = []
        if self.rules is not None:
            for feature in range(self._dimensions):
                names += filter(None, self.rules.names_for(event, feature).split(","))
        of_key = self.of_key(event.key)
        if of_key is not None and of_key.holds_back:
            names.append(FEEDBACK_NAME)
        return list(dict.fromkeys(names))

    def document(self) -> dict[str, object]:
        """All of it as JSON, oldest first."""
        return {
            "signals": [
                [key, *place, *signal]
                for key, of_key in self._signals.items()
                for place, signal in of_key.items()
            ],
            "maintenances": [
                [name, list(one.keys), list(one.features), one.begin, one.end]
                for name, one in self._maintenances.items()
            ],
        }

    @classmethod
    def from_document(cls, dimensions: int, document: Mapping[str, object], where: str) -> Effects:
        """Read back what ``document`` gave; ``where`` it was found. Raises ``CheckpointError`` for anything else."""
        signals, maintenances = document.get("signals"), document.get("maintenances")
        if not isinstance(signals, list) or not isinstance(maintenances, list):
            raise CheckpointError(
                f"{where} is corrupt: its feedback is not what a writer of this program wrote"
            )
        try:
            by_key: dict[str, dict[Place, Signal]] = {}
            for row in signals:
                key, place, signal = _read_signal(row, dimensions)
                by_key.setdefault(key, {})[place] = signal
            works = (_read_maintenance(row, dimensions) for row in maintenances)
            return cls(dimensions, by_key, {work.name: work for work in works})
        except (TypeError, ValueError, IndexError, KeyError) as problem:
            raise CheckpointError(f"{where} is corrupt: its feedback cannot be read ({problem})") from problem


def _told(of_key: OfKey, notice: NotAnAnomaly | Missed) -> OfKey:
    """What is said of a key after further feedback."""
    after = dict(of_key)
    for feature, direction, deviation in notice.abouts:
        steps, tolerance, alert = after.get((feature, direction), Signal(0, 0.0, ""))
        if notice.alert and notice.alert == alert:
            continue
        if isinstance(notice, Missed):
            steps, tolerance = min(steps + 1, MOST_STEPS), 0.0
        else:
            steps = max(steps - 1, -MOST_STEPS)
            tolerance = max(tolerance, TOLERANCE_MARGIN * deviation)
        after[feature, direction] = Signal(steps, tolerance, notice.alert)
    return after


def _bound_signals(signals: dict[str, OfKey]) -> int:
    """Let go of the keys that were told of the longest ago until the others fit; how many signals went."""
    count = sum(map(len, signals.values()))
    size = sum(_bytes_of(key, of_key) for key, of_key in signals.items())
    before = count
    while count > MOST_SIGNALS or size > MOST_BYTES:
        oldest = next(iter(signals))
        size -= _bytes_of(oldest, signals[oldest])
        count -= len(signals.pop(oldest))
    return before - count


def _bytes_of(key: str, of_key: OfKey) -> int:
    return (SIGNAL_BYTES + len(key.encode())) * len(of_key)


def _bound_maintenances(maintenances: dict[str, Maintenance]) -> int:
    """Let go of those that were announced the longest ago until the others fit; how many went."""
    sizes = [sum(len(text.encode()) for text in (name, *one.keys)) for name, one in maintenances.items()]
    dropped, size = 0, sum(sizes)
    while len(maintenances) > MOST_MAINTENANCES or size > MOST_BYTES:
        del maintenances[next(iter(maintenances))]
        size -= sizes[dropped]
        dropped += 1
    return dropped


@lru_cache(maxsize=4)
def _rules(maintenances: tuple[Maintenance, ...], dimensions: int) -> RuleSet | None:
    """One for all partitions that have heard of the same."""
    if not maintenances:
        return None
    rules = [
        Rule(
            f"{MAINTENANCE_NAME} {one.name}",
            one.keys,
            one.features,
            quiet=(Spans([(one.begin, one.end)]),),
        )
        for one in maintenances
    ]
    return RuleSet(rules, [""] * dimensions)


def _read_signal(row: list[object], dimensions: int) -> tuple[str, Place, Signal]:
    key, feature, direction, steps, tolerance, alert = row
    if not isinstance(tolerance, float) or not isfinite(tolerance) or tolerance < 0.0:
        raise ValueError("a tolerance is out of its range")
    place = (_whole(feature, 0, dimensions - 1), _whole(direction, ABOVE, BELOW))
    return _text(key), place, Signal(_whole(steps, -MOST_STEPS, MOST_STEPS), tolerance, _text(alert))


def _read_maintenance(row: list[object], dimensions: int) -> Maintenance:
    name, keys, features, begin, end = row
    if not isinstance(keys, list) or not isinstance(features, list):
        raise ValueError("a maintenance is of no keys or features")
    return Maintenance(
        _text(name),
        tuple(_text(key) for key in keys),
        tuple(_whole(feature, 0, dimensions - 1) for feature in features),
        _whole(begin, EARLIEST, LATEST),
        _whole(end, EARLIEST, LATEST),
    )


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("a name is no text")
    return value


def _whole(value: object, least: int, most: int) -> int:
    if type(value) is not int or not least <= value <= most:
        raise ValueError("a number is out of its range")
    return value
