"""Which backfill a partition goes on from, over restarts, settings that change, and a store that fails in between."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from stream_rcf.errors import CheckpointError
from stream_rcf.service.partition import PartitionState
from stream_rcf.service.saved_state import FirstCheckpointError
from stream_rcf.settings.model import Settings
from stream_rcf.state.objects import StoreUnreachableError
from tests.service.assignment_support import EVENTS, Member, name_of
from tests.service.backfill_support import HISTORY, SavedHistory
from tests.service.support import SETTINGS, TOPIC, learn, small_settings, states_of, twin_of


class Deployment:
    """Members of one group, one after the other, over the same folders."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.history = SavedHistory(root / "history")
        self.members: list[Member] = []

    def member(
        self, *, backfilled: bool = True, settings: Settings = SETTINGS, committed: int | None = None
    ) -> Member:
        """The next member; the group has committed ``committed`` of partition 0, which is assigned to it."""
        joined = Member(
            self.root / "checkpoints", settings, backfill=self.history.open() if backfilled else None
        )
        self.members.append(joined)
        joined.source.offsets[TOPIC, 0] = committed
        return joined

    def begin(self, **how: object) -> Member:
        joined = self.member(**how)  # type: ignore[arg-type] # -- as member has them
        joined.assign(0)
        joined.load(0)
        return joined

    def close(self) -> None:
        for member in self.members:
            member.checkpoints.close(10.0)


@pytest.fixture
def deployment(tmp_path: Path) -> Iterator[Deployment]:
    opened = Deployment(tmp_path)
    yield opened
    opened.close()


def learn_after_history(member: Member, until: int) -> None:
    """The topic of these tests holds what follows the history: event HISTORY + i lies at offset i."""
    partition = member[0]
    learn(partition.table, EVENTS[HISTORY + partition.next_offset : HISTORY + until])
    partition.next_offset = until


def save(member: Member) -> None:
    assert member.checkpoints.save_now([member[0]], 20.0)


def newest(member: Member) -> str:
    """The backfill that the newest checkpoint names."""
    return member.store.manifests(name_of(0)).manifests[0].backfill


def test_a_new_partition_begins_with_it_and_says_so(deployment: Deployment) -> None:
    member = deployment.begin()
    assert newest(member) == deployment.history.open().identity
    learn_after_history(member, 60)
    whole = states_of(twin_of(EVENTS[: HISTORY + 60]))
    assert states_of(member[0].table).items() <= whole.items()
    save(member)
    assert newest(member) == deployment.history.open().identity


def test_a_replay_finds_the_models_of_the_first_time(deployment: Deployment) -> None:
    first = deployment.begin()
    learn_after_history(first, 10)
    save(first)
    second = deployment.begin(committed=40)
    assert second.states()[0] is PartitionState.REPLAYING
    learn_after_history(second, 40)
    learn_after_history(first, 40)
    assert states_of(second[0].table) == states_of(first[0].table)


def test_another_one_in_its_place_is_refused(deployment: Deployment, tmp_path: Path) -> None:
    deployment.begin()
    SavedHistory(tmp_path / "history", history=HISTORY - 1)
    with pytest.raises(CheckpointError, match="it was replaced"):
        deployment.begin(committed=0)


def test_nothing_was_published_yet_so_another_may_be_taken(deployment: Deployment, tmp_path: Path) -> None:
    deployment.begin()
    SavedHistory(tmp_path / "history", history=HISTORY - 1)
    member = deployment.begin()
    assert newest(member) == deployment.history.open().identity
    assert newest(deployment.begin(backfilled=False)) == ""


def test_what_is_let_go_of_stays_so_after_a_crash(deployment: Deployment) -> None:
    first = deployment.begin()
    learn_after_history(first, 40)
    save(first)
    second = deployment.begin(backfilled=False, committed=40)
    assert newest(second) == "", "before anything is committed"
    assert states_of(second[0].table) == states_of(first[0].table)
    learn_after_history(second, 50)
    third = deployment.begin(backfilled=False, committed=50)  # killed before its next checkpoint
    learn_after_history(third, 50)
    assert states_of(third[0].table) == states_of(second[0].table)


def test_it_is_not_let_go_of_in_the_middle_of_a_replay(deployment: Deployment) -> None:
    save_at_10 = deployment.begin()
    learn_after_history(save_at_10, 10)
    save(save_at_10)
    with pytest.raises(CheckpointError, match="30 events after its checkpoint must be learned again"):
        deployment.begin(backfilled=False, committed=40)
    fresh = small_settings(checkpoint={"on_unusable": "fresh"})
    lenient = deployment.begin(backfilled=False, committed=40, settings=fresh)
    assert newest(lenient) == ""
    assert lenient.states()[0] is PartitionState.REPLAYING


def test_a_partition_with_a_past_does_not_begin_with_one_later(
    deployment: Deployment, caplog: pytest.LogCaptureFixture
) -> None:
    first = deployment.begin(backfilled=False)
    learn_after_history(first, 10)
    save(first)
    second = deployment.begin(committed=10)
    assert "only partitions without a past do" in caplog.text
    assert (second[0].backfill, second[0].table.origin, newest(second)) == (None, None, "")


def test_a_partition_that_the_topic_gained_does_not_begin_with_models_of_long_ago(
    deployment: Deployment,
) -> None:
    deployment.begin()
    settings = small_settings(checkpoint={"on_unusable": "fresh"})
    grown = deployment.member(settings=settings)
    for number in range(4, 6):
        grown.source.offsets[TOPIC, number] = None
        grown.source.ends[TOPIC, number] = (0, 100)
    grown.assign(5)
    grown.load(5)
    assert grown[5].backfill is None


def test_while_the_store_fails_a_partition_that_lets_go_is_not_begun(deployment: Deployment) -> None:
    first = deployment.begin()
    learn_after_history(first, 40)
    save(first)
    second = deployment.member(backfilled=False, committed=40)
    second.assign(0)

    def full(method: str, _name: str) -> None:
        if method == "create":
            raise StoreUnreachableError("no space left on device")

    second.objects.before = full
    with pytest.raises(FirstCheckpointError, match="no space left"):
        second.load(0)
    assert second.states()[0] is PartitionState.LOADING
    second.objects.before = lambda _method, _name: None
    second.assignment.roll_back_all()  # as the loop does after that error
    second.load(0)
    assert newest(second) == ""
    give_up_at = time.monotonic() + 20.0
    while second[0].table.saved_keys:  # they come by themselves
        second.checkpoints.advance()
        assert time.monotonic() < give_up_at
    assert states_of(second[0].table) == states_of(first[0].table)
