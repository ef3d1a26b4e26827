"""A backfill that is gone, another, damaged or of other settings: refused with the way out, which is then taken."""

from __future__ import annotations

import shutil

import orjson
import pytest

from tests.faults.backfill_support import EVENTS, HISTORY, NO_CHECKPOINTS, PARTITIONS, Past, Stage, save_state
from tests.support.service import in_source_order, wait_for_outputs


def test_a_backfill_that_was_deleted_is_missed_and_can_be_let_go_of(stage: Stage, past: Past) -> None:
    middle = HISTORY + 1000
    stage.produce(HISTORY, middle)
    stage.score_until(middle)  # every key has had events now, and is in the service's own checkpoints
    stage.produce(middle, EVENTS)
    shutil.rmtree(stage.state)
    stage.assert_refused("holds no saved state", "set checkpoint.backfill_url to nothing")
    # Killed before its own first interval: that it let go must be known to the next one.
    with stage.service(checkpoint__backfill_url="", **NO_CHECKPOINTS) as service:
        service.wait_for("goes on from backfill", times=PARTITIONS)
        wait_for_outputs(stage.topics, EVENTS - HISTORY, [service])
        service.kill()
    newcomer = orjson.dumps({"timestamp": past.events[-1][3] + 1000, "value": 1.0})
    stage.topics.broker.produce(stage.topics.events, [(b"new", newcomer, 0, past.events[-1][3])])
    stage.score_until(EVENTS + 1, checkpoint__backfill_url="")
    scores = in_source_order(stage.topics.broker.read_all(stage.topics.scores))
    seen = [orjson.loads(score)["model"]["events_seen"] for score in scores if b'"key":"new"' in score]
    assert seen == [1]
    known = [score for score in scores if b'"key":"new"' not in score]
    assert [orjson.loads(score)["anomaly_score"] for score in known] == by_source(past, scores_of(past))


def scores_of(past: Past) -> dict[tuple[str, int], float]:
    return {(row["key"], int(row["timestamp"])): float(row["anomaly_score"]) for row in past.rows[HISTORY:]}


def by_source(past: Past, scores: dict[tuple[str, int], float]) -> list[float]:
    """The scores of the events after the history, partition by partition."""
    ordered = sorted(past.events[HISTORY:], key=lambda event: event[2])
    return [scores[key.decode(), timestamp] for key, _, _, timestamp in ordered]


def test_after_a_crash_it_is_not_let_go_of_unless_keys_may_begin_anew(stage: Stage) -> None:
    middle = HISTORY + 500
    stage.produce(HISTORY, middle)
    with stage.service(**NO_CHECKPOINTS) as service:
        wait_for_outputs(stage.topics, middle - HISTORY, [service])
        service.kill()
    shutil.rmtree(stage.state)
    stage.assert_refused(
        "must be learned again", "checkpoint.backfill_url as it was", checkpoint__backfill_url=""
    )
    stage.produce(middle, EVENTS)
    stage.score_until(EVENTS, checkpoint__backfill_url="", checkpoint__on_unusable="fresh")


def test_another_one_in_its_place_is_refused(stage: Stage, past: Past) -> None:
    middle = HISTORY + 500
    stage.produce(HISTORY, middle)
    stage.score_until(middle)
    done = save_state(past.values[: HISTORY - 1], stage.folder, stage.state.as_uri(), "--replace-state")
    assert done.returncode == 0, done.stderr
    stage.assert_refused("it was replaced", "set checkpoint.backfill_url to nothing")
    shutil.rmtree(stage.state)
    shutil.copytree(past.state, stage.state)
    stage.produce(middle, EVENTS)
    stage.score_until(EVENTS)
    past.assert_continued(stage.topics)


@pytest.mark.parametrize("workers", [1, 2])
def test_other_settings_are_refused_at_the_start_and_named(stage: Stage, workers: int) -> None:
    stage.assert_refused(
        "checkpoint.backfill_url",
        "made with other settings",
        "forest.trees is 5 there and 7 here",
        forest__trees=7,
        workers=workers,
    )


def test_a_damaged_index_is_refused_at_the_start(stage: Stage) -> None:
    damage(stage, -20)
    stage.assert_refused("checkpoint.backfill_url", "is corrupt: its index differs")


def test_a_damaged_model_is_refused_when_its_key_needs_it(stage: Stage) -> None:
    damage(stage, 2000)
    stage.produce(HISTORY, EVENTS)
    stage.assert_refused(
        "the model that a key begins with cannot be had", "differs from its CRC-32", "Bring it back as it was"
    )
    # Once it is brought back, all is as if nothing had happened.
    shutil.rmtree(stage.state)
    shutil.copytree(stage.past.state, stage.state)
    stage.score_until(EVENTS)
    stage.past.assert_continued(stage.topics)


def damage(stage: Stage, position: int) -> None:
    """Flip a bit of the saved segment."""
    (segment,) = (stage.state / "backfill").glob("segment-*")
    content = bytearray(segment.read_bytes())
    content[position] ^= 1
    segment.write_bytes(content)
