"""One partition's feedback: in effect where it was decided, and in a replay at the same places or not at all."""

from __future__ import annotations

import itertools

import pytest

from stream_rcf.pipeline.event_errors import EventError
from stream_rcf.pipeline.events import Rejection
from stream_rcf.service import partition_feedback
from stream_rcf.service.feedback_note import Positions, decode_note
from stream_rcf.service.feedback_opening import open_partition_feedback
from stream_rcf.service.heard import Hearing
from stream_rcf.service.partition_feedback import (
    FeedbackLostError,
    PartitionFeedback,
    new_partition_feedback,
)
from tests.service.feedback_support import TOPICS, heard, hearing

# (before this offset of the input, what was heard up to these places), one application after the other
HISTORY = [(10, (2, 0)), (10, (2, 1)), (25, (5, 1)), (40, (5, 3)), (40, (9, 4))]


def fresh() -> PartitionFeedback:
    return new_partition_feedback(TOPICS, 1)


def told(feedback: PartitionFeedback, history: list[tuple[int, tuple[int, int]]]) -> PartitionFeedback:
    """The same after further applications, of what was not heard before."""
    for offset, place in history:
        assert feedback.hear(hearing(feedback.heard, place), offset)
    return feedback


def reopened(document: str, note: str) -> PartitionFeedback:
    return open_partition_feedback(TOPICS, 1, document, note, "events[0]", "fail")


def states(feedback: PartitionFeedback, offsets: range) -> list[dict[str, object]]:
    """What is in effect for the events at these offsets, one after the other."""
    found = []
    for offset in offsets:
        feedback.reach(offset)
        found.append(feedback.effects.document())
    return found


def live_states(offsets: range) -> list[dict[str, object]]:
    """The same of the one that decided."""
    feedback, left, found = fresh(), list(HISTORY), []
    for offset in offsets:
        while left and left[0][0] <= offset:
            told(feedback, [left.pop(0)])
        found.append(feedback.effects.document())
    return found


def test_what_is_heard_takes_effect_at_once_and_is_noted() -> None:
    feedback = fresh()
    assert (feedback.note, feedback.document()) == ("", ""), "nothing heard costs nothing"
    messages = feedback.hear(hearing((0, 0), (2, 1)), 10)
    assert [(one.offset, one.origin.topic()) for one in messages] == [
        (0, "feedback"),
        (1, "feedback"),
        (0, "control"),
    ]
    assert feedback.effects.keys == 2
    note = decode_note(feedback.note, "here")
    assert note is not None
    assert [(one.offset, tuple(one.heard)) for one in note.applications] == [(10, (2, 1))]
    assert feedback.hear(hearing((0, 0), (2, 1)), 11) == [], "the same again is no news"
    assert feedback.hear(hearing((3, 1), (5, 1)), 12) == [], "with a gap before it nothing is"
    assert len(feedback.hear(hearing((0, 0), (3, 1)), 13)) == 1, (
        "read from further back, only what is new counts"
    )


@pytest.mark.parametrize("size", [1, 2, 100])
@pytest.mark.parametrize("saved", range(len(HISTORY) + 1))
def test_a_replay_lets_the_same_take_effect_at_the_same_places(saved: int, size: int) -> None:
    """From a checkpoint after any of the applications, whatever the pieces in which the topics are read."""
    at_checkpoint = told(fresh(), HISTORY[:saved])
    document = at_checkpoint.document()
    begin = HISTORY[saved - 1][0] if saved else 0
    live = told(at_checkpoint, HISTORY[saved:])
    replayed = reopened(document, live.note)
    assert replayed.is_collected is (saved == len(HISTORY))
    place, end = replayed.heard, Positions(12, 5)  # more was said since
    while not replayed.is_collected:
        following = Positions(
            min(place.feedback + size, end.feedback), min(place.control + size, end.control)
        )
        replayed.collect(hearing(place, following), False)
        place = following
    assert states(replayed, range(begin, 60)) == live_states(range(begin, 60))
    assert (replayed.note, replayed.document()) == (live.note, live.document())
    assert replayed.heard == live.heard == replayed.listened


def test_a_wrong_place_is_not_the_same() -> None:
    """What the comparison above would see, were a message let take effect one event later."""
    live = told(fresh(), HISTORY)
    later = live.note.replace('"applied":[[10,', '"applied":[[11,').replace("[15,", "[14,")
    replayed = reopened("", later)
    replayed.collect(hearing((0, 0), (9, 4)), False)
    assert replayed.document() == "", "nothing took effect yet"
    assert states(replayed, range(60)) != live_states(range(60))


@pytest.mark.parametrize(
    "read",
    [
        hearing((0, 0), (9, 4), text="other"),
        hearing((0, 0), (9, 4), without=((0, 3),)),
        hearing((0, 0), (9, 4), without=((1, 0),)),
        hearing((4, 0), (9, 4)),
        hearing((0, 0), (9, 0)),
        hearing((0, 0), (0, 0)),
    ],
    ids=["changed", "compacted", "control-compacted", "trimmed", "control-recreated", "recreated"],
)
def test_messages_that_are_gone_or_others_are_noticed(read: Hearing) -> None:
    replayed = reopened("", told(fresh(), HISTORY).note)
    with pytest.raises(
        FeedbackLostError, match="had taken effect, and those that are there now are not the same"
    ):
        replayed.collect(read, True)
    assert not replayed.is_collected


def test_a_message_that_says_nothing_counts_as_heard_and_no_more() -> None:
    rejected = heard(0, 0, Rejection(EventError.INVALID_FEEDBACK, "no"))
    feedback = fresh()
    assert feedback.hear(Hearing(Positions(), Positions(1, 0), [rejected], []), 7) == [rejected]
    assert feedback.effects.is_empty
    assert feedback.heard == Positions(1, 0)
    assert feedback.note


def test_a_note_holds_what_the_older_of_two_checkpoints_lacks() -> None:
    feedback = fresh()
    lengths = []
    for offset, place in HISTORY:
        told(feedback, [(offset, place)])
        feedback.saved(feedback.heard)
        note = decode_note(feedback.note, "here")
        assert note is not None
        lengths.append(len(note.applications))
    assert lengths == [1, 1, 1, 1, 1]
    feedback.saved(feedback.heard)
    note = decode_note(feedback.note, "here")
    assert note is not None
    assert (note.base, note.applications) == (feedback.heard, ())


@pytest.mark.parametrize("kept", [1, 2])
def test_either_of_the_two_kept_checkpoints_serves(kept: int) -> None:
    feedback, documents = fresh(), []
    for (offset, place), is_saved in zip(HISTORY, itertools.cycle([True, False]), strict=False):
        told(feedback, [(offset, place)])
        if is_saved:
            documents.append((offset, feedback.document()))
            feedback.saved(feedback.heard)
    begin, document = documents[-kept]
    replayed = reopened(document, feedback.note)
    if not replayed.is_collected:
        replayed.collect(hearing((0, 0), (9, 4)), False)
    assert states(replayed, range(begin, 60))[-1] == feedback.effects.document()
    assert replayed.document() == feedback.document()


def test_when_the_note_is_full_messages_wait_for_a_checkpoint() -> None:
    feedback = fresh()
    count = 0
    while feedback.has_room:
        told(feedback, [(1000 * count, (count + 1, 0))])
        count += 1
    assert len(feedback.note) <= partition_feedback.MOST_NOTE_CHARACTERS
    assert count > 100
    feedback.saved(feedback.heard)
    assert not feedback.has_room, "the older checkpoint still needs it"
    feedback.saved(feedback.heard)
    assert feedback.has_room


def test_what_a_replay_must_hold_in_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(partition_feedback, "MOST_REPLAYED_BYTES", 500)  # messages here have 100
    feedback = told(fresh(), [(10, (4, 0))])
    assert feedback.has_room
    told(feedback, [(11, (5, 0))])
    assert not feedback.has_room
    replayed = reopened("", feedback.note)
    replayed.collect(hearing((0, 0), (5, 0)), False)
    replayed.reach(11)
    assert not replayed.has_room, "a replay knows what it holds"


def test_effects_that_went_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stream_rcf.pipeline.effects.MOST_SIGNALS", 3)
    feedback = told(fresh(), [(10, (5, 0))])
    assert feedback.dropped == 2
    assert feedback.effects.keys == 3
