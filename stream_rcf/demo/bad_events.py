"""Events as they go wrong in practice, so that the dead-letter topic has something to show."""

from __future__ import annotations

from collections.abc import Callable

import orjson

Message = tuple[bytes, bytes]  # key, value

EVENTS_PER_BAD_ONE = 200


def _cut_short(key: bytes, fields: dict[str, object]) -> Message:
    return key, orjson.dumps(fields)[:-7]


def _text_for_a_number(key: bytes, fields: dict[str, object]) -> Message:
    return key, orjson.dumps({**fields, _last(fields): "n/a"})


def _missing_feature(key: bytes, fields: dict[str, object]) -> Message:
    return key, orjson.dumps({name: value for name, value in fields.items() if name != _last(fields)})


def _not_a_number(key: bytes, fields: dict[str, object]) -> Message:
    # Not JSON, but what many programs write.
    return key, orjson.dumps({**fields, _last(fields): "?"}).replace(b'"?"', b"NaN")


def _absurd_time(key: bytes, fields: dict[str, object]) -> Message:
    return key, orjson.dumps({**fields, "timestamp": "0001-01-01T00:00:00Z"})


def _empty_key(_key: bytes, fields: dict[str, object]) -> Message:
    return b"", orjson.dumps(fields)


def _not_utf8(key: bytes, fields: dict[str, object]) -> Message:
    return key, orjson.dumps({**fields, "note": "?"}).replace(b'"?"', b'"\xc3\x28"')


_WAYS: tuple[Callable[[bytes, dict[str, object]], Message], ...] = (
    _cut_short,
    _text_for_a_number,
    _missing_feature,
    _not_a_number,
    _absurd_time,
    _empty_key,
    _not_utf8,
)


def _last(fields: dict[str, object]) -> str:
    """A feature: they stand last."""
    return list(fields)[-1]


def bad_event(number: int, key: bytes, fields: dict[str, object]) -> Message:
    """The good event (key, fields) gone wrong in way ``number``, counted round. Fields must end with a feature."""
    return _WAYS[number % len(_WAYS)](key, fields)
