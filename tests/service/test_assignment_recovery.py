"""The assignment when something failed: commits rolled back, checkpoints damaged, refusals, a silent broker."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import KafkaError, KafkaException

from stream_rcf.errors import CheckpointError
from stream_rcf.service.partition import PartitionState
from stream_rcf.service.saved_state import DamagedCheckpointError
from tests.service.assignment_support import EVENTS, Member, damage, damage_states, write_checkpoint
from tests.service.support import TOPIC, small_settings, states_of, twin_of

S = PartitionState


@pytest.fixture
def member(tmp_path: Path) -> Iterator[Member]:
    joined = Member(tmp_path)
    yield joined
    joined.checkpoints.close(10.0)


@pytest.fixture
def lenient(tmp_path: Path) -> Iterator[Member]:
    """A member whose settings say to begin afresh where a checkpoint does not serve."""
    joined = Member(tmp_path, small_settings(checkpoint={"on_unusable": "fresh"}))
    yield joined
    joined.checkpoints.close(10.0)


def replaying(member: Member, *numbers: int) -> None:
    """Partitions with a checkpoint at 20 and a commit at 60, in the middle of what lies between."""
    for number in numbers:
        write_checkpoint(member.store, number, offset=20)
        member.source.offsets[TOPIC, number] = 60
    member.assign(*numbers)
    member.load(*numbers)
    for number in numbers:
        member.feed(number, 40)


def test_all_go_back_to_what_the_group_has(member: Member) -> None:
    """One partition of every kind: live and ahead, in replay, still loading."""
    replaying(member, 0, 1)
    member.feed(0, 90)
    write_checkpoint(member.store, 2, offset=10)
    member.source.offsets[TOPIC, 2] = 10
    member.assign(2)
    old_tables = [member[number].table for number in range(3)]

    member.assignment.roll_back_all()

    assert set(member.states().values()) == {S.LOADING}
    assert member.source.repositioned == [[(TOPIC, 0, 20), (TOPIC, 1, 20), (TOPIC, 2, 10)]]
    assert sorted(member.handover.forgotten) == [0, 1, 2]
    assert all(member[number].table is not old_tables[number] for number in range(3))
    member.load(0, 1, 2)
    for number in range(3):
        member.feed(number, 100)
        assert states_of(member[number].table) == states_of(twin_of(EVENTS[:100]))


def test_parked_partitions_are_not_rolled_back_and_not_placed(member: Member) -> None:
    """With the incremental protocol a partition may be parked while others work; the consumer has it no more."""
    replaying(member, 0, 1)
    member.revoke(1)
    member.assignment.roll_back_all()
    assert member.states() == {0: S.LOADING, 1: S.PARKED}
    assert member.source.repositioned == [[(TOPIC, 0, 20)]]


def test_rolling_back_nothing_asks_nothing(member: Member) -> None:
    member.assignment.roll_back_all()
    assert member.source.repositioned == []


def test_a_roll_back_that_failed_can_be_tried_again(member: Member) -> None:
    replaying(member, 0, 1)
    member.source.failures = [KafkaException(KafkaError(KafkaError._TIMED_OUT))]
    with pytest.raises(KafkaException):
        member.assignment.roll_back_all()
    assert member.source.repositioned == []

    original = member.source.watermarks
    asked: list[int] = []

    def fails_for_the_second(topic: str, partition: int) -> tuple[int, int]:
        asked.append(partition)
        if asked == [0, 1]:
            raise KafkaException(KafkaError(KafkaError._TRANSPORT))
        return original(topic, partition)

    member.source.watermarks = fails_for_the_second  # type: ignore[method-assign] # -- fails in the middle once
    with pytest.raises(KafkaException):
        member.assignment.roll_back_all()
    member.assignment.roll_back_all()

    assert set(member.states().values()) == {S.LOADING}
    assert member.source.repositioned == [[(TOPIC, 0, 20), (TOPIC, 1, 20)]]
    member.load(0, 1)
    member.feed(1, 100)
    assert states_of(member[1].table) == states_of(twin_of(EVENTS[:100]))


def test_a_damaged_checkpoint_is_passed_over_for_an_older_one(member: Member) -> None:
    write_checkpoint(member.store, 0, offset=20)
    newest = write_checkpoint(member.store, 0, offset=50)
    damage(member.store, 0, newest)
    member.source.offsets[TOPIC, 0] = 60
    assert member.assign(0) == {0: 50}
    with pytest.raises(DamagedCheckpointError) as damaged:
        member.checkpoints.load(member[0])

    member.assignment.pass_over(damaged.value)
    member.assignment.roll_back_all()

    assert member[0].next_offset == 20
    member.load(0)
    member.feed(0, 70)
    assert states_of(member[0].table) == states_of(twin_of(EVENTS[:70]))


def test_no_checkpoint_that_can_be_read_is_refused_with_its_reason(member: Member) -> None:
    only = write_checkpoint(member.store, 0, offset=20)
    damage(member.store, 0, only)
    member.source.offsets[TOPIC, 0] = 60
    member.assign(0)
    with pytest.raises(DamagedCheckpointError) as damaged:
        member.checkpoints.load(member[0])
    member.assignment.pass_over(damaged.value)
    with pytest.raises(CheckpointError, match=r"no checkpoint serves: .*checkpoint\.on_unusable=fresh"):
        member.assignment.roll_back_all()


def test_a_damaged_checkpoint_is_begun_afresh_where_asked(lenient: Member) -> None:
    only = write_checkpoint(lenient.store, 0, offset=20)
    damage(lenient.store, 0, only)
    lenient.source.offsets[TOPIC, 0] = 60
    lenient.assign(0)
    with pytest.raises(DamagedCheckpointError) as damaged:
        lenient.checkpoints.load(lenient[0])
    lenient.assignment.pass_over(damaged.value)
    lenient.assignment.roll_back_all()
    assert lenient.source.repositioned == [[(TOPIC, 0, 60)]]
    lenient.load(0)
    assert lenient[0].state is S.LIVE
    assert len(lenient[0].table) == 0


def test_a_lost_checkpoint_is_refused_and_the_member_can_still_leave(member: Member) -> None:
    """The error ends the service, which then leaves the group: the client revokes what it had just given."""
    member.source.offsets[TOPIC, 1] = 60  # and no checkpoint
    with pytest.raises(CheckpointError, match=r"there is no checkpoint"):
        member.assign(0, 1, 2)
    member.revoke(0, 1, 2)
    assert all(state is not S.LIVE for state in member.states().values())
    assert member.assignment.in_state(S.ASSIGNED) == [], "half registered"


def test_a_refused_partition_is_not_kept_for_the_next_assignment(member: Member) -> None:
    member.source.offsets[TOPIC, 0] = 60
    with pytest.raises(CheckpointError):
        member.assign(0)
    member.lose(0)
    write_checkpoint(member.store, 0, offset=60)  # somebody restored the folder
    assert member.assign(0) == {0: 60}
    assert member[0].state is S.LOADING


@pytest.mark.parametrize("answers", [0, 1, 2], ids=["committed", "first watermark", "second watermark"])
def test_a_broker_that_stays_silent_while_partitions_come_leaves_them_to_the_next_roll_back(
    member: Member, answers: int
) -> None:
    """The client assigns what the callback could not: those partitions are ours, and the recovery must place them."""
    failures: list[KafkaException] = [KafkaException(KafkaError(KafkaError._TIMED_OUT))]
    asked = 0
    committed, watermarks = member.source.committed, member.source.watermarks

    def counted() -> None:
        nonlocal asked
        asked += 1
        if asked == answers + 1:
            raise failures.pop()

    def asked_committed(partitions):
        counted()
        return committed(partitions)

    def asked_watermarks(topic, partition):
        counted()
        return watermarks(topic, partition)

    member.source.committed = asked_committed  # type: ignore[method-assign] # -- fails once, where the test says
    member.source.watermarks = asked_watermarks  # type: ignore[method-assign] # -- the same
    with pytest.raises(KafkaException):
        member.assign(0, 1)
    assert failures == []

    member.assignment.roll_back_all()

    assert member.states() == {0: S.LOADING, 1: S.LOADING}
    assert member.source.repositioned == [[(TOPIC, 0, 0), (TOPIC, 1, 0)]]


def test_damaged_states_found_late_are_passed_over_with_every_checkpoint_that_names_them(
    member: Member,
) -> None:
    """The partition is live when a key's state turns out to be damaged; the older checkpoint does not name it."""
    write_checkpoint(member.store, 0, offset=20)
    newest = write_checkpoint(member.store, 0, offset=50)
    damage_states(member.store, 0, newest)
    member.source.offsets[TOPIC, 0] = 60
    assert member.assign(0) == {0: 50}
    member.load(0)
    with pytest.raises(DamagedCheckpointError) as damaged:
        member.feed(0, 60)
    member.assignment.pass_over(damaged.value)
    member.assignment.roll_back_all()
    assert member[0].next_offset == 20
    member.load(0)
    member.feed(0, 70)
    assert states_of(member[0].table) == states_of(twin_of(EVENTS[:70]))


def test_damage_of_one_partition_says_nothing_about_another(member: Member) -> None:
    for number in (0, 1):
        write_checkpoint(member.store, number, offset=20)
        member.source.offsets[TOPIC, number] = 20
    member.assign(0, 1)
    member.assignment.pass_over(DamagedCheckpointError(member[0], "damaged", manifest=1))
    with pytest.raises(CheckpointError, match=r"offset 20 is committed, but no checkpoint serves: damaged"):
        member.assignment.roll_back_all()
    member.lose(0)
    member.assignment.roll_back_all()
    assert member.states() == {1: S.LOADING}


def test_a_failure_while_partitions_come_lets_go_of_what_was_parked(member: Member) -> None:
    """Its open checkpoint and the loading of its keys belong to a table that is no more."""
    replaying(member, 0)
    member.revoke(0)
    member.source.failures = [KafkaException(KafkaError(KafkaError._TIMED_OUT))]
    with pytest.raises(KafkaException):
        member.assign(0)
    assert member.states() == {0: S.ASSIGNED}
    assert member.handover.forgotten == [0]
    assert member.checkpoints._saved_state._opened == {}


# -- a topic that gained partitions -------------------------------------------------------------------------------


def test_a_topic_that_gained_partitions_is_refused_with_the_way_out(member: Member) -> None:
    write_checkpoint(member.store, 0, offset=20, topic_partitions=2)
    member.source.offsets[TOPIC, 0] = 20
    with pytest.raises(CheckpointError, match=r"has 4 partitions, but had 2 .*checkpoint repartition"):
        member.assign(0)
    with pytest.raises(CheckpointError, match=r"has 4 partitions, but had 2 .*checkpoint repartition"):
        member.assign(3)


def test_a_topic_that_gained_partitions_begins_anew_where_asked_and_says_so(
    lenient: Member, caplog: pytest.LogCaptureFixture
) -> None:
    write_checkpoint(lenient.store, 0, offset=20, topic_partitions=2)
    lenient.source.offsets[TOPIC, 0] = 20
    lenient.assign(0, 3)
    assert caplog.text.count("Keys that moved begin with empty models") == 2
    lenient.load(0, 3)
    assert lenient[0].topic_partitions == lenient[3].topic_partitions == 4
    (manifest,) = lenient.store.manifests(lenient.assignment.partition_id(lenient[3])).manifests
    assert manifest.topic_partitions == 4
    lenient.feed(0, 30)
    assert states_of(lenient[0].table) == states_of(twin_of(EVENTS[:30])), "what did not move goes on"
