"""Names of fields that more than the encoders must know; importing this loads nothing."""

from __future__ import annotations

# Of an alert, in every format, beside the fields of its score record.
ALERT_FIELDS = (
    "alert_id",
    "severity",
    "expected_band",
    "direction",
    "first_anomalous_timestamp",
    "duration_ms",
    "incident_id",
    "incident_alerts",
    "status",
    "fields",
)
# Of a record in Kinesis' format beside those of its features, so that no feature may have one of these names.
KINESIS_COLUMNS = ("key", "ROWTIME", "ANOMALY_SCORE", "ANOMALY_EXPLANATION", *ALERT_FIELDS)
