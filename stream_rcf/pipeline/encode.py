"""From results to the bytes of the output topics, the same bytes for the same events whatever happens between."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import orjson

from stream_rcf.core.record import (
    REASON_TEXTS,
    forecast_fields,
    incident_fields,
    resolved_fields,
    score_fields,
)
from stream_rcf.pipeline.events import Event, Position, alert_id
from stream_rcf.pipeline.json_text import number_texts, template_text
from stream_rcf.pipeline.score_batch import ScoredBatch

SEVERITIES = ((0.75, "critical"), (0.5, "high"), (0.25, "medium"), (0.0, "low"))  # least grade for each


_REASONS = tuple(orjson.dumps(text) for text in REASON_TEXTS)  # by number


def number_text(number: float) -> str:
    """The number as it stands in the JSON records."""
    return orjson.dumps(number).decode("ascii")


def reason_text(scored: ScoredBatch, index: int) -> str | None:
    """The reason of event ``index`` as it stands in the JSON records; a rule is named: ``rule:night``."""
    name = scored.rule_names.get(index)
    text = REASON_TEXTS[scored.reason[index]]
    return text if name is None else f"{text}:{name}"


def severity_of(grade: float) -> str:
    """A word for a grade above 0: low, medium, high or critical."""
    return next(name for least, name in SEVERITIES if grade >= least)


def alert_fields(
    event: Event, source: Position, features: Sequence[str], scored: ScoredBatch, index: int
) -> dict[str, Any]:
    """``ALERT_FIELDS``: what the alert of event ``index``, an anomaly, says beyond its score record in any format."""
    return {
        "alert_id": alert_id(source),
        "severity": severity_of(scored.grade[index]),
        **incident_fields(
            event.key,
            event.timestamp,
            features,
            scored.details[index],
            scored.first_anomalous_timestamp[index],
            scored.incident[index],
            scored.incident_alerts[index],
        ),
    }


def as_alert(
    record: bytes,
    event: Event,
    source: Position,
    features: Sequence[str],
    scored: ScoredBatch,
    index: int,
    fields: FieldsOf | None,
) -> bytes:
    """The alert that goes with the score record of event ``index``, an anomaly: the same JSON, and its own fields.

    ``record`` is of any format. ``fields``: what the alert is to repeat of its event.
    """
    own = alert_fields(event, source, features, scored, index)
    if fields is not None:
        own["fields"] = fields(index)
    return record[:-1] + b"," + orjson.dumps(own)[1:]


class EncodedBatch(NamedTuple):
    """What is published for a batch, as JSON."""

    scores: list[bytes | None]  # by event; None for one without a source
    alerts: dict[int, bytes]  # by index of an anomaly


def resolved_records(
    events: Sequence[Event], sources: Sequence[Position | None], scored: ScoredBatch
) -> dict[int, bytes]:
    """What ends the incidents of a batch, by index of the event at which that is known: in every format the same."""
    found: dict[int, bytes] = {}
    for index in scored.resolved:
        event, source = events[index], sources[index]
        if source is not None:
            record = resolved_fields(
                event.key,
                event.timestamp,
                scored.first_anomalous_timestamp[index],
                scored.incident[index],
                scored.incident_alerts[index],
            )
            found[index] = orjson.dumps({**record, "alert_id": alert_id(source)})
    return found


FieldsOf = Callable[[int], Mapping[str, object]]


class Encoder(Protocol):
    """Turns scored batches into the records that are published, in one of the formats of ``output.format``.

    The bytes are a pure function of the event, its source and its result: not of the batch around it, nor of the clock.
    """

    def encode(
        self,
        events: Sequence[Event],
        sources: Sequence[Position | None],
        scored: ScoredBatch,
        fields: FieldsOf | None = None,
    ) -> EncodedBatch:
        """The records of a batch; an event without a source was learned silently and has none.

        ``fields``: of event ``index``, what its alert is to repeat.
        """


class RecordEncoder:
    """Encodes the score and alert records of one detector in the native format.

    ``has_forecasts``: whether the detector forecasts, and its records say so.
    """

    def __init__(self, features: tuple[str, ...], fingerprint: str, *, has_forecasts: bool = False) -> None:
        self._features = features
        self._has_forecasts = has_forecasts
        self._fingerprint = fingerprint
        fields = b",".join(template_text(name) + b":%b" for name in features)
        self._ordinary = (
            b'{"key":%b,"timestamp":%d,"values":{'
            + fields
            + b'},"anomaly_score":%b,"anomaly_likelihood":%b,"threshold":%b,"anomaly_grade":0.0,"is_anomaly":false,'
            b'"confidence":%b,"expected_values":null,"relevant_attribution":null,"reason":%b'
            + (b',"forecast":%b,"forecast_coverage":%b' if has_forecasts else b"")
            + b',"source":{"topic":%b,"partition":%d,"offset":%d},"model":{"events_seen":%d,"fingerprint":'
            + template_text(fingerprint)
            + b"}}"
        )

    def encode(
        self,
        events: Sequence[Event],
        sources: Sequence[Position | None],
        scored: ScoredBatch,
        fields: FieldsOf | None = None,
    ) -> EncodedBatch:
        """The records of a batch as bytes: those of ``score_record``, and with ``alert_fields`` the alerts.

        Ordinary records are filled into one template, their numbers written many at a time: a third of the cost.
        """
        if not events:
            return EncodedBatch([], {})
        template, width = self._ordinary, len(self._features)
        values = number_texts([value for event in events for value in event.values])
        topics: dict[str, bytes] = {}
        names = scored.rule_names
        scores: list[bytes | None] = []
        alerts: dict[int, bytes] = {}
        columns = zip(
            events,
            sources,
            zip(*[iter(values)] * width, strict=True),
            number_texts(scored.score),
            number_texts(scored.likelihood),
            number_texts(scored.threshold),
            scored.grade,
            number_texts(scored.confidence),
            scored.reason,
            scored.events_seen,
            strict=True,
        )
        for event, source, texts, score, likelihood, threshold, grade, confidence, reason, seen in columns:
            if source is None:
                scores.append(None)
                continue
            index = len(scores)
            if grade > 0.0:
                record = orjson.dumps(self.score_record(event, source, scored, index))
                scores.append(record)
                alerts[index] = as_alert(record, event, source, self._features, scored, index, fields)
                continue
            key, timestamp = event.key, event.timestamp
            topic, partition, offset, _ = source
            if topic not in topics:
                topics[topic] = orjson.dumps(topic)
            scores.append(
                template
                % (
                    orjson.dumps(key),
                    timestamp,
                    *texts,
                    score,
                    likelihood,
                    threshold,
                    confidence,
                    orjson.dumps(reason_text(scored, index)) if index in names else _REASONS[reason],
                    *self._forecast_texts(scored, index),
                    topics[topic],
                    partition,
                    offset,
                    seen,
                )
            )
        return EncodedBatch(scores, alerts)

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
            scored.likelihood[index],
            scored.details.get(index),
            reason_text(scored, index),
        )
        if self._has_forecasts:
            record |= forecast_fields(self._features, scored.forecasts[index])
        record["source"] = {"topic": source.topic, "partition": source.partition, "offset": source.offset}
        record["model"] = {"events_seen": scored.events_seen[index], "fingerprint": self._fingerprint}
        return record

    def _forecast_texts(self, scored: ScoredBatch, index: int) -> list[bytes]:
        """The forecast of event ``index`` and its coverage as JSON; nothing where the detector does not forecast."""
        if not self._has_forecasts:
            return []
        return [
            orjson.dumps(part) for part in forecast_fields(self._features, scored.forecasts[index]).values()
        ]
