"""Who hears what, and when: partitions that come and go, lag behind, wait; topics that cannot be read for a while."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import orjson
import pytest

from stream_rcf.errors import CheckpointError
from stream_rcf.kafka.dead_letters import DeadLetters
from stream_rcf.kafka.notice_topics import NoticesUnreadableError
from stream_rcf.pipeline.notices import read_feedback
from stream_rcf.service import feedback as feedback_module
from stream_rcf.service.feedback import HOLD_SECONDS, LOST_SECONDS, RETRY_SECONDS, Feedback
from stream_rcf.service.feedback_note import Positions
from stream_rcf.service.feedback_opening import open_partition_feedback
from stream_rcf.service.heard import Heard, Hearing, digest_of
from stream_rcf.service.partition import Partition, PartitionState
from stream_rcf.service.partition_feedback import new_partition_feedback
from stream_rcf.settings.model import Settings
from stream_rcf.state.recovery import RecoveryPlan
from tests.service.support import (
    PARAMETERS,
    TOPIC,
    FakeMessage,
    RecordingPublisher,
    new_metrics,
    small_settings,
)

TOPICS = ("feedback", "control")
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


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Stage:
    return Stage(monkeypatch)


def test_every_live_partition_hears_everything_where_it_stands(stage: Stage) -> None:
    one, other = stage.partition(0, at=50), stage.partition(1, at=70)
    assert not stage.turn(), "nothing was said yet"
    stage.say("a", "b")
    assert stage.turn()
    for partition, offset in ((one, 50), (other, 70)):
        assert stage.keys_of(partition) == 2
        assert partition.feedback is not None
        assert f"[[{offset},2,0]]" in partition.note
    assert not stage.turn()
    assert stage.topics.begun == [(0, 0)]


def test_topics_are_looked_at_twice_a_second_at_most(stage: Stage) -> None:
    partition = stage.partition()
    stage.turn()
    stage.say("a")
    assert not stage.turn(0.1)
    assert stage.turn(0.5)
    assert stage.keys_of(partition) == 1


def test_very_much_takes_effect_in_pieces_without_a_pause(stage: Stage) -> None:
    partition = stage.partition()
    stage.topics.most = 10
    stage.say(*map(str, range(35)))
    assert [stage.turn(0.0) for _ in range(5)] == [True, True, True, True, False]
    assert stage.keys_of(partition) == 35


def test_one_that_comes_later_hears_all_from_the_beginning(stage: Stage) -> None:
    first = stage.partition(0)
    stage.say("a", "b")
    stage.turn()
    second = stage.partition(1)
    assert stage.turn()
    assert stage.keys_of(first) == stage.keys_of(second) == 2
    assert first.note.count("[[50,2,0]]") == 1, "it was no news to the first"
    assert stage.topics.begun == [(0, 0), (0, 0)]


def test_a_replay_gets_what_took_effect_and_the_rest_when_it_is_live(stage: Stage) -> None:
    before = stage.partition()
    stage.say("a", "b")
    stage.turn()
    note = before.note
    stage.partitions.clear()
    stage.say("c")
    again = stage.partition(note=note, is_live=False)
    assert not stage.feedback.is_ready(again)
    assert not stage.turn()
    assert stage.feedback.is_ready(again)
    assert stage.keys_of(again) == 0
    again.loaded()
    assert stage.keys_of(again) == 2
    assert stage.turn()
    assert stage.keys_of(again) == 3


def test_an_end_that_was_seen_before_is_no_end_for_one_that_comes(stage: Stage) -> None:
    """Another member has heard of what came after we last looked."""
    stage.partition(0)
    stage.turn()
    stage.say("a")
    note = _note_of_one_message(stage)
    came = stage.partition(1, note=note, is_live=False)
    stage.turn(0.0)
    assert stage.feedback.is_ready(came)


def _note_of_one_message(stage: Stage) -> str:
    """What a member notes that has heard the first message and nothing else, before the event at 50."""
    value = stage.topics.values["feedback"][0] or b""
    message = Heard(0, read_feedback(value, ("value",)), digest_of(0, 0, value), len(value), None)  # type: ignore[arg-type] # -- not looked at
    told = new_partition_feedback(TOPICS, 1)
    told.hear(Hearing(Positions(), Positions(1, 0), [message], []), 50)
    return told.note


def test_what_is_gone_is_waited_for_a_little_and_then_an_error(stage: Stage) -> None:
    stage.say("a")
    note = _note_of_one_message(stage)
    stage.topics.values["feedback"].clear()
    stage.partition(note=note, is_live=False)
    stage.turn()
    stage.turn(LOST_SECONDS / 2)
    with pytest.raises(CheckpointError, match=r"had taken effect.*checkpoint.on_unusable=fresh"):
        stage.turn(LOST_SECONDS)


def test_topics_that_cannot_be_read_are_tried_again(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    partition = stage.partition()
    stage.say("a")
    stage.topics.failures.append(NoticesUnreadableError("nobody answers"))
    assert not stage.turn()
    assert "nobody answers; trying again" in caplog.text
    assert not stage.turn(RETRY_SECONDS / 2)
    assert stage.turn(RETRY_SECONDS)
    stage.say("b")
    stage.topics.failures.append(NoticesUnreadableError("the place is gone"))
    assert not stage.turn()
    assert stage.turn(RETRY_SECONDS)
    assert stage.keys_of(partition) == 2
    assert stage.topics.begun == [(0, 0), (1, 0)]


def test_what_was_deleted_unheard_is_said(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    partition = stage.partition()
    stage.say("a")
    stage.turn()
    stage.say("b", "c")
    stage.topics.low["feedback"] = 2
    stage.topics.failures.append(NoticesUnreadableError("the place is gone"))
    stage.turn()
    assert stage.turn(RETRY_SECONDS)
    assert stage.keys_of(partition) == 2
    assert "what lay between is not heard" in caplog.text


def test_nothing_new_takes_effect_where_outputs_may_come_again(stage: Stage) -> None:
    partition = stage.partition(at=50, fence=60)
    stage.say("a")
    assert not stage.turn()
    assert not stage.feedback.hold(partition), "waiting would not help it"
    partition.next_offset = 60
    assert stage.turn()
    assert "[[60,1,0]]" in partition.note


def test_without_room_messages_wait_for_a_checkpoint(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    partition = stage.partition()
    monkeypatch.setattr("stream_rcf.service.partition_feedback.MOST_REPLAYED_BYTES", 1)
    stage.say("a")
    assert stage.turn()
    stage.say("b")
    assert not stage.turn()
    assert partition.feedback is not None
    for _ in range(2):
        partition.feedback.saved(partition.feedback.heard)
    assert stage.turn()
    assert stage.keys_of(partition) == 2


def test_a_partition_is_held_until_it_has_heard_what_was_said(stage: Stage) -> None:
    stage.say("a")
    partition = stage.partition()
    assert stage.feedback.hold(partition)
    assert stage.feedback.released() == []
    assert stage.turn()
    assert stage.feedback.released() == [partition]
    assert stage.feedback.released() == []
    assert not stage.feedback.is_busy


@pytest.mark.parametrize("is_gone", [False, True])
def test_it_is_not_held_for_long(stage: Stage, is_gone: bool, caplog: pytest.LogCaptureFixture) -> None:
    partition = stage.partition()
    stage.topics.failures += [NoticesUnreadableError("nobody answers")] * 9
    assert stage.feedback.hold(partition)
    stage.turn()
    assert stage.feedback.released() == []
    if is_gone:
        partition.lose()
    stage.now += HOLD_SECONDS
    assert stage.feedback.released() == ([] if is_gone else [partition])
    assert ("without waiting for feedback" in caplog.text) is not is_gone


def test_what_says_nothing_is_a_dead_letter_of_the_first_partition_alone(stage: Stage) -> None:
    stage.topics.values["feedback"] = [b"{}", None]
    stage.topics.values["control"] = [b"[" * 100]
    stage.say("a")
    stage.partition(1)
    stage.turn()
    assert stage.publisher.outputs == []
    stage.partition(0)
    stage.turn()
    letters = [
        (letter.headers["source_topic"], letter.headers["error"]) for letter in stage.publisher.outputs
    ]
    assert letters == [
        (b"feedback", b"invalid_feedback"),
        (b"feedback", b"tombstone"),
        (b"control", b"invalid_json"),
    ]
    value = stage.metrics.registry.get_sample_value
    name = "stream_rcf_feedback_messages_total"
    assert (value(name, {"kind": "rejected"}), value(name, {"kind": "missed"})) == (3, 1)
    assert value("stream_rcf_dead_letters_total", {"error": "tombstone"}) == 1


def test_what_takes_effect_is_logged(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    stage.partition(3, at=50)
    stage.say("a", "b")
    stage.topics.values["control"].append(b'{"cancel":"x"}')
    stage.turn()
    (entry,) = [record for record in caplog.records if record.message == "feedback in effect"]
    assert entry.context == {  # type: ignore[attr-defined] # -- ours
        "topic": TOPIC,
        "partition": 3,
        "offset": 50,
        "heard_from": [0, 0],
        "heard_to": [2, 1],
        "missed": 2,
        "cancel": 1,
    }


def test_effects_that_are_let_go_of_are_counted(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stream_rcf.pipeline.effects.MOST_SIGNALS", 4)
    stage.partition()
    stage.say("a", "b", "c")  # each in both directions
    stage.turn()
    assert stage.metrics.registry.get_sample_value("stream_rcf_feedback_dropped_total") == 2


def test_nobody_listens_where_there_is_no_partition(stage: Stage) -> None:
    assert not stage.turn()
    parked = stage.partition()
    parked.park()
    assert parked.state is PartitionState.PARKED
    assert not stage.turn()
    assert stage.topics.begun == []
