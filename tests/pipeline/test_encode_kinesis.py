"""The columns of Kinesis' RANDOM_CUT_FOREST_WITH_EXPLANATION, and the same bytes for the same event."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings

from stream_rcf.pipeline.encode import EncodedBatch
from stream_rcf.pipeline.encode_kinesis import KinesisEncoder
from stream_rcf.pipeline.record_names import KINESIS_COLUMNS
from stream_rcf.pipeline.score_batch import ScoredBatch
from tests.pipeline.scored import (
    EVENTS,
    FEATURES,
    SCORED,
    SOURCES,
    Batch,
    assert_alert_has_our_own_fields,
    batches,
    read,
)

ENCODER = KinesisEncoder(FEATURES)


def test_a_record_that_was_passed_over_is_a_row_without_an_explanation() -> None:
    record = read(ENCODER.encode(EVENTS, SOURCES, SCORED).scores[1])
    assert list(record) == ["key", "ROWTIME", "cpu", "memory.used", "ANOMALY_SCORE", "ANOMALY_EXPLANATION"]
    assert record == {
        "key": "b",
        "ROWTIME": "2026-01-01 00:00:01.250",
        "cpu": 13.0,
        "memory.used": 0.0,
        "ANOMALY_SCORE": 1.0625,
        "ANOMALY_EXPLANATION": None,
    }


def test_an_anomaly_is_explained_by_column_as_a_text() -> None:
    record = read(ENCODER.encode(EVENTS, SOURCES, SCORED).scores[2])
    assert json.loads(record["ANOMALY_EXPLANATION"]) == {
        "cpu": {"DIRECTION": "HIGH", "STRENGTH": "84.0000", "ATTRIBUTION_SCORE": "1.8750"},
        "memory.used": {
            "DIRECTION": "LOW",
            "STRENGTH": "90000000000000000.0000",
            "ATTRIBUTION_SCORE": "0.6250",
        },
    }
    assert record["ANOMALY_SCORE"] == 1.875 + 0.625


def test_while_there_is_no_score_yet_it_is_explained_as_kinesis_does() -> None:
    record = read(ENCODER.encode(EVENTS, SOURCES, SCORED).scores[0])
    learning = {"DIRECTION": "LOW", "STRENGTH": "0.0000", "ATTRIBUTION_SCORE": "0.0000"}
    assert record["ANOMALY_SCORE"] == 0.0
    assert json.loads(record["ANOMALY_EXPLANATION"]) == {"cpu": learning, "memory.used": learning}


def test_an_alert_is_its_score_record_with_our_own_fields() -> None:
    assert_alert_has_our_own_fields(ENCODER.encode(EVENTS, SOURCES, SCORED))


def test_an_event_that_was_learned_silently_has_no_record() -> None:
    assert ENCODER.encode(EVENTS, SOURCES, SCORED).scores[3] is None


@pytest.mark.parametrize("timestamp", [0, 999, 951_782_400_000, 4_102_444_799_999])
def test_a_time_is_written_as_sql_does(timestamp: int) -> None:
    event = EVENTS[0]._replace(timestamp=timestamp)
    scored = ScoredBatch([1.0], [1.5], [0.0], [0.0], [0.0], [0], [5], [0], [0], [0], [], {})
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=timestamp)
    expected = moment.strftime("%Y-%m-%d %H:%M:%S.") + f"{timestamp % 1000:03}"
    assert read(ENCODER.encode([event], SOURCES[:1], scored).scores[0])["ROWTIME"] == expected


def test_no_events_are_encoded_as_nothing() -> None:
    nothing = ScoredBatch([], [], [], [], [], [], [], [], [], [], [], {})
    assert ENCODER.encode([], [], nothing) == EncodedBatch([], {})


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(batches(reserved=KINESIS_COLUMNS))
def test_whatever_the_names_the_records_are_json_of_the_same_numbers(batch: Batch) -> None:
    encoded = KinesisEncoder(batch.features).encode(batch.events, batch.sources, batch.scored)
    assert len(encoded.scores) == len(batch.events)
    for i, (event, source) in enumerate(zip(batch.events, batch.sources, strict=True)):
        is_anomaly = source is not None and batch.scored.grade[i] > 0.0
        assert (i in encoded.alerts) == is_anomaly
        if source is None:
            assert encoded.scores[i] is None
            continue
        record = read(encoded.scores[i])
        assert tuple(record[name] for name in batch.features) == event.values
        assert (record["key"], record["ANOMALY_SCORE"]) == (event.key, batch.scored.score[i])
        explanation = record["ANOMALY_EXPLANATION"]
        assert (explanation is None) == (i not in batch.scored.details and batch.scored.score[i] > 0.0)
        if explanation is not None:
            assert list(read(explanation.encode())) == list(batch.features)
        if is_anomaly:
            assert set(read(encoded.alerts[i])) == {*KINESIS_COLUMNS, *batch.features} - {"fields"}
