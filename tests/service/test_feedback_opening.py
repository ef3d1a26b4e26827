"""What a partition that is taken over has heard, by checkpoint and note; refused with a way out where nobody knows."""

from __future__ import annotations

import logging

import orjson
import pytest

from stream_rcf.errors import CheckpointError
from stream_rcf.service.feedback_note import Positions
from stream_rcf.service.feedback_opening import feedback_of_plan, open_partition_feedback
from stream_rcf.service.partition_feedback import PartitionFeedback, new_partition_feedback
from stream_rcf.state.manifest import PartitionId
from stream_rcf.state.recovery import RecoveryPlan
from tests.service.feedback_support import TOPICS, hearing
from tests.service.support import small_settings

OTHERS = ("feedback", "announcements")


def open_it(
    document: str, note: str, topics: tuple[str, str] = TOPICS, on_unusable: str = "fail"
) -> PartitionFeedback:
    return open_partition_feedback(topics, 1, document, note, "events[0] of group g", on_unusable)  # type: ignore[arg-type] # -- one of two words


@pytest.fixture
def told() -> PartitionFeedback:
    """One that has heard of three messages, in two applications."""
    feedback = new_partition_feedback(TOPICS, 1)
    feedback.hear(hearing((0, 0), (1, 1)), 10)
    feedback.hear(hearing((1, 1), (2, 1)), 20)
    return feedback


def test_nothing_is_known_of_nothing() -> None:
    opened = open_it("", "")
    assert (opened.heard, opened.is_collected, opened.note, opened.document()) == (Positions(), True, "", "")


def test_an_orderly_end_leaves_nothing_to_replay(told: PartitionFeedback) -> None:
    opened = open_it(told.document(), told.note)
    assert opened.is_collected
    assert (opened.note, opened.document()) == (told.note, told.document())


def without(document: str, **changes: object) -> str:
    return orjson.dumps(orjson.loads(document) | changes).decode()


@pytest.mark.parametrize(
    "changes",
    [
        {"heard": None},
        {"heard": [1]},
        {"heard": [1, "2"]},
        {"heard": [-1, 2]},
        {"digest": None},
        {"digest": "xyz"},
        {"topics": None},
        {"topics": ["a"]},
        {"topics": [1, 2]},
        {"signals": None},
    ],
)
def test_a_document_with_anything_else_is_refused(
    told: PartitionFeedback, changes: dict[str, object]
) -> None:
    with pytest.raises(CheckpointError, match=r"events\[0\] of group g: .* is corrupt: .*on_unusable=fresh"):
        open_it(without(told.document(), **changes), "")


@pytest.mark.parametrize("document", ["[]", "{", "5"])
def test_a_document_that_is_none_is_refused(document: str) -> None:
    with pytest.raises(CheckpointError, match="is corrupt: its feedback is"):
        open_it(document, "")


def test_a_checkpoint_that_is_older_than_the_note_is_refused(told: PartitionFeedback) -> None:
    for _ in range(2):
        told.saved(told.heard)
    told.hear(hearing((2, 1), (3, 1)), 30)
    with pytest.raises(CheckpointError, match="its checkpoint is older than what is noted"):
        open_it("", told.note)


def test_begun_anew_where_the_settings_say_so(
    told: PartitionFeedback, caplog: pytest.LogCaptureFixture
) -> None:
    opened = open_it("{", told.note, on_unusable="fresh")
    assert (opened.heard, opened.is_collected, opened.effects.is_empty) == (Positions(), True, True)
    assert "takes effect from here on" in caplog.text


def test_other_topics_after_an_orderly_end(told: PartitionFeedback, caplog: pytest.LogCaptureFixture) -> None:
    """What is in effect stays; the new topic is heard from its beginning."""
    opened = open_it(told.document(), told.note, OTHERS)
    assert opened.heard == Positions(2, 0)
    assert opened.effects.document() == told.effects.document()
    assert "kafka.control_topic was 'control' and is 'announcements' now" in caplog.text
    assert orjson.loads(opened.document())["topics"] == list(OTHERS)


def test_other_topics_in_the_middle_of_a_replay_are_refused(told: PartitionFeedback) -> None:
    with pytest.raises(CheckpointError, match="set them back, and change them after an orderly stop"):
        open_it("", told.note, OTHERS)


def test_where_nobody_may_say_anything_there_is_none(
    told: PartitionFeedback, caplog: pytest.LogCaptureFixture
) -> None:
    plan, place = RecoveryPlan(None, 5, 5, None), PartitionId("g", "events", 0)
    caplog.set_level(logging.WARNING)
    assert feedback_of_plan(small_settings(), place, plan, "", 100) is None
    assert caplog.text == ""
    assert feedback_of_plan(small_settings(), place, plan, told.note, 100) is None
    assert "are empty now: what they said is let go of" in caplog.text


@pytest.mark.parametrize(("delivery", "fence"), [("exactly_once", 0), ("at_least_once", 100)])
def test_what_may_come_again_is_not_judged_anew(delivery: str, fence: int) -> None:
    settings = small_settings(kafka={"feedback_topic": "feedback", "delivery": delivery})
    opened = feedback_of_plan(
        settings, PartitionId("g", "events", 0), RecoveryPlan(None, 5, 5, None), "", 100
    )
    assert opened is not None
    assert opened.fence == fence
