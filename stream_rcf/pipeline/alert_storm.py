"""What a storm of alerts comes to while it goes on: how many, of which keys, which are the strongest, and for how long.

All of it is bounded: a storm may hold millions of alerts of as many keys.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import NamedTuple

MOST_KEY_CHARACTERS = 256  # of a key that is told or saved: longer ones are cut there
MOST_COUNTED_KEYS = 10_000  # of a storm: beyond, it has more; 160 kB of a checkpoint
MOST_STRONGEST = 10  # keys that a digest names: a message is to be read
MOST_FEATURES = 10  # that a digest names
MARK_CHARACTERS = 16  # of a key's mark


def mark_of(key: str) -> str:
    """What tells keys apart, however long they are: of 10,000 two are taken for one once in 10**11 storms."""
    return blake2b(key.encode("utf-8", "surrogatepass"), digest_size=MARK_CHARACTERS // 2).hexdigest()


class Alert(NamedTuple):
    """What is kept of an alert."""

    mark: str  # of its key
    key: str  # cut
    timestamp: int  # epoch ms
    score: float
    grade: float  # 0 to 1
    incident_id: str
    alert_id: str
    feature: str  # that has the greatest share of the score

    @property
    def strength(self) -> tuple[float, float]:
        """By which alerts are compared."""
        return self.grade, self.score


class Digest(NamedTuple):
    """What people are told of a storm in place of its alerts."""

    is_over: bool
    digest_id: str  # the alert at which the storm began
    first: int  # time of its first alert, epoch ms
    last: int  # the greatest time of its alerts
    held: int  # alerts that are not published on their own
    keys: int  # that had an alert
    has_more_keys: bool  # than were counted
    strongest: tuple[Alert, ...]  # one for each key, the strongest first
    features: Mapping[str, int]  # by feature: alerts in which it has the greatest share, the most often first


class Storm:
    """One storm. ``clock`` is how far the events' own time has come in it, which no single event moves by much."""

    def __init__(self, digest_id: str, first: int, clock: int) -> None:
        self.clock = clock
        self._digest_id = digest_id
        self._first = first
        self._last = first
        self._held = 0
        # The clock at the latest alerts of the keys that had one last, by mark.
        self._latest: dict[str, int] = {}
        self._marks: dict[str, None] = {}
        self._has_more = False
        self._strongest: list[Alert] = []
        self._features: dict[str, int] = {}

    def move_clock(self, timestamp: int, step: int) -> None:
        """Let an event go by: time goes on to its own, but no further than by ``step`` ms, and never back.

        So one event with a wrong time cannot end the storm, and many that are late do not prolong it.
        """
        self.clock = max(self.clock, min(timestamp, self.clock + step))

    def add(self, alert: Alert, followed: int, *, is_held: bool) -> None:
        """Count an alert; ``followed``: of how many keys the latest alert is kept in mind."""
        self._latest.pop(alert.mark, None)
        self._latest[alert.mark] = self.clock
        while len(self._latest) > followed:
            del self._latest[next(iter(self._latest))]
        self._held += is_held
        self._last = max(self._last, alert.timestamp)
        if alert.mark not in self._marks:
            if len(self._marks) < MOST_COUNTED_KEYS:
                self._marks[alert.mark] = None
            else:
                self._has_more = True
        self._features[alert.feature] = self._features.get(alert.feature, 0) + 1
        self._add_to_strongest(alert)

    def _add_to_strongest(self, alert: Alert) -> None:
        """Of each key the strongest alert, and of equal ones the first."""
        for place, other in enumerate(self._strongest):
            if other.mark == alert.mark:
                if other.strength < alert.strength:
                    self._strongest[place] = alert
                break
        else:
            self._strongest.append(alert)
        self._strongest.sort(key=lambda one: one.strength, reverse=True)
        del self._strongest[MOST_STRONGEST:]

    def is_over(self, span_ms: int) -> bool:
        """Whether not all keys that are kept in mind had an alert within the last ``span_ms``."""
        longest_ago = next(iter(self._latest.values()), self.clock - span_ms)
        return longest_ago <= self.clock - span_ms

    def digest(self, *, is_over: bool) -> Digest:
        """What is to be told now."""
        often = sorted(self._features.items(), key=lambda named: (-named[1], named[0]))[:MOST_FEATURES]
        return Digest(
            is_over,
            self._digest_id,
            self._first,
            self._last,
            self._held,
            len(self._marks),
            self._has_more,
            tuple(self._strongest),
            dict(often),
        )

    # -- checkpoints --------------------------------------------------------------------------------------------------

    def document(self) -> dict[str, object]:
        """All of it, as a checkpoint keeps it."""
        return {
            "digest_id": self._digest_id,
            "clock": self.clock,
            "first": self._first,
            "last": self._last,
            "held": self._held,
            "latest": [list(named) for named in self._latest.items()],
            "keys": "".join(self._marks),
            "has_more_keys": self._has_more,
            "strongest": [list(alert) for alert in self._strongest],
            "features": self._features,
        }

    @classmethod
    def from_document(cls, document: Mapping[str, object], followed: int) -> Storm:
        """Read back what ``document`` gave, to follow ``followed`` keys from now on.

        Raises ``ValueError`` and its like, also ``KeyError`` and ``TypeError``, for anything else.
        """
        storm = cls(text(document["digest_id"]), whole(document["first"]), whole(document["clock"]))
        storm._last, storm._held = whole(document["last"]), whole(document["held"], 0)
        storm._latest = dict(_latest(row) for row in rows(document["latest"])[-followed:])
        storm._marks = dict.fromkeys(marks_in(document["keys"]))
        has_more, features = document["has_more_keys"], document["features"]
        storm._strongest = [alert_of(row) for row in rows(document["strongest"])[:MOST_STRONGEST]]
        if not isinstance(has_more, bool) or not isinstance(features, dict) or not storm._strongest:
            raise TypeError("a storm is not what one comes to")
        storm._has_more = has_more
        storm._features = {text(name): whole(count, 0) for name, count in features.items()}
        return storm


def alert_of(row: object) -> Alert:
    """An alert out of a checkpoint. Raises ``ValueError`` and its like."""
    mark, key, timestamp, score, grade, incident_id, alert_id, feature = rows(row)
    return Alert(
        text(mark),
        text(key),
        whole(timestamp),
        _number(score),
        _number(grade),
        text(incident_id),
        text(alert_id),
        text(feature),
    )


def marks_in(value: object) -> list[str]:
    """Marks that were written one behind the other. Raises ``ValueError`` and its like."""
    written = text(value)
    count, rest = divmod(len(written), MARK_CHARACTERS)
    if rest:
        raise ValueError("a mark is cut")
    return [written[MARK_CHARACTERS * i : MARK_CHARACTERS * (i + 1)] for i in range(count)]


def rows(value: object) -> Sequence[object]:
    """A list. Raises ``TypeError`` for anything else."""
    if not isinstance(value, list):
        raise TypeError("a list is none")
    return value


def text(value: object) -> str:
    """A text. Raises ``TypeError`` for anything else."""
    if not isinstance(value, str):
        raise TypeError("a text is none")
    return value


def whole(value: object, least: int = -(2**63)) -> int:
    """A whole number from ``least``. Raises ``ValueError`` for anything else."""
    if type(value) is not int or value < least:
        raise ValueError("a number is out of its range")
    return value


def _number(value: object) -> float:
    if not isinstance(value, float):
        raise TypeError("a number is none")
    return value


def _latest(row: object) -> tuple[str, int]:
    mark, clock = rows(row)
    return text(mark), whole(clock)
