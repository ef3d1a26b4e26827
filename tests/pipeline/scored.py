"""Scored batches for the tests of encoders: one written out, and any that a detector could give."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from hypothesis import strategies as st

from stream_rcf.core.reasons import Reason
from stream_rcf.pipeline.encode import EncodedBatch
from stream_rcf.pipeline.events import Event, Position
from stream_rcf.pipeline.record_names import ALERT_FIELDS
from stream_rcf.pipeline.score_batch import ScoredBatch

AT = 1_767_225_600_250  # 2026-01-01T00:00:00.250Z, epoch ms
FEATURES = ("cpu", "memory.used")
EVENTS = [
    Event("hôte-1", AT, (12.5, -0.25)),
    Event("b", AT + 1000, (13.0, 0.0)),
    Event("b", AT + 2000, (97.5, 1e16)),
    Event("c", AT + 3000, (1.0, 2.0)),
]
SOURCES = [Position("events", 3, 41), Position("events", 0, 7), Position("events", 0, 8), None]
SCORED = ScoredBatch(  # no score yet, ordinary, an anomaly, learned silently
    score=[0.0, 1.0625, 2.5, 1.0],
    threshold=[1.5, 1.25, 1.25, 1.25],
    grade=[0.0, 0.0, 0.625, 0.0],
    confidence=[0.0, 0.5, 0.875, 0.5],
    likelihood=[0.0, 0.25, 0.9995, 0.5],
    reason=[int(Reason.WARMING_UP), 0, 0, 0],
    events_seen=[5, 900, 901, 300],
    first_anomalous_timestamp=[0, 0, AT + 500, 0],
    incident=[0, 0, 899, 0],
    incident_alerts=[0, 0, 2, 0],
    resolved=[],
    details={2: [[0.75, 1.0, 13.5, 12.0, 15.0], [0.25, -1.0, 1e17, 0.5, 2e17]]},
)

_NUMBERS = st.floats(allow_nan=False, allow_infinity=False, width=32)
_SHARES = st.floats(0.0, 1.0)


class Batch(NamedTuple):
    """What an encoder is given."""

    features: tuple[str, ...]
    events: list[Event]
    sources: list[Position | None]
    scored: ScoredBatch


@st.composite
def batches(draw: st.DrawFn, reserved: tuple[str, ...] = ()) -> Batch:
    """Batches with keys and features of any name, but for ``reserved`` ones."""
    names = st.text(min_size=1).filter(lambda name: name not in reserved)
    features = tuple(draw(st.lists(names, min_size=1, max_size=3, unique=True)))
    width, count = len(features), draw(st.integers(0, 4))
    events = [
        Event(
            draw(st.text(min_size=1)),
            draw(st.integers(0, 4_102_444_799_999)),
            tuple(draw(st.lists(_NUMBERS, min_size=width, max_size=width))),
        )
        for _ in range(count)
    ]
    positions = st.builds(
        Position, st.from_regex(r"[a-z._-]+", fullmatch=True), st.integers(0), st.integers(0)
    )
    grades = [draw(st.sampled_from([0.0, 0.0625, 1.0])) for _ in range(count)]
    numbers = [[draw(st.floats(0.0, 8.0)) for _ in range(count)] for _ in range(4)]
    return Batch(
        features,
        events,
        [draw(st.none() | positions) for _ in range(count)],
        ScoredBatch(
            numbers[0],
            numbers[1],
            grades,
            numbers[2],
            numbers[3],
            [0] * count,
            list(range(count)),
            [draw(st.integers(0, 4_102_444_799_999)) for _ in range(count)],
            list(range(count)),
            list(range(1, count + 1)),
            [],
            {
                i: [
                    [draw(_SHARES), draw(st.sampled_from([-1.0, 1.0])), *draw(st.tuples(*3 * [_NUMBERS]))]
                    for _ in range(width)
                ]
                for i in range(count)
                if grades[i] > 0.0
            },
        ),
    )


def read(record: bytes | None) -> dict[str, Any]:
    """The record as JSON by a strict reader: no name twice, no NaN."""
    assert record is not None
    found = json.loads(record.decode("utf-8"), object_pairs_hook=_pairs, parse_constant=_refuse)
    assert isinstance(found, dict)
    return found


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    assert len({name for name, _ in pairs}) == len(pairs), "a name comes twice"
    return dict(pairs)


def _refuse(constant: str) -> None:
    raise AssertionError(f"{constant} is not JSON")


def assert_alert_has_our_own_fields(encoded: EncodedBatch) -> None:
    """``SCORED`` in any format: its alert is its score record, and what every format adds."""
    assert list(encoded.alerts) == [2]
    score, alert = read(encoded.scores[2]), read(encoded.alerts[2])
    assert {name: alert[name] for name in score} == score
    ours = {name: alert[name] for name in set(alert) - set(score)}
    assert set(ours) == set(ALERT_FIELDS) - {"fields"}
    assert ours["alert_id"] == "events:0:8"
    assert ours["first_anomalous_timestamp"] == AT + 500
    assert ours["expected_band"] == {"cpu": [12.0, 15.0], "memory.used": [0.5, 2e17]}
    assert ours["status"] == "continuing"
