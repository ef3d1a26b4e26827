"""OpenSearch's anomaly results: their fields and nesting, and the same bytes for the same event."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings

from stream_rcf.pipeline.decode import join_key
from stream_rcf.pipeline.encode import EncodedBatch
from stream_rcf.pipeline.encode_opensearch import OpenSearchEncoder
from stream_rcf.pipeline.record_names import ALERT_FIELDS
from stream_rcf.pipeline.score_batch import ScoredBatch
from tests.pipeline.scored import (
    AT,
    EVENTS,
    FEATURES,
    SCORED,
    SOURCES,
    Batch,
    assert_alert_has_our_own_fields,
    batches,
    read,
)

ENCODER = OpenSearchEncoder(FEATURES, "detector-1", ("host",))
EXPLANATION = {"approx_anomaly_start_time", "relevant_attribution", "expected_values"}


def test_an_ordinary_record_is_a_result_without_an_anomaly() -> None:
    assert read(ENCODER.encode(EVENTS, SOURCES, SCORED).scores[1]) == {
        "detector_id": "detector-1",
        "schema_version": 5,
        "data_start_time": AT + 1000,
        "data_end_time": AT + 1000,
        "feature_data": [
            {"feature_id": "cpu", "feature_name": "cpu", "data": 13.0},
            {"feature_id": "memory.used", "feature_name": "memory.used", "data": 0.0},
        ],
        "execution_start_time": AT + 1000,
        "execution_end_time": AT + 1000,
        "anomaly_score": 1.0625,
        "anomaly_grade": 0.0,
        "is_anomaly": False,
        "confidence": 0.5,
        "entity": [{"name": "host", "value": "b"}],
        "model_id": "detector-1_entity_b",
        "threshold": 1.25,
    }


def test_an_anomaly_says_which_feature_did_it_and_when() -> None:
    encoded = ENCODER.encode(EVENTS, SOURCES, SCORED)
    ordinary, anomaly = read(encoded.scores[1]), read(encoded.scores[2])
    assert set(anomaly) - set(ordinary) == EXPLANATION
    assert anomaly["approx_anomaly_start_time"] == AT + 2000
    assert anomaly["relevant_attribution"] == [
        {"feature_id": "cpu", "data": 0.75},
        {"feature_id": "memory.used", "data": 0.25},
    ]
    values = [{"feature_id": "cpu", "data": 13.5}, {"feature_id": "memory.used", "data": 1e17}]
    assert anomaly["expected_values"] == [{"likelihood": 1.0, "value_list": values}]
    assert (anomaly["anomaly_grade"], anomaly["is_anomaly"]) == (0.625, True)


def test_an_alert_is_its_score_record_with_our_own_fields() -> None:
    assert_alert_has_our_own_fields(ENCODER.encode(EVENTS, SOURCES, SCORED))


def test_an_event_that_was_learned_silently_has_no_record() -> None:
    assert ENCODER.encode(EVENTS, SOURCES, SCORED).scores[3] is None


def test_a_key_of_a_message_has_no_fields_name() -> None:
    record = read(OpenSearchEncoder(FEATURES, "d").encode(EVENTS, SOURCES, SCORED).scores[0])
    assert record["entity"] == [{"name": "key", "value": "hôte-1"}]
    assert record["model_id"] == "d_entity_hôte-1"


def test_each_part_of_a_composite_key_is_an_entity_in_the_order_of_names() -> None:
    key = join_key(["eu|west", "host\\1"])
    encoder = OpenSearchEncoder(FEATURES, "d", ("zone", "host"))
    record = read(encoder.encode([EVENTS[0]._replace(key=key)], SOURCES[:1], SCORED_ONE).scores[0])
    assert record["entity"] == [{"name": "host", "value": "host\\1"}, {"name": "zone", "value": "eu|west"}]
    assert record["model_id"] == f"d_entity_{key}"


SCORED_ONE = ScoredBatch([0.0], [1.5], [0.0], [0.0], [0.0], [2], [5], [0], [0], [0], [], {})


def test_no_events_are_encoded_as_nothing() -> None:
    nothing = ScoredBatch([], [], [], [], [], [], [], [], [], [], [], {})
    assert ENCODER.encode([], [], nothing) == EncodedBatch([], {})


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(batches())
def test_whatever_the_names_the_records_are_json_of_the_same_numbers(batch: Batch) -> None:
    encoder = OpenSearchEncoder(batch.features, "%d")
    encoded = encoder.encode(batch.events, batch.sources, batch.scored)
    assert len(encoded.scores) == len(batch.events)
    for i, (event, source) in enumerate(zip(batch.events, batch.sources, strict=True)):
        is_anomaly = source is not None and batch.scored.grade[i] > 0.0
        assert (i in encoded.alerts) == is_anomaly
        if source is None:
            assert encoded.scores[i] is None
            continue
        record = read(encoded.scores[i])
        assert [entry["feature_name"] for entry in record["feature_data"]] == list(batch.features)
        assert [entry["data"] for entry in record["feature_data"]] == list(event.values)
        assert record["entity"] == [{"name": "key", "value": event.key}]
        assert record["anomaly_score"] == batch.scored.score[i]
        assert set(record) >= EXPLANATION if is_anomaly else not set(record) & EXPLANATION
        if is_anomaly:
            assert set(read(encoded.alerts[i])) - set(record) == set(ALERT_FIELDS) - {"fields"}
