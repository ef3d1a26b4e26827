"""From results to the bytes of the output topics, the same bytes for the same events whatever happens between."""

from __future__ import annotations

from typing import Any

import orjson

from stream_rcf.core.record import REASON_TEXTS, score_fields
from stream_rcf.pipeline.events import Event, Position
from stream_rcf.pipeline.score_batch import ScoredBatch

SEVERITIES = ((0.75, "critical"), (0.5, "high"), (0.25, "medium"), (0.0, "low"))  # least grade for each


def number_text(number: float) -> str:
    """The number as it stands in the JSON records."""
    return orjson.dumps(number).decode("ascii")


def reason_text(reason: int) -> str | None:
    """The reason as it stands in the JSON records."""
    return REASON_TEXTS[reason]


def severity_of(grade: float) -> str:
    """A word for a grade above 0: low, medium, high or critical."""
    return next(name for least, name in SEVERITIES if grade >= least)


def alert_id(source: Position) -> str:
    """A pure function of where the event lies: no topic name holds a colon, so no two positions share an id."""
    return f"{source.topic}:{source.partition}:{source.offset}"


class RecordEncoder:
    """Encodes the score and alert records of one detector."""

    def __init__(self, features: tuple[str, ...], fingerprint: str) -> None:
        self._features = features
        self._fingerprint = fingerprint

    def score_record(self, event: Event, source: Position, scored: ScoredBatch, index: int) -> dict[str, Any]:
        """The score record of event ``index`` of a batch."""
        record = score_fields(
            event.key,
            event.timestamp,
            self._features,
            event.values,
            scored.score[index],
            scored.threshold[index],
            scored.grade[index],
            scored.confidence[index],
            scored.attribution.get(index),
            scored.reason[index],
        )
        record["source"] = {"topic": source.topic, "partition": source.partition, "offset": source.offset}
        record["model"] = {"events_seen": scored.events_seen[index], "fingerprint": self._fingerprint}
        return record

    def alert_record(
        self, record: dict[str, Any], source: Position, first_anomalous_timestamp: int
    ) -> dict[str, Any]:
        """The alert that goes with an anomaly's score record."""
        return {
            **record,
            "alert_id": alert_id(source),
            "severity": severity_of(record["anomaly_grade"]),
            "first_anomalous_timestamp": first_anomalous_timestamp,
        }
