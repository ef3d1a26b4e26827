"""The slow twin of one key's detector as events with timestamps reach it: forest, threshold, and beginning anew."""

from __future__ import annotations

from typing import Any, NamedTuple

from tests.oracle.naive_forest import NaiveForest, Record
from tests.oracle.naive_threshold import NaiveThreshold


class Found(NamedTuple):
    """What is known of one event."""

    score: float
    grade: float
    events_seen: int
    retired: bool


class NaiveDetector:
    """Takes the arguments of `NaiveForest`; pauses of more than ``retire_after_ms`` end what it knows, 0 for never."""

    def __init__(self, retire_after_ms: int, **arguments: Any) -> None:
        self.retire_after_ms = retire_after_ms
        self.arguments = arguments
        self.latest: int | None = None
        self.begin()

    def begin(self) -> None:
        """Know nothing."""
        self.forest = NaiveForest(**self.arguments)
        decay = self.arguments["time_decay"] or 0.0
        self.threshold = NaiveThreshold(decay, self.arguments["shingle_size"])

    def process(self, record: Record, timestamp: int) -> Found:
        """Score a record, then learn it; before that forget all if it comes too late after the latest one."""
        pause = 0 if self.latest is None else timestamp - self.latest
        retired = 0 < self.retire_after_ms < pause
        if retired:
            self.begin()
        self.latest = timestamp if self.latest is None else max(self.latest, timestamp)
        score = self.forest.process(record)
        grade = self.threshold.process(score).grade
        return Found(score, grade, self.forest.events_seen, retired)
