"""Messages of people: what each means, what is refused and how it is said, and that nothing of them can raise."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream_rcf.pipeline.event_errors import EventError
from stream_rcf.pipeline.events import Rejection
from stream_rcf.pipeline.notices import (
    ABOVE,
    BELOW,
    MAX_NOTICE_BYTES,
    About,
    Cancel,
    ForgetFeedback,
    Maintenance,
    Missed,
    NotAnAnomaly,
    read_control,
    read_feedback,
)

FEATURES = ("cpu", "memory")
ALERT = {
    "key": "host-1",
    "timestamp": 1_767_225_600_000,
    "values": {"cpu": 97.5, "memory": 12.0},
    "expected_values": {"cpu": 41.5, "memory": 12.5},
    "relevant_attribution": {"cpu": 0.9, "memory": 0.1},
    "direction": {"cpu": "above", "memory": "below"},
    "source": {"topic": "metrics", "partition": 3, "offset": 5951},
    "alert_id": "metrics:3:5951",
}
NONE = ALERT | {"verdict": "not_an_anomaly"}
MISSED = {"verdict": "missed", "key": "host-1"}
WORK = {"id": "patch", "keys": "host-*", "from": "2026-01-01T00:00:00Z", "until": 1_767_232_800}


def feedback(**fields: object) -> object:
    return read_feedback(orjson.dumps(fields), FEATURES)


def without(fields: dict[str, object], *names: str) -> dict[str, object]:
    return {name: value for name, value in fields.items() if name not in names}


def test_an_alert_with_a_verdict_is_about_what_made_it() -> None:
    told = feedback(**NONE)
    assert isinstance(told, NotAnAnomaly)
    assert (told.key, told.abouts) == ("host-1", (About(0, ABOVE, 56.0),))
    assert told.alert == feedback(**NONE, note="known")[2], "the same alert has the same digest"  # type: ignore[index] # -- a tuple
    assert told.alert != feedback(**NONE | {"verdict": "missed"})[2], "another verdict on it does count"  # type: ignore[index] # -- a tuple
    assert told.alert != feedback(**NONE | {"alert_id": "metrics:3:5952"})[2]  # type: ignore[index] # -- a tuple


@pytest.mark.parametrize(
    ("changes", "abouts"),
    [
        (
            {"relevant_attribution": {"cpu": 0.8, "memory": 0.2}},
            (About(0, ABOVE, 56.0), About(1, BELOW, 0.5)),
        ),
        ({"relevant_attribution": {"cpu": 0.1, "memory": 0.15}}, (About(1, BELOW, 0.5),)),
        ({"features": ["memory"]}, (About(1, BELOW, 0.5),)),
        ({"direction": None}, (About(0, ABOVE, 56.0),)),
        ({"direction": "below"}, (About(0, BELOW, 0.0),)),
        ({"direction": None, "values": None}, (About(0, ABOVE, 0.0), About(0, BELOW, 0.0))),
        ({"values": {"cpu": "97"}}, (About(0, ABOVE, 0.0),)),
        ({"values": {"cpu": True}}, (About(0, ABOVE, 0.0),)),
        ({"values": {"cpu": 1e300}}, (About(0, ABOVE, 0.0),)),
        ({"expected_values": {}}, (About(0, ABOVE, 0.0),)),
    ],
)
def test_features_directions_and_distances(changes: dict[str, object], abouts: tuple[About, ...]) -> None:
    told = feedback(**NONE | changes)
    assert isinstance(told, NotAnAnomaly)
    assert told.abouts == abouts


@pytest.mark.parametrize(
    ("changes", "places"),
    [
        ({}, [(0, ABOVE), (0, BELOW), (1, ABOVE), (1, BELOW)]),
        ({"features": ["memory"]}, [(1, ABOVE), (1, BELOW)]),
        ({"direction": "above"}, [(0, ABOVE), (1, ABOVE)]),
        (
            {"features": ["cpu", "memory"], "direction": {"cpu": "below"}},
            [(0, BELOW), (1, ABOVE), (1, BELOW)],
        ),
    ],
)
def test_what_was_missed(changes: dict[str, object], places: list[tuple[int, int]]) -> None:
    told = feedback(**MISSED | changes)
    assert isinstance(told, Missed)
    assert [one[:2] for one in told.abouts] == places


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        (
            {"alert_id": "metrics:3:5951", "verdict": "not_an_anomaly"},
            "`stream-rcf feedback ALERT_ID not-an-anomaly`",
        ),
        (without(NONE, "verdict"), "verdict is null"),
        (NONE | {"verdict": ["missed"]}, "verdict is a list of 1"),
        (NONE | {"verdict": "fine"}, 'verdict is "fine"'),
        (NONE | {"alert_id": 5}, "alert_id is 5"),
        (NONE | {"key": ""}, 'key is ""'),
        (NONE | {"key": 5}, "key is 5"),
        (NONE | {"key": "k" * 2000}, "1024 bytes"),
        (NONE | {"direction": "up"}, 'direction is "up"'),
        (NONE | {"direction": {"cpu": ["above"]}}, "direction is a list of 1"),
        (NONE | {"features": "cpu"}, 'features is "cpu"'),
        (NONE | {"features": ["disk"]}, "features names none of events.features"),
        (NONE | {"features": [1]}, "features is a list of 1"),
        (without(NONE, "relevant_attribution"), "neither features nor relevant_attribution"),
        (NONE | {"relevant_attribution": {"disk": 1.0}}, "neither features nor relevant_attribution"),
        ({"verdict": "missed"}, "key is null"),
    ],
)
def test_feedback_that_says_nothing_to_act_on(fields: dict[str, object], words: str) -> None:
    told = feedback(**fields)
    assert isinstance(told, Rejection)
    assert told.error == EventError.INVALID_FEEDBACK
    assert words in told.reason


def control(**fields: object) -> object:
    return read_control(orjson.dumps(fields), FEATURES)


def test_control_messages() -> None:
    begin = 1_767_225_600_000
    assert control(maintenance=WORK) == Maintenance("patch", ("host-*",), (0, 1), begin, begin + 7_200_000)
    narrow = WORK | {"keys": ["a", "b?"], "features": ["memory"]}
    assert control(maintenance=narrow) == Maintenance("patch", ("a", "b?"), (1,), begin, begin + 7_200_000)
    assert control(cancel="patch") == Cancel("patch")
    assert control(forget_feedback={"key": "host-1"}) == ForgetFeedback("host-1")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "one of maintenance, cancel and forget_feedback"),
        ({"cancel": "a", "maintenance": WORK}, "one of maintenance, cancel and forget_feedback"),
        ({"cancel": 5}, "cancel is 5"),
        ({"cancel": "a\nb"}, "printable"),
        ({"maintenance": "now"}, 'maintenance is "now"'),
        ({"maintenance": without(WORK, "id")}, "maintenance.id is null"),
        ({"maintenance": WORK | {"id": "x" * 201}}, "maintenance.id"),
        ({"maintenance": WORK | {"keys": []}}, "maintenance.keys is a list of 0"),
        ({"maintenance": WORK | {"keys": ["k"] * 101}}, "maintenance.keys is a list of 101"),
        ({"maintenance": WORK | {"keys": [5]}}, "maintenance.keys holds 5"),
        ({"maintenance": WORK | {"keys": "*" * 300}}, "256 characters"),
        ({"maintenance": WORK | {"features": []}}, "features is a list of 0"),
        ({"maintenance": WORK | {"from": "tomorrow"}}, "maintenance.from"),
        ({"maintenance": without(WORK, "until")}, "maintenance.until is null"),
        ({"maintenance": WORK | {"until": WORK["from"]}}, "until must be later"),
        ({"forget_feedback": "host-1"}, 'forget_feedback is "host-1"'),
        ({"forget_feedback": {}}, "forget_feedback.key is null"),
    ],
)
def test_control_that_says_nothing_to_act_on(fields: dict[str, object], words: str) -> None:
    told = control(**fields)
    assert isinstance(told, Rejection)
    assert told.error == EventError.INVALID_CONTROL
    assert words in told.reason


@pytest.mark.parametrize("read", [read_feedback, read_control])
@pytest.mark.parametrize(
    ("value", "error"),
    [
        (None, EventError.TOMBSTONE),
        (b"", EventError.INVALID_JSON),
        (b"\xff\xfe", EventError.INVALID_JSON),
        (b"[" * 60_000, EventError.INVALID_JSON),
        (b'{"a":' * 10_000, EventError.INVALID_JSON),
        (b"[1]", EventError.NOT_AN_OBJECT),
        (b'"' + b"x" * MAX_NOTICE_BYTES + b'"', EventError.TOO_LARGE),
    ],
)
def test_hostile_bytes(read, value: bytes | None, error: EventError) -> None:
    told = read(value, FEATURES)
    assert isinstance(told, Rejection)
    assert told.error == error


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@given(st.sampled_from([NONE, MISSED]), st.sampled_from([*ALERT, "features", "verdict"]), json_values)
def test_no_field_of_any_kind_raises_in_feedback(base: dict[str, object], name: str, value: object) -> None:
    told = feedback(**base | {name: value})
    assert isinstance(told, NotAnAnomaly | Missed | Rejection)
    if isinstance(told, NotAnAnomaly | Missed):
        assert told.abouts
        assert all(0.0 <= about.deviation < 1e39 for about in told.abouts)


@given(st.sampled_from(["maintenance", "cancel", "forget_feedback"]), json_values)
def test_no_content_of_any_kind_raises_in_control(name: str, value: object) -> None:
    assert isinstance(control(**{name: value}), Maintenance | Cancel | ForgetFeedback | Rejection)


@given(st.sampled_from([*WORK, "features"]), json_values)
def test_no_field_of_any_kind_raises_in_maintenance(name: str, value: object) -> None:
    assert isinstance(control(maintenance=WORK | {name: value}), Maintenance | Rejection)
