"""Records as bytes: every field of the contract, in a fixed order, the same for the same event."""

from __future__ import annotations

import math
import random

import orjson
import pytest

from stream_rcf.core.reasons import Reason
from stream_rcf.pipeline.encode import (
    EncodedBatch,
    RecordEncoder,
    alert_fields,
    number_text,
    reason_text,
    resolved_records,
    severity_of,
)
from stream_rcf.pipeline.events import Event, Position, alert_id
from stream_rcf.pipeline.score_batch import ScoredBatch

SCORE_FIELDS = [
    "key",
    "timestamp",
    "values",
    "anomaly_score",
    "anomaly_likelihood",
    "threshold",
    "anomaly_grade",
    "is_anomaly",
    "confidence",
    "expected_values",
    "relevant_attribution",
    "reason",
    "source",
    "model",
]
EVENT = Event("hôte|1", 1_767_225_600_000, (12.5, -0.25))
SOURCE = Position("events", 3, 41)
SCORED = ScoredBatch(
    score=[0.0, 1.75],
    threshold=[1.5, 1.25],
    grade=[0.0, 0.6],
    confidence=[0.0, 0.9],
    likelihood=[0.0, 0.9995],
    reason=[int(Reason.WARMING_UP), int(Reason.NONE)],
    events_seen=[5, 900],
    first_anomalous_timestamp=[0, 1_767_225_500_000],
    incident=[0, 899],
    incident_alerts=[0, 2],
    resolved=[],
    details={1: [[0.75, 1.0, 9.0, 8.0, 10.0], [0.25, -1.0, 0.0, -0.125, 0.125]]},
)
ENCODER = RecordEncoder(("cpu", "memory"), "0123456789abcdef")


def test_a_score_record_has_the_fields_of_the_contract_in_order() -> None:
    record = ENCODER.score_record(EVENT, SOURCE, SCORED, 1)
    assert list(record) == SCORE_FIELDS
    assert record == {
        "key": "hôte|1",
        "timestamp": 1_767_225_600_000,
        "values": {"cpu": 12.5, "memory": -0.25},
        "anomaly_score": 1.75,
        "anomaly_likelihood": 0.9995,
        "threshold": 1.25,
        "anomaly_grade": 0.6,
        "is_anomaly": True,
        "confidence": 0.9,
        "expected_values": {"cpu": 9.0, "memory": 0.0},
        "relevant_attribution": {"cpu": 0.75, "memory": 0.25},
        "reason": None,
        "source": {"topic": "events", "partition": 3, "offset": 41},
        "model": {"events_seen": 900, "fingerprint": "0123456789abcdef"},
    }


def test_an_event_without_a_score_yet_says_why() -> None:
    record = ENCODER.score_record(EVENT, SOURCE, SCORED, 0)
    assert list(record) == SCORE_FIELDS
    assert record["is_anomaly"] is False
    assert record["relevant_attribution"] is None
    assert record["reason"] == "warming_up"


def test_an_alert_is_the_score_record_and_what_explains_it() -> None:
    record = ENCODER.score_record(EVENT, SOURCE, SCORED, 1)
    alert = record | alert_fields(EVENT, SOURCE, ("cpu", "memory"), SCORED, 1)
    assert list(alert)[: len(SCORE_FIELDS)] == SCORE_FIELDS
    assert {name: alert[name] for name in list(alert)[len(SCORE_FIELDS) :]} == {
        "alert_id": "events:3:41",
        "severity": "high",
        "expected_band": {"cpu": [8.0, 10.0], "memory": [-0.125, 0.125]},
        "direction": {"cpu": "above", "memory": "below"},
        "first_anomalous_timestamp": 1_767_225_500_000,
        "duration_ms": 100_000,
        "incident_id": alert["incident_id"],
        "incident_alerts": 2,
        "status": "continuing",
    }
    assert len(alert["incident_id"]) == 16
    assert list(record) == SCORE_FIELDS, "the score record itself is left as it was"


@pytest.mark.parametrize("features", [("value",), ("cpu %d", 'a "b"', "%b")])
def test_a_batch_is_encoded_as_its_records_are(features: tuple[str, ...]) -> None:
    encoder = RecordEncoder(features, "ab%d")
    generator = random.Random(5)
    numbers = [0.0, -0.0, 1.0, 0.1, 1e-7, 1e16, 5e-324, 1.7976931348623157e308, 1 / 3, -2.5e-300]
    keys = ["host-1", "a,b", 'quote"d', "hôte|1", "%s", "\n\u2028", "𝄞"]
    count = 200

    def drawn() -> list[float]:
        return [generator.choice(numbers) for _ in range(count)]

    events = [
        Event(
            generator.choice(keys), 1_767_225_600_000 + i, tuple(generator.choices(numbers, k=len(features)))
        )
        for i in range(count)
    ]
    sources = [
        None if i % 7 == 0 else Position(generator.choice(["events", "other.events"]), i % 3, 10**9 * i)
        for i in range(count)
    ]
    grades = [0.5 if i % 11 == 0 else 0.0 for i in range(count)]
    scored = ScoredBatch(
        drawn(),
        drawn(),
        grades,
        drawn(),
        drawn(),
        [generator.choice([0, 1, 2, 3]) for _ in range(count)],
        list(range(count)),
        [5 * i for i in range(count)],
        [i // 2 for i in range(count)],
        [1 + i % 3 for i in range(count)],
        [],
        {
            i: [[1.0 / len(features), (-1.0) ** i, 2.0, 1.0, 3.5]] * len(features)
            for i in range(count)
            if grades[i]
        },
    )
    encoded = encoder.encode(events, sources, scored)
    assert len(encoded.scores) == count
    for i, (event, source) in enumerate(zip(events, sources, strict=True)):
        if source is None:
            assert encoded.scores[i] is None
            assert i not in encoded.alerts
            continue
        record = encoder.score_record(event, source, scored, i)
        assert encoded.scores[i] == orjson.dumps(record)
        assert (i in encoded.alerts) == (grades[i] > 0)
        if i in encoded.alerts:
            alert = record | alert_fields(event, source, features, scored, i)
            assert encoded.alerts[i] == orjson.dumps(alert)


def test_no_events_are_encoded_as_nothing() -> None:
    assert ENCODER.encode(
        [], [], ScoredBatch([], [], [], [], [], [], [], [], [], [], [], {})
    ) == EncodedBatch([], {})


@pytest.mark.parametrize(
    ("grade", "word"),
    [
        (1.0, "critical"),
        (0.75, "critical"),
        (0.7499, "high"),
        (0.5, "high"),
        (0.4999, "medium"),
        (0.25, "medium"),
        (0.2499, "low"),
        (1e-12, "low"),
    ],
)
def test_severity_follows_the_grade(grade: float, word: str) -> None:
    assert severity_of(grade) == word


def test_no_two_positions_share_an_alert_id() -> None:
    positions = [
        Position(topic, partition, offset, window)
        for topic in ("a", "a.1", "a-1", "a1")
        for partition in (0, 1, 11)
        for offset in (0, 1, 11, 111)
        for window in (None, 0, 1, -1)
    ]
    assert len({alert_id(position) for position in positions}) == len(positions)


@pytest.mark.parametrize("number", [0.0, 1.0, 0.1, 1e-7, 1e16, 5e-324, 1.7976931348623157e308, 1 / 3])
def test_a_number_is_written_as_in_the_json_records(number: float) -> None:
    record = ENCODER.score_record(EVENT, SOURCE, SCORED._replace(score=[number, number]), 1)
    assert f'"anomaly_score":{number_text(number)},'.encode() in orjson.dumps(record)
    assert float(number_text(number)) == number


def test_numbers_come_back_as_they_were() -> None:
    for exponent in range(-300, 300, 7):
        number = math.pi * 10.0**exponent
        assert float(number_text(number)) == number


def test_reasons_are_written_as_the_detector_names_them() -> None:
    scored = SCORED._replace(reason=[int(reason) for reason in Reason])
    assert [reason_text(scored, index) for index in range(len(Reason))] == [reason.text for reason in Reason]


def test_a_rule_is_named() -> None:
    scored = SCORED._replace(reason=[int(Reason.RULE)] * 2, grade=[0.0, 0.0], rule_names={1: "night,small"})
    assert [reason_text(scored, index) for index in (0, 1)] == ["rule", "rule:night,small"]
    encoded = ENCODER.encode([EVENT] * 2, [SOURCE] * 2, scored)
    assert [orjson.loads(record)["reason"] for record in encoded.scores if record] == [
        "rule",
        "rule:night,small",
    ]


def test_an_alert_repeats_the_fields_it_is_given() -> None:
    encoded = ENCODER.encode([EVENT] * 2, [SOURCE] * 2, SCORED, lambda index: {"host": f"h{index}"})
    assert orjson.loads(encoded.alerts[1])["fields"] == {"host": "h1"}
    without = ENCODER.encode([EVENT] * 2, [SOURCE] * 2, SCORED)
    assert "fields" not in orjson.loads(without.alerts[1])


def test_the_end_of_an_incident_is_a_record_of_its_own() -> None:
    ended = SCORED._replace(resolved=[0], incident=[899, 899], incident_alerts=[3, 3])
    found = {i: orjson.loads(record) for i, record in resolved_records([EVENT], [SOURCE], ended).items()}
    assert set(found) == {0}
    assert found[0]["status"] == "resolved"
    assert (found[0]["incident_alerts"], found[0]["is_anomaly"]) == (3, False)
    assert found[0]["alert_id"] == alert_id(SOURCE)
    assert resolved_records([EVENT], [None], ended) == {}
