"""The fields of a score record, in their fixed order: one place for the service, the files and the notebook."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import Any

from stream_rcf.core.explanation import DIRECTION, EXPECTED, LOWER, SHARE, UPPER
from stream_rcf.core.key_forecaster import RecordForecast
from stream_rcf.core.reasons import Reason

REASON_TEXTS = tuple(reason.text for reason in Reason)  # by number


def score_fields(
    key: str,
    timestamp: int,
    features: Sequence[str],
    values: Sequence[float],
    score: float,
    threshold: float,
    grade: float,
    confidence: float,
    likelihood: float,
    details: Sequence[Sequence[float]] | None,
    reason: str | None,
) -> dict[str, Any]:
    """All fields but ``source`` and ``model``. ``details`` of explanation.py by feature, for anomalies."""
    return {
        "key": key,
        "timestamp": timestamp,
        "values": dict(zip(features, values, strict=True)),
        "anomaly_score": score,
        "anomaly_likelihood": likelihood,
        "threshold": threshold,
        "anomaly_grade": grade,
        "is_anomaly": grade > 0.0,
        "confidence": confidence,
        "expected_values": None if details is None else _by_feature(features, details, EXPECTED),
        "relevant_attribution": None if details is None else _by_feature(features, details, SHARE),
        "reason": reason,
    }


def forecast_fields(features: Sequence[str], forecast: RecordForecast) -> dict[str, Any]:
    """What a score record says of the records to come, where that is asked for: the next first."""
    return {
        "forecast": None
        if forecast.features is None
        else {
            feature: {"values": one.values, "lower": one.lower, "upper": one.upper}
            for feature, one in zip(features, forecast.features, strict=True)
        },
        "forecast_coverage": None
        if forecast.coverage is None
        else dict(zip(features, forecast.coverage, strict=True)),
    }


def incident_fields(
    key: str,
    timestamp: int,
    features: Sequence[str],
    details: Sequence[Sequence[float]],
    started_at: int,
    first_event: int,
    alerts: int,
) -> dict[str, Any]:
    """What an alert says beyond the score record, whose ``details`` these are: how it lies, and its incident."""
    return {
        "expected_band": {
            feature: [row[LOWER], row[UPPER]] for feature, row in zip(features, details, strict=True)
        },
        "direction": {
            feature: "above" if row[DIRECTION] > 0.0 else "below"
            for feature, row in zip(features, details, strict=True)
        },
        **_incident(key, timestamp, started_at, first_event, alerts),
        "status": "opened" if alerts == 1 else "continuing",
    }


def resolved_fields(
    key: str, timestamp: int, started_at: int, first_event: int, alerts: int
) -> dict[str, Any]:
    """What is said of an incident when it is over: its alerts, how long it was, and no anomaly."""
    return {
        "key": key,
        "timestamp": timestamp,
        "is_anomaly": False,
        **_incident(key, timestamp, started_at, first_event, alerts),
        "status": "resolved",
    }


def _incident(key: str, timestamp: int, started_at: int, first_event: int, alerts: int) -> dict[str, Any]:
    """An incident as far as it has come; its id is the same after any crash and in any file."""
    name = f"{key}\0{started_at}\0{first_event}"
    return {
        "first_anomalous_timestamp": started_at,
        "duration_ms": max(0, timestamp - started_at),
        "incident_id": blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest(),
        "incident_alerts": alerts,
    }


def _by_feature(features: Sequence[str], details: Sequence[Sequence[float]], column: int) -> dict[str, float]:
    return {feature: row[column] for feature, row in zip(features, details, strict=True)}
