"""What people tell the running service: that an alert was none, that one was missed, when maintenance is.

A feedback message is a JSON object with a ``verdict``. ``not_an_anomaly`` is best the alert's own record with the
verdict added: its ``key``, ``values``, ``expected_values``, ``direction`` and ``relevant_attribution`` say what it was
about, and by its ``alert_id`` it counts once. ``{"verdict": "missed", "key": ...}`` may name ``features`` and
a ``direction`` ("above" or "below" what was expected), and is about all of them otherwise.

A control message is one of ``{"maintenance": {"id", "keys", "from", "until"}}``, whose ``keys`` are a pattern or a list
of them, and which may name ``features``; ``{"cancel": ID}``, which ends a maintenance; and
``{"forget_feedback": {"key": ...}}``.

Nothing in a message can raise; the work is bounded by ``MAX_NOTICE_BYTES``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from hashlib import blake2b
from typing import NamedTuple

import orjson

from stream_rcf.pipeline.decode import MAX_KEY_BYTES
from stream_rcf.pipeline.event_errors import EventError, quoted
from stream_rcf.pipeline.events import Rejection
from stream_rcf.pipeline.key_patterns import KeyPatterns
from stream_rcf.pipeline.timestamps import TimestampError, epoch_milliseconds

ABOVE, BELOW = 0, 1  # what was expected
DIRECTIONS = {"above": (ABOVE,), "below": (BELOW,)}
BOTH = (ABOVE, BELOW)
MAX_NOTICE_BYTES = 65_536  # an alert of many features has some thousand
MAX_ID_CHARACTERS = 200
MAX_PATTERNS = 100  # of one maintenance
MAX_PATTERN_CHARACTERS = 256
LEAST_SHARE = 0.2  # of the attribution: a feature with less did not make the alert
MOST_DEVIATION = 3.4e38  # values are 32-bit floats


class About(NamedTuple):
    """One feature, by its index, in one direction; how far the alert's value lay from what was expected, 0 unknown."""

    feature: int
    direction: int
    deviation: float = 0.0


class NotAnAnomaly(NamedTuple):
    """An alert of this key was none. ``alert`` is a digest of its id, or of its time; ``""`` where it has neither."""

    key: str
    abouts: tuple[About, ...]
    alert: str


class Missed(NamedTuple):
    """There should have been an alert of this key."""

    key: str
    abouts: tuple[About, ...]
    alert: str


class Maintenance(NamedTuple):
    """Nothing that keys of these patterns do from ``begin`` to before ``end``, by the events' time, is an alert."""

    name: str
    keys: tuple[str, ...]
    features: tuple[int, ...]
    begin: int  # epoch ms
    end: int


class Cancel(NamedTuple):
    """The maintenance of this name is off, for events from here on."""

    name: str


class ForgetFeedback(NamedTuple):
    """Whatever feedback said of this key counts no more."""

    key: str


Notice = NotAnAnomaly | Missed | Maintenance | Cancel | ForgetFeedback
NOTICE_KINDS: dict[type[Notice], str] = {  # as metrics and the log call them
    NotAnAnomaly: "not_an_anomaly",
    Missed: "missed",
    Maintenance: "maintenance",
    Cancel: "cancel",
    ForgetFeedback: "forget_feedback",
}


class _Unusable(Exception):
    """The message says nothing that can be acted on; the text completes a sentence for a person."""


def read_feedback(value: bytes | None, features: Sequence[str]) -> Notice | Rejection:
    """Read a message of the feedback topic; ``features`` are the names by index."""
    return _read(value, EventError.INVALID_FEEDBACK, lambda fields: _feedback(fields, features))


def read_control(value: bytes | None, features: Sequence[str]) -> Notice | Rejection:
    """Read a message of the control topic."""
    return _read(value, EventError.INVALID_CONTROL, lambda fields: _control(fields, features))


def _read(
    value: bytes | None, error: EventError, understand: Callable[[Mapping[str, object]], Notice]
) -> Notice | Rejection:
    if value is None:
        return Rejection(EventError.TOMBSTONE, "the message has no value")
    if len(value) > MAX_NOTICE_BYTES:
        return Rejection(
            EventError.TOO_LARGE,
            f"the message has {len(value)} bytes, but at most {MAX_NOTICE_BYTES} are allowed",
        )
    try:
        fields = orjson.loads(value)
    except orjson.JSONDecodeError as failure:
        return Rejection(EventError.INVALID_JSON, f"the message is not JSON: {str(failure)[:100]}")
    if not isinstance(fields, dict):
        return Rejection(EventError.NOT_AN_OBJECT, f"the message is {quoted(fields)}, not an object")
    try:
        return understand(fields)
    except _Unusable as why:
        return Rejection(error, str(why))


# -- feedback ----------------------------------------------------------------------------------------------------------


def _feedback(fields: Mapping[str, object], features: Sequence[str]) -> Notice:
    verdict = fields.get("verdict")
    if verdict not in ("not_an_anomaly", "missed"):
        raise _Unusable(f'verdict is {quoted(verdict)}, but must be "not_an_anomaly" or "missed"')
    alert = fields.get("alert_id")
    if alert is not None and not isinstance(alert, str):
        raise _Unusable(f"alert_id is {quoted(alert)}, but must be text")
    if alert is not None and "key" not in fields:
        raise _Unusable(
            f"it names the alert {quoted(alert)} and not its key, features and values: send the alert's own record with"
            ' "verdict" added, or use `stream-rcf feedback ALERT_ID not-an-anomaly`, which does'
        )
    key = _key(fields.get("key"), "key")
    told = alert if alert is not None else fields.get("timestamp")  # of what was missed there is no alert
    digest = "" if told is None else blake2b(f"{verdict} {told}".encode(), digest_size=8).hexdigest()
    if verdict == "missed":
        named = _features(fields.get("features"), features) or range(len(features))
        abouts = [
            About(feature, direction)
            for feature in named
            for direction in _directions(fields.get("direction"), features[feature]) or BOTH
        ]
        return Missed(key, tuple(abouts), digest)
    return NotAnAnomaly(key, tuple(_abouts_of_alert(fields, features)), digest)


def _abouts_of_alert(fields: Mapping[str, object], features: Sequence[str]) -> list[About]:
    named = _features(fields.get("features"), features) or _attributed(
        fields.get("relevant_attribution"), features
    )
    abouts: list[About] = []
    for feature in named:
        name = features[feature]
        value, expected = _number(fields.get("values"), name), _number(fields.get("expected_values"), name)
        off = 0.0 if value is None or expected is None else value - expected
        directions = _directions(fields.get("direction"), name)
        if not directions:
            directions = BOTH if off == 0.0 else (ABOVE,) if off > 0.0 else (BELOW,)
        for direction in directions:
            in_direction = off if direction == ABOVE else -off
            abouts.append(About(feature, direction, max(0.0, in_direction)))
    return abouts


def _features(value: object, features: Sequence[str]) -> list[int]:
    """The features of a list by index; empty where there is no list."""
    if value is None:
        return []
    if not isinstance(value, list) or not value or not all(isinstance(name, str) for name in value):
        raise _Unusable(f"features is {quoted(value)}, but must be a list of features' names")
    known = [index for index, name in enumerate(features) if name in value]
    if not known:
        raise _Unusable(f"features names none of events.features, but {quoted(value[0])}")
    return known


def _attributed(value: object, features: Sequence[str]) -> list[int]:
    """The features that made the alert: with at least ``LEAST_SHARE``, or the one with the most."""
    shares = {
        index: share for index, name in enumerate(features) if (share := _number(value, name)) is not None
    }
    if not shares:
        raise _Unusable(
            "neither features nor relevant_attribution says which of events.features the alert was about"
        )
    most = max(shares.values())
    return [index for index, share in shares.items() if share >= min(LEAST_SHARE, most)]


def _directions(value: object, feature: str) -> tuple[int, ...]:
    """Empty where nothing is said."""
    word = value.get(feature) if isinstance(value, dict) else value
    if word is None:
        return ()
    if not isinstance(word, str) or word not in DIRECTIONS:
        raise _Unusable(f'direction is {quoted(word)}, but must be "above" or "below"')
    return DIRECTIONS[word]


def _number(table: object, name: str) -> float | None:
    value = table.get(name) if isinstance(table, dict) else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if abs(value) <= MOST_DEVIATION else None


# -- control -----------------------------------------------------------------------------------------------------------


def _control(fields: Mapping[str, object], features: Sequence[str]) -> Notice:
    found = [name for name in ("maintenance", "cancel", "forget_feedback") if name in fields]
    if len(found) != 1:
        raise _Unusable("it must hold one of maintenance, cancel and forget_feedback")
    content = fields[found[0]]
    if found[0] == "cancel":
        return Cancel(_identity(content, "cancel"))
    if not isinstance(content, dict):
        raise _Unusable(f"{found[0]} is {quoted(content)}, not an object")
    if found[0] == "forget_feedback":
        return ForgetFeedback(_key(content.get("key"), "forget_feedback.key"))
    begin, end = (_time(content.get(name), f"maintenance.{name}") for name in ("from", "until"))
    if begin >= end:
        raise _Unusable("maintenance.until must be later than maintenance.from")
    named = _features(content.get("features"), features) or range(len(features))
    return Maintenance(
        _identity(content.get("id"), "maintenance.id"),
        _patterns(content.get("keys")),
        tuple(named),
        begin,
        end,
    )


def _identity(value: object, name: str) -> str:
    if not isinstance(value, str) or not value.isprintable() or not 0 < len(value) <= MAX_ID_CHARACTERS:
        raise _Unusable(
            f"{name} is {quoted(value)}, but must be 1 to {MAX_ID_CHARACTERS} printable characters"
        )
    return value


def _patterns(value: object) -> tuple[str, ...]:
    patterns = [value] if isinstance(value, str) else value
    if not isinstance(patterns, list) or not 0 < len(patterns) <= MAX_PATTERNS:
        raise _Unusable(
            f'maintenance.keys is {quoted(value)}, but must be a pattern such as "host-*", or a list of up to'
            f" {MAX_PATTERNS}"
        )
    for pattern in patterns:
        if not isinstance(pattern, str) or not 0 < len(pattern) <= MAX_PATTERN_CHARACTERS:
            raise _Unusable(
                f"maintenance.keys holds {quoted(pattern)}, but a pattern has 1 to {MAX_PATTERN_CHARACTERS} characters"
            )
        try:
            KeyPatterns([[pattern]])
        except re.error:
            raise _Unusable(f"maintenance.keys holds {quoted(pattern)}, which is no pattern") from None
    return tuple(dict.fromkeys(patterns))


def _time(value: object, name: str) -> int:
    try:
        return epoch_milliseconds(value)
    except TimestampError as failure:
        raise _Unusable(f"{name} is {quoted(value)}: the time {failure}") from None


def _key(value: object, name: str) -> str:
    if not isinstance(value, str) or not value:
        raise _Unusable(f"{name} is {quoted(value)}, but must be the key of the events, as text")
    if len(value.encode("utf-8", "surrogatepass")) > MAX_KEY_BYTES:
        raise _Unusable(
            f"{name} is {quoted(value)}, longer than the {MAX_KEY_BYTES} bytes that a key may have"
        )
    return value
