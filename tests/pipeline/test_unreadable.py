from __future__ import annotations

import pytest

from stream_rcf.pipeline.event_errors import EventError
from stream_rcf.pipeline.paths import path_reader
from stream_rcf.pipeline.unreadable import explain_unreadable

FEATURES = [(path, path_reader(path)) for path in ("value", "inner.load")]


@pytest.mark.parametrize("token", ["NaN", "Infinity", "-Infinity", "1e999", "-1e999"])
def test_a_feature_that_is_not_finite_is_named(token: str) -> None:
    rejection = explain_unreadable(f'{{"value":1,"inner":{{"load":{token}}}}}'.encode(), "what", FEATURES)
    assert rejection.error == EventError.NON_FINITE_NUMBER
    assert '"inner.load"' in rejection.reason


def test_nan_outside_the_features_is_told_apart_from_broken_json() -> None:
    rejection = explain_unreadable(b'{"value":1,"other":NaN}', "what", FEATURES)
    assert rejection == (EventError.NON_FINITE_NUMBER, "the value holds NaN, which JSON does not have")


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"nonsense",
        b'{"value":',
        b"[NaN]",
        b'{"value":1}x',
        b'{"value":"\\ud800"}',
        b"[" * 100_000,
        b"1" * 100_000,
    ],
)
def test_everything_else_is_invalid_json_with_the_parsers_words(value: bytes) -> None:
    rejection = explain_unreadable(value, "the parser's\nwords", FEATURES)
    assert rejection == (EventError.INVALID_JSON, "the value is not JSON: the parser's\\nwords")


def test_bytes_that_are_not_utf_8_are_placed() -> None:
    rejection = explain_unreadable(b'{"value":"\xff"}', "what", FEATURES)
    assert rejection == (EventError.INVALID_UTF8, "the value is not UTF-8 (at its byte 10)")
