from __future__ import annotations

import orjson

from stream_rcf.pipeline.alert_storm import MOST_KEY_CHARACTERS, Alert, Digest, mark_of
from stream_rcf.pipeline.encode_digest import counted_alert, digest_key, digest_record
from stream_rcf.pipeline.events import Event, Position
from stream_rcf.pipeline.score_batch import ScoredBatch

SOURCE = Position("metrics", 3, 5951)
ALERT = Alert(mark_of("a"), "a", 5000, 4.25, 0.75, "0011223344556677", "metrics:3:5950", "cpu")
DIGEST = Digest(False, "metrics:3:5951", 4000, 9000, 1, 20, False, (ALERT,), {"cpu": 15, "disk": 5})


def scored(first: int, incident: int, alerts: int) -> ScoredBatch:
    """One event, an anomaly in its third feature."""
    details = [[0.0] * 5 for _ in range(3)]
    for row, share in zip(details, (0.25, 0.15, 0.6), strict=True):
        row[:] = [share] * len(row)
    return ScoredBatch(
        [4.0], [1.0], [0.5], [1.0], [1.0], [0], [9], [first], [incident], [alerts], [], {0: details}
    )


def test_a_digest_says_all_that_somebody_on_call_asks_first() -> None:
    record = digest_record(DIGEST, 9000, SOURCE)
    assert orjson.loads(record) == {
        "key": None,
        "timestamp": 9000,
        "is_anomaly": True,
        "status": "digest_opened",
        "alert_id": "metrics:3:5951:digest",
        "digest_id": "metrics:3:5951:digest",
        "severity": "critical",
        "first_anomalous_timestamp": 4000,
        "last_anomalous_timestamp": 9000,
        "duration_ms": 5000,
        "keys": 20,
        "has_more_keys": False,
        "held_alerts": 1,
        "strongest": [
            {
                "key": "a",
                "timestamp": 5000,
                "anomaly_score": 4.25,
                "anomaly_grade": 0.75,
                "incident_id": "0011223344556677",
                "alert_id": "metrics:3:5950",
            }
        ],
        "features": {"cpu": 15, "disk": 5},
        "source": {"topic": "metrics", "partition": 3, "offset": 5951},
    }
    assert record == digest_record(DIGEST, 9000, SOURCE)


def test_the_closing_one_names_the_opening_one_and_is_no_anomaly() -> None:
    source = SOURCE._replace(offset=7000, window=60_000)
    closed = orjson.loads(digest_record(DIGEST._replace(is_over=True, held=800), 99_000, source))
    assert (closed["status"], closed["is_anomaly"]) == ("digest_closed", False)
    assert (closed["alert_id"], closed["digest_id"]) == (
        "metrics:3:7000:60000:digest",
        "metrics:3:5951:digest",
    )
    assert (closed["timestamp"], closed["held_alerts"]) == (99_000, 800)


def test_digests_of_one_partition_have_one_key() -> None:
    assert digest_key(SOURCE) == digest_key(SOURCE._replace(offset=1)) == b"digest:metrics:3"


def test_what_is_counted_of_an_alert() -> None:
    event = Event("k" * 1000, 8000, (1.0, 2.0, 3.0))
    one = counted_alert(event, SOURCE, ("a", "b", "c"), scored(7000, 5, 2), 0)
    assert (one.key, one.mark) == ("k" * MOST_KEY_CHARACTERS, mark_of("k" * 1000))
    assert (one.timestamp, one.score, one.grade) == (8000, 4.0, 0.5)
    assert (one.alert_id, one.feature) == ("metrics:3:5951", "c")
    again = counted_alert(event._replace(timestamp=9000), SOURCE, ("a", "b", "c"), scored(7000, 5, 3), 0)
    other = counted_alert(event, SOURCE, ("a", "b", "c"), scored(7000, 6, 2), 0)
    assert again.incident_id == one.incident_id != other.incident_id
