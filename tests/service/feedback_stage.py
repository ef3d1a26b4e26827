"""A coordinator of feedback over topics and partitions that the test makes."""

from __future__ import annotations

from collections.abc import Sequence

import orjson
import pytest

from stream_rcf.kafka.dead_letters import DeadLetters
from stream_rcf.kafka.notice_topics import NoticesUnreadableError
from stream_rcf.pipeline.notices import read_feedback
from stream_rcf.service import feedback as feedback_module
from stream_rcf.service.feedback import Feedback
from stream_rcf.service.feedback_note import Positions
from stream_rcf.service.feedback_opening import open_partition_feedback
from stream_rcf.service.heard import Heard, Hearing, digest_of
from stream_rcf.service.partition import Partition
from stream_rcf.service.partition_feedback import new_partition_feedback
from stream_rcf.settings.model import Settings
from stream_rcf.state.recovery import RecoveryPlan
from tests.service.feedback_support import TOPICS
from tests.service.support import (
    PARAMETERS,
    TOPIC,
    FakeMessage,
    RecordingPublisher,
    new_metrics,
    small_settings,
)

SETTINGS = small_settings(kafka={"feedback_topic": TOPICS[0], "control_topic": TOPICS[1]})


class FakeTopics:
    """Both topics as lists of values; gives ``most`` messages at a time."""

    def __init__(self, _settings: Settings) -> None:
        self.topics = TOPICS
        self.values: dict[str, list[bytes | None]] = {name: [] for name in TOPICS}
        self.low = dict.fromkeys(TOPICS, 0)
        self.at: dict[str, int] = {}
        self.is_at_end = False
        self.most = 1000
        self.begun: list[tuple[int, ...]] = []
        self.failures: list[NoticesUnreadableError] = []

    def begin(self, starts: Sequence[int]) -> list[tuple[int, int]]:
        if self.failures:
            raise self.failures.pop(0)
        self.begun.append(tuple(starts))
        self.is_at_end = False
        self.at = {name: max(start, self.low[name]) for name, start in zip(TOPICS, starts, strict=True)}
        return [(self.low[name], len(self.values[name])) for name in TOPICS]

    def read(self, _seconds: float) -> list[FakeMessage]:
        if self.failures:
            raise self.failures.pop(0)
        found: list[FakeMessage] = []
        for name in TOPICS:
            while self.at[name] < len(self.values[name]) and len(found) < self.most:
                found.append(Sized(self.at[name], self.values[name][self.at[name]], b"who", 0, name))
                self.at[name] += 1
        self.is_at_end = self.is_at_end or all(self.at[name] >= len(self.values[name]) for name in TOPICS)
        return found

    def close(self) -> None:
        self.at = {}


class Sized(FakeMessage):
    def __len__(self) -> int:
        return len(self.content or b"")


class Stage:
    """A coordinator over topics and partitions that the test makes."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(feedback_module, "NoticeTopics", FakeTopics)
        self.now = 1000.0
        self.metrics = new_metrics()
        letters = DeadLetters("dead-letters", 1_000_000)
        self.feedback = Feedback(SETTINGS, letters, self.metrics, lambda: self.now)
        self.topics: FakeTopics = self.feedback._source  # type: ignore[assignment] # -- the fake
        self.partitions: list[Partition] = []
        self.publisher = RecordingPublisher(is_open=True)

    def partition(
        self,
        number: int = 0,
        at: int = 50,
        document: str = "",
        note: str = "",
        is_live: bool = True,
        fence: int = 0,
    ) -> Partition:
        partition = Partition(TOPIC, number, PARAMETERS)
        heard = open_partition_feedback(TOPICS, 1, document, note, "here", "fail")
        heard.fence = fence
        partition.load(RecoveryPlan(None, at, at, None), at, 0, feedback=heard)
        if is_live:
            partition.loaded()
        self.partitions.append(partition)
        return partition

    def say(self, *keys: str) -> None:
        self.topics.values["feedback"] += (orjson.dumps({"verdict": "missed", "key": key}) for key in keys)

    def turn(self, seconds: float = 1.0) -> bool:
        """One turn of the loop, some time after the last; whether something took effect."""
        self.now += seconds
        hearing = self.feedback.read(self.partitions)
        if hearing is None:
            return False
        self.feedback.apply(hearing, self.partitions, self.publisher)  # type: ignore[arg-type] # -- a fake
        return True

    def keys_of(self, partition: Partition) -> int:
        assert partition.feedback is not None
        return partition.feedback.effects.keys


def note_of_one_message(stage: Stage) -> str:
    """What a member notes that has heard the first message and nothing else, before the event at 50."""
    value = stage.topics.values["feedback"][0] or b""
    message = Heard(0, read_feedback(value, ("value",)), digest_of(0, 0, value), len(value), None)  # type: ignore[arg-type] # -- not looked at
    told = new_partition_feedback(TOPICS, 1)
    told.hear(Hearing(Positions(), Positions(1, 0), [message], []), 50)
    return told.note
