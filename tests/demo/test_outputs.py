from __future__ import annotations

from typing import Any

import orjson

from stream_rcf.demo.outputs import LATEST_INCIDENTS, Outputs
from stream_rcf.kafka.simple_clients import OutputRecord

START = 1_767_225_600_000


def outputs() -> Outputs:
    return Outputs("scores", "alerts")


def score(key: str = "web-01", **fields: Any) -> dict[str, Any]:
    return {
        "key": key,
        "timestamp": START,
        "values": {"cpu": 10.0, "latency": 5.0},
        "anomaly_score": 1.0,
        "threshold": 1.2,
        "anomaly_likelihood": 0.25,
        "anomaly_grade": 0.0,
        "is_anomaly": False,
        "reason": None,
        **fields,
    }


def alert(key: str = "web-01", timestamp: int = START, first: int = START) -> dict[str, Any]:
    return {
        **score(key, timestamp=timestamp, anomaly_score=2.5, anomaly_grade=0.8, is_anomaly=True),
        "relevant_attribution": {"cpu": 0.2, "latency": 0.8},
        "severity": "critical",
        "first_anomalous_timestamp": first,
    }


def add(to: Outputs, topic: str, value: dict[str, Any] | bytes, **headers: bytes) -> None:
    encoded = value if isinstance(value, bytes) else orjson.dumps(value)
    to.add(OutputRecord(topic, b"key", encoded, dict(headers)))


def test_each_topic_is_counted_for_itself() -> None:
    made = outputs()
    for key in ("web-01", "web-02", "web-01"):
        add(made, "scores", score(key))
    add(made, "alerts", alert())
    add(made, "dead-letters", b"\xff{", error=b"invalid_json")

    assert (made.scores, made.alerts, made.dead_letters, made.keys) == (3, 1, 1, 2)
    assert made.settled == 4
    assert made.dead_letter_errors == {"invalid_json": 1}


def test_a_key_is_ready_once_its_latest_score_says_so() -> None:
    made = outputs()
    add(made, "scores", score("web-01", reason="shingle_filling"))
    add(made, "scores", score("web-02", reason="warming_up"))
    assert (made.keys, made.ready_keys) == (2, 0)

    add(made, "scores", score("web-01"))
    add(made, "scores", score("web-02", reason="below_first_grade"))
    assert made.ready_keys == 2


def test_a_run_of_alerts_is_one_incident_about_its_main_feature() -> None:
    made = outputs()
    for _ in range(10):
        add(made, "scores", score(values={"cpu": 10.0, "latency": 2.0}))
        add(made, "scores", score(values={"cpu": 10.0, "latency": 3.0}))
    add(made, "alerts", alert(timestamp=START + 1, first=START + 1))
    add(made, "alerts", alert(timestamp=START + 2, first=START + 1))

    (incident,) = made.incidents
    assert made.alerts == 2
    assert made.alert_positions == [("web-01", START + 1), ("web-01", START + 2)]
    assert (incident.key, incident.timestamp, incident.feature) == ("web-01", START + 1, "latency")
    assert (incident.value, incident.score, incident.likelihood) == (5.0, 2.5, 0.25)
    assert (incident.grade, incident.severity) == (0.8, "critical")
    assert incident.why == "above its usual 2 to 3"


def test_digests_and_ends_of_incidents_are_no_alerts() -> None:
    made = outputs()
    for status in ("digest_opened", "digest_closed", "resolved"):
        add(made, "alerts", {"key": None, "timestamp": 1, "first_anomalous_timestamp": 1, "status": status})
    assert (made.alerts, made.alert_positions, made.incidents_so_far) == (0, [], 0)


def test_old_incidents_leave_and_stay_counted() -> None:
    made = outputs()
    for i in range(LATEST_INCIDENTS + 5):
        add(made, "alerts", alert(timestamp=START + i, first=START + i))

    assert len(made.incidents) == LATEST_INCIDENTS
    assert made.incidents_so_far == LATEST_INCIDENTS + 5
