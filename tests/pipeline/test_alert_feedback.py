"""Alerts of every output format become feedback that the service understands alike."""

from __future__ import annotations

import orjson
import pytest

from stream_rcf.pipeline.alert_feedback import alert_of_score, feedback_of_alert
from stream_rcf.pipeline.encode import Encoder, RecordEncoder
from stream_rcf.pipeline.encode_kinesis import KinesisEncoder
from stream_rcf.pipeline.encode_opensearch import OpenSearchEncoder
from stream_rcf.pipeline.events import Event, Position
from stream_rcf.pipeline.notices import ABOVE, About, NotAnAnomaly, read_feedback
from stream_rcf.pipeline.score_batch import ScoredBatch

FEATURES = ("cpu", "memory")
EVENT, SOURCE = Event("host-1", 1_767_225_600_000, (97.5, 12.0)), Position("metrics", 3, 5951)
DETAILS = [[0.9, 1.0, 41.5, 40.0, 43.0], [0.1, -1.0, 12.5, 12.0, 13.0]]  # share, direction, expected, band
SCORED = ScoredBatch(
    [2.4], [1.3], [0.5], [0.9], [0.999], [0], [1101], [EVENT.timestamp], [1101], [1], [], {0: DETAILS}
)


@pytest.mark.parametrize(
    ("encoder", "deviation"),
    [
        (RecordEncoder(FEATURES, "f" * 16), 56.0),
        (OpenSearchEncoder(FEATURES, "detector"), 56.0),
        (KinesisEncoder(FEATURES), 0.0),
    ],
    ids=["native", "opensearch", "kinesis"],
)
def test_every_format_is_understood(encoder: Encoder, deviation: float) -> None:
    alert = orjson.loads(encoder.encode([EVENT], [SOURCE], SCORED).alerts[0])
    message = feedback_of_alert(alert, "host-1", FEATURES)
    told = read_feedback(orjson.dumps(message), FEATURES)
    assert isinstance(told, NotAnAnomaly)
    assert (told.key, told.abouts) == ("host-1", (About(0, ABOVE, deviation),))


def test_the_score_of_an_alert_that_was_held_says_the_same() -> None:
    score = orjson.loads(RecordEncoder(FEATURES, "f" * 16).encode([EVENT], [SOURCE], SCORED).scores[0] or b"")
    alert = alert_of_score(score, "metrics:3:5951")
    assert alert is not None
    told = read_feedback(orjson.dumps(feedback_of_alert(alert, "host-1", FEATURES)), FEATURES)
    assert isinstance(told, NotAnAnomaly)
    assert (told.key, told.abouts) == ("host-1", (About(0, ABOVE, 56.0),))


def test_the_score_of_a_window_is_found_by_its_start() -> None:
    score = {"is_anomaly": True, "timestamp": 60_000, "source": {"topic": "a", "partition": 0, "offset": 9}}
    assert alert_of_score(score, "a:0:9:60000") is not None
    assert alert_of_score(score, "a:0:9:0") is None


@pytest.mark.parametrize(
    "score",
    [
        {"is_anomaly": False, "source": {"topic": "metrics", "partition": 3, "offset": 5951}},
        {"is_anomaly": True, "source": {"topic": "metrics", "partition": 3, "offset": 595}},
        {"is_anomaly": True, "source": "metrics:3:5951"},
        {"is_anomaly": True},
        {},
    ],
)
def test_other_scores_are_not_the_alert(score: dict[str, object]) -> None:
    assert alert_of_score(score, "metrics:3:5951") is None


def test_the_end_of_an_incident_is_no_alert() -> None:
    assert feedback_of_alert({"alert_id": "metrics:3:5951", "status": "resolved"}, "host-1", FEATURES) is None


@pytest.mark.parametrize(
    "explanation", [None, 5, "{", "[]", '{"cpu":1}', '{"cpu":{}}', '{"cpu":{"ATTRIBUTION_SCORE":"x"}}']
)
def test_a_damaged_explanation_names_no_feature(explanation: object) -> None:
    message = feedback_of_alert(
        {"alert_id": "a", "direction": {}, "ANOMALY_EXPLANATION": explanation}, "host-1", FEATURES
    )
    assert message is not None
    assert message["relevant_attribution"] == {}
