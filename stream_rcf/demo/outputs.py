"""What the output topics say, counted and kept as far as a display needs it."""

from __future__ import annotations

from collections import Counter, deque
from typing import Any, NamedTuple

import orjson

from stream_rcf.demo.history import History
from stream_rcf.kafka.simple_clients import OutputRecord

# The reasons of a key that does not score yet.
NOT_READY = {"shingle_filling", "warming_up", "idle_key_retired"}
LATEST_INCIDENTS = 50  # kept for display


class Incident(NamedTuple):
    """The first alert of a run of anomalous events of one key, and what it means in words."""

    key: str
    timestamp: int  # epoch ms
    feature: str  # which the score is mostly about
    value: float  # of that feature
    score: float
    likelihood: float
    grade: float
    severity: str
    why: str


class Outputs:
    """Counts of the three topics, and the latest incidents."""

    def __init__(self, scores_topic: str, alerts_topic: str) -> None:
        self._scores_topic = scores_topic
        self._alerts_topic = alerts_topic
        self.scores = 0
        self.alerts = 0
        self.dead_letters = 0
        self.dead_letter_errors: Counter[str] = Counter()
        self.incidents: deque[Incident] = deque(maxlen=LATEST_INCIDENTS)
        self.incidents_so_far = 0
        self.alert_positions: list[tuple[str, int]] = []  # key and event time of every alert
        self._is_ready: dict[str, bool] = {}
        self._histories: dict[str, History] = {}

    @property
    def keys(self) -> int:
        """Distinct keys among the scores."""
        return len(self._is_ready)

    @property
    def ready_keys(self) -> int:
        """Keys whose models score already."""
        return sum(self._is_ready.values())

    @property
    def settled(self) -> int:
        """Events of which the outcome is known."""
        return self.scores + self.dead_letters

    def add(self, record: OutputRecord) -> None:
        """Count one record of any of the three topics."""
        if record.topic == self._scores_topic:
            self._add_score(orjson.loads(record.value))
        elif record.topic == self._alerts_topic:
            self._add_alert(orjson.loads(record.value))
        else:
            self.dead_letters += 1
            self.dead_letter_errors[record.headers.get("error", b"").decode("utf-8", "replace")] += 1

    def _add_score(self, score: dict[str, Any]) -> None:
        self.scores += 1
        key = score["key"]
        self._is_ready[key] = score["reason"] not in NOT_READY
        history = self._histories.setdefault(key, History())
        history.add(score["values"], is_usual=not score["is_anomaly"])

    def _add_alert(self, alert: dict[str, Any]) -> None:
        if "relevant_attribution" not in alert:
            return  # the end of an incident, or a digest
        self.alerts += 1
        self.alert_positions.append((alert["key"], alert["timestamp"]))
        if alert["first_anomalous_timestamp"] != alert["timestamp"]:
            return
        shares: dict[str, float] = alert["relevant_attribution"]
        feature = max(shares, key=shares.__getitem__)
        value = alert["values"][feature]
        history = self._histories.get(alert["key"], History())
        self.incidents_so_far += 1
        self.incidents.append(
            Incident(
                alert["key"],
                alert["timestamp"],
                feature,
                value,
                alert["anomaly_score"],
                alert["anomaly_likelihood"],
                alert["anomaly_grade"],
                alert["severity"],
                history.explain(feature, value),
            )
        )
