"""Records in the shape of OpenSearch's anomaly results, for the dashboards and monitors that read those.

Its fields, where they have a counterpart here. What has none is left out: ``task_id``, ``user``, ``error``,
``past_values`` and ``feature_imputed``.
"""

from __future__ import annotations

from collections.abc import Sequence

import orjson

from stream_rcf.core.explanation import EXPECTED, SHARE
from stream_rcf.pipeline.decode import split_key
from stream_rcf.pipeline.encode import EncodedBatch, FieldsOf, as_alert
from stream_rcf.pipeline.events import Event, Position
from stream_rcf.pipeline.json_text import number_texts, template_text
from stream_rcf.pipeline.score_batch import ScoredBatch

SCHEMA_VERSION = 5  # of the result index's mapping: the latest that OpenSearch documents for these fields
MESSAGE_KEY = "key"  # the entity's name where the key is the Kafka message key, which has none of its own


class OpenSearchEncoder:
    """Encodes the score and alert records of one detector as OpenSearch's anomaly results.

    ``detector_id``: what monitors and dashboards ask for. ``key_paths``: the fields that the key is made of, none for
    the Kafka message key; each becomes an entity's name. ``window_ms``: what a record spans, 0 for a moment.
    """

    def __init__(
        self,
        features: tuple[str, ...],
        detector_id: str,
        key_paths: tuple[str, ...] = (),
        window_ms: int = 0,
    ) -> None:
        self._features = features
        self._width = len(features)
        self._detector_id = detector_id
        self._window_ms = window_ms
        self._key_names = key_paths or (MESSAGE_KEY,)
        names = [template_text(name) for name in features]
        values = b",".join(b'{"feature_id":%b,"feature_name":%b,"data":%%b}' % (name, name) for name in names)
        shares = b",".join(b'{"feature_id":%b,"data":%%b}' % name for name in names)
        # An event is a moment, not an interval, and its record must not tell when it was scored: five times are one. A
        # window is an interval, and known at its end.
        self._record = (
            b'{"detector_id":'
            + template_text(detector_id)
            + b',"schema_version":%d,"data_start_time":%%d,"data_end_time":%%d,"feature_data":['
            % SCHEMA_VERSION
            + values
            + b'],"execution_start_time":%d,"execution_end_time":%d,"anomaly_score":%b,"anomaly_grade":%b,'
            b'"is_anomaly":%b,"confidence":%b,%b%b,"threshold":%b}'
        )
        # Of the whole shingle only the newest record is known here: the anomaly is taken to be that one.
        self._explanation = (
            b',"approx_anomaly_start_time":%d,"relevant_attribution":['
            + shares
            + b'],"expected_values":[{"likelihood":1.0,"value_list":['
            + shares
            + b"]}]"
        )

    def encode(
        self,
        events: Sequence[Event],
        sources: Sequence[Position | None],
        scored: ScoredBatch,
        fields: FieldsOf | None = None,
    ) -> EncodedBatch:
        """The records of a batch as bytes; an alert is its score record with three fields more."""
        if not events:
            return EncodedBatch([], {})
        values = number_texts([value for event in events for value in event.values])
        score, grade = number_texts(scored.score), number_texts(scored.grade)
        threshold, confidence = number_texts(scored.threshold), number_texts(scored.confidence)
        entities: dict[str, bytes] = {}
        encoded = EncodedBatch([], {})
        for index, (event, source) in enumerate(zip(events, sources, strict=True)):
            if source is None:
                encoded.scores.append(None)
                continue
            key, timestamp = event.key, event.timestamp
            end = timestamp + self._window_ms
            if key not in entities:
                entities[key] = self._entity(key)
            is_anomaly = scored.grade[index] > 0.0
            explanation = b""
            if is_anomaly:
                details = scored.details[index]
                shares = number_texts([row[SHARE] for row in details])
                expected = number_texts([row[EXPECTED] for row in details])
                explanation = self._explanation % (timestamp, *shares, *expected)
            record = self._record % (
                timestamp,
                end,
                *values[index * self._width : (index + 1) * self._width],
                end,
                end,
                score[index],
                grade[index],
                b"true" if is_anomaly else b"false",
                confidence[index],
                entities[key],
                explanation,
                threshold[index],
            )
            encoded.scores.append(record)
            if is_anomaly:
                alert = as_alert(record, event, source, self._features, scored, index, fields)
                encoded.alerts[index] = alert
        return encoded

    def _entity(self, key: str) -> bytes:
        """The fields that say whose the event is; entities in the order of their names, as OpenSearch writes them."""
        values = [key] if len(self._key_names) == 1 else split_key(key)
        pairs = sorted(zip(self._key_names, values, strict=True))
        entity = orjson.dumps([{"name": name, "value": value} for name, value in pairs])
        return b'"entity":%b,"model_id":%b' % (entity, orjson.dumps(f"{self._detector_id}_entity_{key}"))
