"""Who hears what, and when: partitions that come and go, lag behind, wait; topics that cannot be read for a while."""

from __future__ import annotations

import logging

import pytest

from stream_rcf.errors import CheckpointError
from stream_rcf.kafka.notice_topics import NoticesUnreadableError
from stream_rcf.service.feedback import HOLD_SECONDS, LOST_SECONDS, RETRY_SECONDS
from stream_rcf.service.partition import PartitionState
from tests.service.feedback_stage import Stage, note_of_one_message
from tests.service.support import TOPIC


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
    note = note_of_one_message(stage)
    came = stage.partition(1, note=note, is_live=False)
    stage.turn(0.0)
    assert stage.feedback.is_ready(came)


def test_what_is_gone_is_waited_for_a_little_and_then_an_error(stage: Stage) -> None:
    stage.say("a")
    note = note_of_one_message(stage)
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
