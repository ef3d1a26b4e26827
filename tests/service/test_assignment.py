"""Partitions that come, go, come back and are lost, with real checkpoints and a broker that says what the test says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from stream_rcf.service.partition import PartitionState
from tests.service.assignment_support import EVENTS, Member, write_checkpoint
from tests.service.support import TOPIC, states_of, twin_of

S = PartitionState


@pytest.fixture
def member(tmp_path: Path) -> Iterator[Member]:
    joined = Member(tmp_path)
    yield joined
    joined.checkpoints.close(10.0)


def live_member(member: Member, *numbers: int, until: int = 30) -> Member:
    """Take partitions over as a new group does, and learn and commit their events before ``until``."""
    member.assign(*numbers)
    member.load(*numbers)
    for number in numbers:
        member.feed(number, until)
    member.commit(*numbers)
    return member


def test_a_new_group_begins_at_the_first_event_and_with_an_empty_checkpoint(member: Member) -> None:
    member.source.ends[TOPIC, 1] = (40, 90)
    assert not member.assignment.has_joined
    assert member.assign(0, 1) == {0: 0, 1: 40}
    assert member.assignment.has_joined
    assert member.states() == {0: S.LOADING, 1: S.LOADING}
    member.load(0, 1)
    assert member.states() == {0: S.LIVE, 1: S.LIVE}
    for number, offset in ((0, 0), (1, 40)):
        (manifest,) = member.store.manifests(member.assignment.partition_id(member[number])).manifests
        assert (manifest.offset, manifest.keys) == (offset, 0)


def test_a_member_continues_an_earlier_owner_bit_for_bit(member: Member) -> None:
    write_checkpoint(member.store, 2, offset=60)
    member.source.offsets[TOPIC, 2] = 85
    assert member.assign(2) == {2: 60}
    member.load(2)
    assert member[2].state is S.REPLAYING
    member.feed(2, 100)
    assert member[2].state is S.LIVE
    assert states_of(member[2].table) == states_of(twin_of(EVENTS[:100]))


def test_a_kept_partition_is_the_same_object_and_goes_on(member: Member) -> None:
    live_member(member, 0, 1, 2, 3)
    kept, tables = member[0], {number: member[number].table for number in range(4)}
    member.revoke(0, 1, 2, 3)
    assert set(member.states().values()) == {S.PARKED}
    assert member.handover.calls == ["commit", "save"], "first the commit, then the checkpoints"
    assert member.handover.saved == [[0, 1, 2, 3]]

    assert member.assign(0, 1) == {0: 30, 1: 30}

    assert member[0] is kept
    assert member[1].table is tables[1]
    assert member.states() == {0: S.LIVE, 1: S.LIVE}
    assert sorted(member.handover.forgotten) == [2, 3]
    assert [p.number for p in member.assignment.take_to_resume()] == [0, 1]
    assert member.assignment.take_to_resume() == []
    member.feed(0, 50)
    assert states_of(member[0].table) == states_of(twin_of(EVENTS[:50]))


def test_a_kept_partition_in_replay_goes_on_replaying(member: Member) -> None:
    write_checkpoint(member.store, 0, offset=20)
    member.source.offsets[TOPIC, 0] = 60
    member.assign(0)
    member.load(0)
    member.feed(0, 35)
    member.revoke(0)
    assert member.handover.saved == [[]], "half a replay is not worth a checkpoint"

    assert member.assign(0) == {0: 35}

    assert member[0].state is S.REPLAYING
    assert member[0].publish_from == 60
    member.feed(0, 60)
    assert member[0].state is S.LIVE
    assert states_of(member[0].table) == states_of(twin_of(EVENTS[:60]))


@pytest.mark.parametrize("committed", [20, 60], ids=["to load and live", "to load and replay"])
def test_a_partition_kept_before_it_was_loaded_is_loaded_then(member: Member, committed: int) -> None:
    """The second rebalance comes while the first one's partitions are still being read: nothing is in the table yet."""
    write_checkpoint(member.store, 0, offset=20)
    member.source.offsets[TOPIC, 0] = committed
    member.assign(0)
    member.revoke(0)

    assert member.assign(0) == {0: 20}

    assert not member[0].accepts_events, "an empty table must not be taken for the checkpoint's"
    assert member[0].state is S.LOADING
    assert member.assignment.take_to_resume() == []
    member.load(0)
    member.feed(0, 70)
    assert states_of(member[0].table) == states_of(twin_of(EVENTS[:70]))


def test_what_is_still_loading_is_not_kept_over_a_rebalance(member: Member) -> None:
    live_member(member, 0)
    member.assign(1)
    member.revoke(0, 1)
    assert member.states() == {0: S.PARKED}
    assert member.handover.saved == [[0]]
    assert member.handover.forgotten == [1]


def test_a_new_partition_kept_before_it_was_loaded_still_gets_its_empty_checkpoint(member: Member) -> None:
    member.assign(0)
    member.revoke(0)
    assert member.assign(0) == {0: 0}
    assert member[0].state is S.LOADING
    member.load(0)
    assert len(member.store.manifests(member.assignment.partition_id(member[0])).manifests) == 1


def test_a_partition_that_another_member_moved_is_loaded_again(member: Member) -> None:
    live_member(member, 0, until=30)
    old_table = member[0].table
    member.revoke(0)
    write_checkpoint(member.store, 0, offset=45)  # the other member's
    member.source.offsets[TOPIC, 0] = 55

    assert member.assign(0) == {0: 45}

    assert member[0].state is S.LOADING
    assert member[0].table is not old_table
    assert member.assignment.take_to_resume() == []
    member.load(0)
    member.feed(0, 80)
    assert states_of(member[0].table) == states_of(twin_of(EVENTS[:80]))


@pytest.mark.parametrize("numbers", [(), (3,)], ids=["none", "another"])
def test_what_is_not_given_back_is_dropped(member: Member, numbers: tuple[int, ...]) -> None:
    live_member(member, 0, 1)
    member.revoke(0)
    member.assign(*numbers)
    assert set(member.states()) == {1, *numbers}
    assert member[1].state is S.LIVE, "the incremental protocol says nothing about what stays"
    assert member.handover.forgotten == [0]


def test_empty_lists_change_nothing_and_ask_the_broker_nothing(member: Member) -> None:
    live_member(member, 0)
    member.source.ends.clear()  # a question would be a KeyError
    member.source.offsets.clear()
    assert member.assign() == {}
    member.revoke()
    member.lose()
    assert member.states() == {0: S.LIVE}
    assert member.handover.forgotten == []


def test_lost_partitions_are_forgotten_without_a_commit(member: Member) -> None:
    live_member(member, 0, 1)
    lost = member[0]
    member.lose(0)
    assert lost.state is S.LOST
    assert member.states() == {1: S.LIVE}
    assert "commit" not in member.handover.calls
    assert member.handover.calls[-1] == "abandon", "outputs of what is lost may be in the open transaction"
    assert member.handover.forgotten == [0]


@pytest.mark.parametrize("ready", [False, True], ids=["loading", "live"])
def test_a_lost_partition_that_returns_is_loaded_from_its_checkpoint(member: Member, ready: bool) -> None:
    write_checkpoint(member.store, 0, offset=20)
    member.source.offsets[TOPIC, 0] = 20
    member.assign(0)
    if ready:
        member.load(0)
    member.lose(0)
    assert member.assign(0) == {0: 20}
    assert member[0].state is S.LOADING


def test_partitions_of_others_are_not_touched_by_revoke_and_lost(member: Member) -> None:
    live_member(member, 0)
    member.revoke(3)
    member.lose(3)
    assert member.states() == {0: S.LIVE}


def test_a_failed_commit_at_the_handover_keeps_nothing(member: Member) -> None:
    live_member(member, 0, 1, until=30)
    member.feed(0, 50)  # published, and never committed
    member.handover.can_commit = False
    gone = member[0]
    member.revoke(0, 1)
    assert member.handover.calls[:2] == ["commit", "abandon"]
    assert member.handover.saved == []
    assert member.states() == {}
    assert gone.state is S.LOST

    assert member.assign(0) == {0: 0}, "from the only checkpoint, the empty one"
    member.load(0)
    assert (member[0].state, member[0].publish_from) == (S.REPLAYING, 30)


def test_the_partitions_can_be_found_by_state_and_name(member: Member) -> None:
    live_member(member, 0)
    member.assign(1)
    assert member.assignment.in_state(S.LIVE) == [member[0]]
    assert member.assignment.in_state(S.LOADING, S.LIVE) == [member[0], member[1]]
    assert member.assignment.get(TOPIC, 2) is None
    assert member.assignment.get("other", 0) is None
    assert tuple(member.assignment.partition_id(member[1])) == ("group", TOPIC, 1)
