"""The partition's state machine: every edge that exists, and none that does not."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest

from stream_rcf.service.partition import LEGAL_EDGES, Partition, PartitionState
from stream_rcf.state.recovery import RecoveryPlan
from tests.service.support import PARAMETERS, learn, make_stream

S = PartitionState
REPLAY = RecoveryPlan(None, start_offset=10, publish_from=20, warning=None)
NO_REPLAY = RecoveryPlan(None, start_offset=20, publish_from=20, warning=None)

# The documented edges, written out here so that the table in the code is held against something.
EDGES = {
    (S.ASSIGNED, S.LOADING),
    (S.ASSIGNED, S.LOST),
    (S.LOADING, S.REPLAYING),
    (S.LOADING, S.LIVE),
    (S.LOADING, S.ASSIGNED),
    (S.LOADING, S.LOST),
    (S.REPLAYING, S.LIVE),
    (S.REPLAYING, S.ASSIGNED),
    (S.REPLAYING, S.PARKED),
    (S.REPLAYING, S.LOST),
    (S.LIVE, S.ASSIGNED),
    (S.LIVE, S.PARKED),
    (S.LIVE, S.LOST),
    (S.PARKED, S.ASSIGNED),
    (S.PARKED, S.REPLAYING),
    (S.PARKED, S.LIVE),
    (S.PARKED, S.LOST),
}


def begun(plan: RecoveryPlan = REPLAY) -> Partition:
    partition = Partition("events", 3, PARAMETERS)
    partition.load(plan, plan.publish_from, newest_checkpoint=7)
    return partition


def in_state(state: PartitionState) -> Partition:
    """A partition brought to ``state`` by its own methods."""
    if state is S.ASSIGNED:
        return Partition("events", 3, PARAMETERS)
    partition = begun()
    if state is S.LOADING:
        return partition
    if state is S.LOST:
        partition.lose()
        return partition
    partition.loaded()
    if state is S.LIVE:
        partition.next_offset = 20
        partition.caught_up()
    elif state is S.PARKED:
        partition.park()
    return partition


# Where each method leads, from wherever the edge exists.
METHODS: dict[str, tuple[Callable[[Partition], None], PartitionState]] = {
    "load": (lambda partition: partition.load(REPLAY, 20, 7), S.LOADING),
    "loaded": (lambda partition: partition.loaded(), S.REPLAYING),
    "caught_up": (lambda partition: partition.caught_up(), S.LIVE),
    "park": (lambda partition: partition.park(), S.PARKED),
    "roll_back": (lambda partition: partition.roll_back(), S.ASSIGNED),
    "lose": (lambda partition: partition.lose(), S.LOST),
}


def test_the_table_holds_the_documented_edges() -> None:
    assert {(start, end) for start, ends in LEGAL_EDGES.items() for end in ends} == EDGES
    assert set(LEGAL_EDGES) == set(PartitionState)


@pytest.mark.parametrize(("start", "end"), list(itertools.product(PartitionState, PartitionState)))
def test_each_edge_is_taken_or_refused(start: PartitionState, end: PartitionState) -> None:
    partition = in_state(start)
    assert partition.state is start
    if (start, end) in EDGES:
        partition._move(end)
        assert partition.state is end
    else:
        with pytest.raises(AssertionError, match=f"cannot become {end.value}"):
            partition._move(end)
        assert partition.state is start, "a refused edge changes nothing"


@pytest.mark.parametrize(("name", "start"), list(itertools.product(METHODS, PartitionState)))
def test_each_method_goes_where_it_says_or_refuses(name: str, start: PartitionState) -> None:
    method, end = METHODS[name]
    partition = in_state(start)
    before = (partition.table, partition.plan, partition.next_offset, partition.publish_from)
    if (start, end) in EDGES:
        method(partition)
        assert partition.state is end
    else:
        with pytest.raises(AssertionError, match="cannot become"):
            method(partition)
        assert partition.state is start
        assert (partition.table, partition.plan, partition.next_offset, partition.publish_from) == before


def test_a_given_back_partition_goes_on_where_it_was() -> None:
    replaying = in_state(S.REPLAYING)
    replaying.next_offset = 15
    replaying.park()
    replaying.unpark()
    assert (replaying.state, replaying.next_offset, replaying.publish_from) == (S.REPLAYING, 15, 20)

    live = in_state(S.LIVE)
    live.next_offset = 33
    live.park()
    live.unpark()
    assert (live.state, live.next_offset) == (S.LIVE, 33)


@pytest.mark.parametrize("state", [S.ASSIGNED, S.LOST])
def test_what_was_never_parked_cannot_be_given_back(state: PartitionState) -> None:
    with pytest.raises(AssertionError, match="cannot become"):
        in_state(state).unpark()


def test_loading_takes_the_offsets_of_the_plan() -> None:
    partition = begun()
    assert (partition.next_offset, partition.publish_from) == (10, 20)
    assert (partition.committed, partition.newest_checkpoint, partition.plan) == (20, 7, REPLAY)
    assert partition.still_to_replay == 10


def test_nothing_to_replay_is_live_at_once() -> None:
    partition = begun(NO_REPLAY)
    partition.loaded()
    assert partition.state is S.LIVE
    assert partition.still_to_replay == 0


def test_replay_counts_down_and_ends_at_the_first_unpublished_event() -> None:
    partition = begun()
    partition.loaded()
    assert partition.state is S.REPLAYING
    partition.next_offset = 19
    assert partition.still_to_replay == 1
    partition.next_offset = 20
    assert partition.still_to_replay == 0
    partition.caught_up()
    assert partition.still_to_replay == 0


@pytest.mark.parametrize("state", PartitionState)
def test_events_are_accepted_only_where_the_keys_are_those_of_the_offset(state: PartitionState) -> None:
    assert in_state(state).accepts_events is (state in {S.REPLAYING, S.LIVE})


@pytest.mark.parametrize("forget", [Partition.roll_back, Partition.lose])
def test_what_is_not_to_be_trusted_is_forgotten_whole(forget: Callable[[Partition], None]) -> None:
    partition = in_state(S.LIVE)
    learn(partition.table, make_stream(5, 2))
    old_table = partition.table
    forget(partition)
    assert partition.table is not old_table
    assert len(partition.table) == 0
    assert (partition.plan, partition.committed) == (None, None)
    assert (partition.next_offset, partition.publish_from, partition.newest_checkpoint) == (0, 0, 0)


def test_parking_keeps_all() -> None:
    partition = in_state(S.LIVE)
    partition.committed = 20
    learn(partition.table, make_stream(5, 2))
    table = partition.table
    partition.park()
    assert partition.table is table
    assert len(table) == 2
    assert (partition.next_offset, partition.committed) == (20, 20)


def test_it_names_itself_in_logs() -> None:
    assert repr(in_state(S.REPLAYING)) == "<events[3] replaying at 10>"
    assert in_state(S.LIVE).identity == ("events", 3)
