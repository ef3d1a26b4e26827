"""Feedback in batches: each event is judged by what was in effect before it, live and in a replay, however cut."""

from __future__ import annotations

import pytest

from stream_rcf.pipeline.notices import ABOVE, About, Maintenance, NotAnAnomaly
from stream_rcf.service.feedback_note import Positions
from stream_rcf.service.feedback_opening import open_partition_feedback
from stream_rcf.service.heard import Hearing
from stream_rcf.service.partition import Partition
from stream_rcf.state.recovery import RecoveryPlan
from tests.service.bench import EVENTS, Bench, stream_messages
from tests.service.feedback_support import TOPICS, heard
from tests.service.support import TOPIC, states_of

# Before the event at 137 what was no anomaly of one key, before the one at 150 of another, and then a maintenance.
TOLD = [
    heard(0, 0, NotAnAnomaly("host-0", (About(0, ABOVE, 60.0),), "")),
    heard(0, 1, NotAnAnomaly("host-2", (About(0, ABOVE, 60.0),), "")),
]
WORK = heard(1, 0, Maintenance("work", ("*",), (0,), EVENTS[265].timestamp, EVENTS[275].timestamp))
HISTORY = [
    (137, Hearing(Positions(0, 0), Positions(1, 0), TOLD[:1], [])),
    (150, Hearing(Positions(1, 0), Positions(2, 1), TOLD[1:], [WORK])),
]
EVERYTHING = Hearing(Positions(0, 0), Positions(2, 1), TOLD, [WORK])


def opened(note: str, publish_from: int) -> tuple[Bench, Partition]:
    """A bench with one partition from offset 0, which was published up to ``publish_from``."""
    bench = Bench()
    partition = Partition(TOPIC, 0, bench.parameters)
    feedback = open_partition_feedback(TOPICS, 1, "", note, "here", "fail")
    partition.load(RecoveryPlan(None, 0, publish_from, None), publish_from, 0, feedback=feedback)
    bench.partitions[TOPIC, 0] = partition
    return bench, partition


@pytest.fixture(scope="module")
def live() -> tuple[Bench, Partition]:
    """One that was told while it went on, and has seen all events."""
    bench, partition = opened("", 0)
    partition.loaded()
    assert partition.feedback is not None
    at = 0
    for offset, hearing in HISTORY:
        bench.process(stream_messages()[at:offset], 7)
        assert partition.feedback.hear(hearing, offset)
        at = offset
    bench.process(stream_messages()[at:], 7)
    return bench, partition


def test_something_was_held_back(live: tuple[Bench, Partition]) -> None:
    scores = [output.document for output in live[0].publisher.on("scores")]
    held = {(score["key"], score["reason"]) for score in scores if str(score["reason"]).startswith("rule")}
    assert held == {
        ("host-0", "rule:feedback"),
        ("host-2", "rule:feedback"),
        ("host-3", "rule:maintenance work"),
    }
    assert any(score["is_anomaly"] for score in scores[:137] if score["key"] == "host-0"), (
        "and was not before"
    )


@pytest.mark.parametrize("size", [1, 7, 1000])
@pytest.mark.parametrize("publish_from", [137, 138, 150, 151, 200, len(EVENTS)])
def test_a_replay_judges_alike(live: tuple[Bench, Partition], publish_from: int, size: int) -> None:
    bench, partition = opened(live[1].note if publish_from >= 150 else _first_only(), publish_from)
    assert partition.feedback is not None
    partition.feedback.collect(EVERYTHING, True)
    partition.loaded()
    if publish_from >= 150:
        bench.process(stream_messages(), size)
    else:
        bench.process(stream_messages()[:150], size)
        assert partition.feedback.hear(HISTORY[1][1], 150)
        bench.process(stream_messages()[150:], size)
    for topic in ("scores", "alerts"):
        expected = [
            out
            for out in live[0].publisher.on(topic)
            if out.document["source"]["offset"] >= publish_from  # type: ignore[index] # -- JSON
        ]
        assert bench.publisher.on(topic) == expected
    assert states_of(partition.table) == states_of(live[1].table)
    assert (partition.feedback.document(), partition.note) == (live[1].feedback.document(), live[1].note)  # type: ignore[union-attr] # -- it has some


def _first_only() -> str:
    """The note of one that has heard of the first message only."""
    bench, partition = opened("", 0)
    bench.processor.close()
    partition.loaded()
    assert partition.feedback is not None
    partition.feedback.hear(HISTORY[0][1], 137)
    return partition.note
