"""Which backfill a partition goes on from: pinned by its checkpoints, and never another without a word."""

from __future__ import annotations

import pytest

from stream_rcf.errors import CheckpointError
from stream_rcf.state.backfill_choice import BackfillChoice, choose_backfill
from stream_rcf.state.recovery import RecoveryPlan
from tests.state.support import PARTITION, manifest_at

FIRST, OTHER = "ab" * 32, "cd" * 32


def choose(taken: str, offered: str, *, replay: int = 0, on_unusable: str = "fail") -> BackfillChoice:
    """For a partition whose checkpoint goes on from ``taken``, with so many events to replay."""
    plan = RecoveryPlan(manifest_at(50, backfill=taken), 50, 50 + replay, None)
    return choose_backfill(PARTITION, plan, offered, on_unusable)


@pytest.mark.parametrize("checkpoint", [None, manifest_at(0, keys=0, backfill=FIRST)])
@pytest.mark.parametrize(("offered", "is_used"), [(FIRST, True), ("", False)])
def test_a_partition_that_begins_for_the_first_time_takes_what_is_offered(checkpoint, offered, is_used):
    plan = RecoveryPlan(checkpoint, 0, 0, None, is_first=True)
    assert choose_backfill(PARTITION, plan, offered, "fail") == (is_used, None)


@pytest.mark.parametrize("replay", [0, 7])
@pytest.mark.parametrize("on_unusable", ["fail", "fresh"])
def test_the_same_one_is_gone_on_from(replay, on_unusable):
    assert choose(FIRST, FIRST, replay=replay, on_unusable=on_unusable) == (True, None)
    assert choose("", "", replay=replay, on_unusable=on_unusable) == (False, None)


@pytest.mark.parametrize("replay", [0, 7])
def test_a_partition_with_a_past_does_not_begin_with_one_later(replay):
    is_used, warning = choose("", FIRST, replay=replay)
    assert not is_used
    assert "only partitions without a past do" in (warning or "")


def test_nor_does_one_that_begins_afresh_after_a_loss():
    plan = RecoveryPlan(None, 70, 70, "its folder was lost")
    is_used, warning = choose_backfill(PARTITION, plan, FIRST, "fresh")
    assert not is_used
    assert warning is not None


@pytest.mark.parametrize("replay", [0, 7])
def test_another_in_its_place_is_refused_with_the_way_out(replay):
    with pytest.raises(CheckpointError) as refusal:
        choose(FIRST, OTHER, replay=replay)
    message = str(refusal.value)
    assert message.startswith("events[3] of group stream-rcf goes on from backfill abababababab, but")
    assert "another, cdcdcdcdcdcd: it was replaced" in message
    assert "set checkpoint.backfill_url to nothing" in message


def test_one_may_be_let_go_of_where_nothing_must_be_learned_again():
    is_used, warning = choose(FIRST, "")
    assert not is_used
    assert "begin with empty models from here on" in (warning or "")


def test_but_not_in_the_middle_of_a_replay():
    with pytest.raises(CheckpointError) as refusal:
        choose(FIRST, "", replay=7)
    message = str(refusal.value)
    assert "7 events after its checkpoint must be learned again" in message
    assert "checkpoint.backfill_url as it was" in message
    assert "checkpoint.on_unusable=fresh" in message


@pytest.mark.parametrize("offered", ["", OTHER])
def test_unless_it_is_said_that_keys_may_begin_anew(offered):
    is_used, warning = choose(FIRST, offered, replay=7, on_unusable="fresh")
    assert not is_used
    assert "begin with empty models from here on" in (warning or "")
