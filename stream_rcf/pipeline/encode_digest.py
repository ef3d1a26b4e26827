"""From scored events to what a digest counts, and from a digest to its record, which is the same in every format."""

from __future__ import annotations

from collections.abc import Sequence

import orjson

from stream_rcf.core.explanation import SHARE
from stream_rcf.core.record import resolved_fields
from stream_rcf.pipeline.alert_storm import MOST_KEY_CHARACTERS, Alert, Digest, mark_of
from stream_rcf.pipeline.encode import severity_of
from stream_rcf.pipeline.events import Event, Position, alert_id
from stream_rcf.pipeline.score_batch import ScoredBatch

OPENED, CLOSED = "digest_opened", "digest_closed"


def counted_alert(
    event: Event, source: Position, features: Sequence[str], scored: ScoredBatch, index: int
) -> Alert:
    """What a digest keeps of the alert of event ``index``, an anomaly."""
    shares = [row[SHARE] for row in scored.details[index]]
    return Alert(
        mark_of(event.key),
        event.key[:MOST_KEY_CHARACTERS],
        event.timestamp,
        scored.score[index],
        scored.grade[index],
        incident_of(event, scored, index),
        alert_id(source),
        features[shares.index(max(shares))],
    )


def incident_of(event: Event, scored: ScoredBatch, index: int) -> str:
    """The id of the incident that event ``index``, an anomaly or the end of it, is of."""
    fields = resolved_fields(
        event.key,
        event.timestamp,
        scored.first_anomalous_timestamp[index],
        scored.incident[index],
        scored.incident_alerts[index],
    )
    return str(fields["incident_id"])


def digest_key(source: Position) -> bytes:
    """The Kafka message key of a digest: one for each input partition, so that its digests keep their order."""
    return f"digest:{source.topic}:{source.partition}".encode()


def digest_record(digest: Digest, timestamp: int, source: Position) -> bytes:
    """The record of a digest that is told at the event of this time and source.

    Its ``alert_id`` is that position's with a word behind it: the event may have an alert, or end an incident, too.
    """
    document = {
        "key": None,
        "timestamp": timestamp,
        "is_anomaly": not digest.is_over,
        "status": CLOSED if digest.is_over else OPENED,
        "alert_id": _own_id(alert_id(source)),
        "digest_id": _own_id(digest.digest_id),
        "severity": severity_of(max(alert.grade for alert in digest.strongest)),
        "first_anomalous_timestamp": digest.first,
        "last_anomalous_timestamp": digest.last,
        "duration_ms": digest.last - digest.first,
        "keys": digest.keys,
        "has_more_keys": digest.has_more_keys,
        "held_alerts": digest.held,
        "strongest": [
            {
                "key": alert.key,
                "timestamp": alert.timestamp,
                "anomaly_score": alert.score,
                "anomaly_grade": alert.grade,
                "incident_id": alert.incident_id,
                "alert_id": alert.alert_id,
            }
            for alert in digest.strongest
        ],
        "features": digest.features,
        "source": {"topic": source.topic, "partition": source.partition, "offset": source.offset},
    }
    return orjson.dumps(document)


def _own_id(position: str) -> str:
    return f"{position}:digest"
