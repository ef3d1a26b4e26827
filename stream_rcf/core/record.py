"""The fields of a score record, in their fixed order: one place for the service, the files and the notebook."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

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
    shares: Sequence[float] | None,
    reason: int,
) -> dict[str, Any]:
    """All fields but ``source`` and ``model``. ``shares``: attribution by feature, for anomalies."""
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
        "expected_values": None,
        "relevant_attribution": None if shares is None else dict(zip(features, shares, strict=True)),
        "reason": REASON_TEXTS[reason],
    }
