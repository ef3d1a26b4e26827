"""From an alert, in any of the output formats, to the feedback message that says it was none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from stream_rcf.pipeline.events import Position, alert_id


def feedback_of_alert(
    alert: Mapping[str, object], key: str, features: Sequence[str]
) -> dict[str, object] | None:
    """The message, without a note; None where the record is no alert, such as the end of an incident.

    ``key``: the message's own. An alert in Kinesis's columns does not say what was expected: its feedback makes the key
    less sensitive, and tolerates no distance.
    """
    if "direction" not in alert or "alert_id" not in alert:
        return None
    message: dict[str, object] = {
        "verdict": "not_an_anomaly",
        "alert_id": alert["alert_id"],
        "key": key,
        "direction": alert["direction"],
    }
    if "feature_data" in alert:  # OpenSearch's
        expected = alert.get("expected_values")
        first = expected[0] if isinstance(expected, list) and expected else None
        return message | {
            "values": _by_name(alert["feature_data"], "feature_name"),
            "expected_values": _by_name(
                first.get("value_list") if isinstance(first, dict) else None, "feature_id"
            ),
            "relevant_attribution": _by_name(alert.get("relevant_attribution"), "feature_id"),
        }
    if "ANOMALY_EXPLANATION" in alert:  # Kinesis's
        return message | {
            "values": {name: alert[name] for name in features if name in alert},
            "relevant_attribution": _attribution(alert["ANOMALY_EXPLANATION"]),
        }
    fields = ("timestamp", "values", "expected_values", "relevant_attribution", "source")
    return message | {name: alert[name] for name in fields if name in alert}


def alert_of_score(score: Mapping[str, Any], wanted: str) -> Mapping[str, object] | None:
    """The alert of the id ``wanted`` out of its score record in the native format, for one that was not published.

    None where the record is another event's, or was no anomaly. In which direction each feature lay is what its value
    and the expected one show.
    """
    source = score.get("source")
    if not score.get("is_anomaly") or not isinstance(source, Mapping):
        return None
    position = Position(source.get("topic", ""), source.get("partition", -1), source.get("offset", -1))
    of_window = position._replace(window=score.get("timestamp"))  # whose start is the record's time
    if wanted not in {alert_id(position), alert_id(of_window)}:
        return None
    return {**score, "alert_id": wanted, "direction": {}}


def _by_name(rows: object, name: str) -> dict[str, object]:
    """The data of OpenSearch's lists by feature."""
    if not isinstance(rows, list):
        return {}
    return {str(row[name]): row.get("data") for row in rows if isinstance(row, dict) and name in row}


def _attribution(explanation: object) -> dict[str, float]:
    """Each feature's share of the score, which Kinesis writes as text of its own parts."""
    try:
        columns = orjson.loads(explanation) if isinstance(explanation, str) else {}
        parts = {name: float(column["ATTRIBUTION_SCORE"]) for name, column in columns.items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}
    total = sum(parts.values())
    return {name: part / total for name, part in parts.items()} if total > 0.0 else parts
