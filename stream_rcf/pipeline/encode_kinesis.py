"""Records with the columns of Kinesis Data Analytics' RANDOM_CUT_FOREST_WITH_EXPLANATION, for who reads those."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import orjson

from stream_rcf.core.explanation import DIRECTION, EXPECTED, SHARE
from stream_rcf.pipeline.encode import EncodedBatch, FieldsOf, as_alert
from stream_rcf.pipeline.events import Event, Position
from stream_rcf.pipeline.json_text import number_texts, template_text
from stream_rcf.pipeline.score_batch import ScoredBatch

_UNEXPLAINED = b"null"  # of events that were passed over


class KinesisEncoder:
    """Encodes the score and alert records of one detector as rows: the key, the time, each feature, the score.

    ``ROWTIME`` is the event's time in UTC as SQL writes it. ``ANOMALY_EXPLANATION`` is text that holds JSON: by feature
    the ``ATTRIBUTION_SCORE`` (at least 0, all sum to the score), with four decimals and as text, as Kinesis has it.
    ``DIRECTION`` and ``STRENGTH`` tell how the value lies to what was expected: above or below, and how far, in the
    column's own unit (Kinesis' was never defined). While there is no score yet it says what Kinesis does then: 0,
    strength 0, LOW.
    """

    def __init__(self, features: tuple[str, ...]) -> None:
        self._features = features
        columns = b"".join(template_text(name) + b":%b," for name in features)
        self._record = (
            b'{"key":%b,"ROWTIME":"%b",' + columns + b'"ANOMALY_SCORE":%b,"ANOMALY_EXPLANATION":%b}'
        )
        self._learning = self._explanation(
            [0.0] * len(features), ["LOW"] * len(features), [0.0] * len(features)
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
        width = len(self._features)
        values = number_texts([value for event in events for value in event.values])
        scores, times = number_texts(scored.score), _row_times(event.timestamp for event in events)
        encoded = EncodedBatch([], {})
        for index, (event, source) in enumerate(zip(events, sources, strict=True)):
            if source is None:
                encoded.scores.append(None)
                continue
            score, grade = scored.score[index], scored.grade[index]
            explanation = _UNEXPLAINED
            if index in scored.details:
                explanation = self._explained(score, event.values, scored.details[index])
            elif score == 0.0:
                explanation = self._learning
            record = self._record % (
                orjson.dumps(event.key),
                times[index],
                *values[index * width : (index + 1) * width],
                scores[index],
                explanation,
            )
            encoded.scores.append(record)
            if grade > 0.0:
                alert = as_alert(record, event, source, self._features, scored, index, fields)
                encoded.alerts[index] = alert
        return encoded

    def _explained(self, score: float, values: Sequence[float], details: Sequence[Sequence[float]]) -> bytes:
        """The explanation of a score."""
        return self._explanation(
            [score * row[SHARE] for row in details],
            ["HIGH" if row[DIRECTION] > 0.0 else "LOW" for row in details],
            [abs(value - row[EXPECTED]) for value, row in zip(values, details, strict=True)],
        )

    def _explanation(
        self, parts: Sequence[float], directions: Sequence[str], strengths: Sequence[float]
    ) -> bytes:
        """The explanation as a JSON text; ``parts`` of the score, by feature."""
        columns = {
            name: {"DIRECTION": direction, "STRENGTH": f"{strength:.4f}", "ATTRIBUTION_SCORE": f"{part:.4f}"}
            for name, part, direction, strength in zip(
                self._features, parts, directions, strengths, strict=True
            )
        }
        return orjson.dumps(orjson.dumps(columns).decode())


def _row_times(timestamps: Iterable[int]) -> list[bytes]:
    """Times in epoch ms as SQL writes them, in UTC: 2026-01-01 00:00:00.000."""
    moments = np.fromiter(timestamps, np.int64).astype("datetime64[ms]")
    return [text.replace("T", " ").encode() for text in np.datetime_as_string(moments).tolist()]
