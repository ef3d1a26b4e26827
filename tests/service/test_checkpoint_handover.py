"""Checkpoints before partitions go, and what becomes of those on their way when a partition is gone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from stream_rcf.errors import ReloadNeededError
from stream_rcf.service.partition import Partition
from tests.service.assignment_support import EVENTS, write_checkpoint
from tests.service.checkpoint_support import INTERVAL, Desk
from tests.service.support import PARAMETERS, states_of, twin_of


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    opened = Desk(tmp_path)
    yield opened
    opened.store.gate.open()
    opened.checkpoints.close(10.0)


def test_everything_is_saved_within_the_budget(desk: Desk) -> None:
    first, second = desk.new_partition(0), desk.new_partition(1)
    desk.feed(first, 50)
    desk.feed(second, 30)
    assert desk.checkpoints.save_now([first, second], 20.0)
    assert [desk.manifests(number)[0].offset for number in (0, 1)] == [50, 30]
    assert desk.read_newest(0) == states_of(twin_of(EVENTS[:50]))
    assert desk.read_newest(1) == states_of(twin_of(EVENTS[:30]))


def test_what_is_saved_already_is_not_saved_again(desk: Desk) -> None:
    partition = desk.new_partition()
    desk.feed(partition, 50)
    assert desk.checkpoints.save_now([partition], 20.0)
    before = desk.manifests()
    assert desk.checkpoints.save_now([partition], 20.0)
    assert desk.manifests() == before


def test_a_cut_on_its_way_is_finished_first(desk: Desk) -> None:
    partition = desk.new_partition()
    desk.feed(partition, 50)
    desk.clock.now += INTERVAL
    desk.begin_due()
    desk.checkpoints.advance(most=1)
    desk.feed(partition, 60)
    assert desk.checkpoints.save_now([partition], 20.0)
    assert [manifest.offset for manifest in desk.manifests()][:2] == [60, 50]
    assert desk.read_newest() == states_of(twin_of(EVENTS[:60]))


@pytest.mark.parametrize("budget_seconds", [-1.0, 2.5], ids=["before its keys are packed", "with the writer"])
def test_beyond_the_budget_it_is_given_up_and_the_keys_wait_for_the_next(
    desk: Desk, budget_seconds: float, caplog: pytest.LogCaptureFixture
) -> None:
    partition = desk.new_partition()
    desk.feed(partition, 50)
    desk.store.gate.close()  # the disk hangs
    desk.clock.step = 1.0
    assert not desk.checkpoints.save_now([partition], budget_seconds)
    assert "its next owner replays the rest" in caplog.text
    desk.clock.step = 0.0
    desk.store.gate.open()

    desk.feed(partition, 52)
    # What had been handed over may still be written behind our back; it must not stand for more than it holds.
    while desk.writer.is_writing(desk.manifests()[0].partition):
        desk.checkpoints.advance()
    desk.save_by_interval()

    assert desk.manifests()[0].offset == 52
    assert desk.read_newest() == states_of(twin_of(EVENTS[:52]))


def test_a_write_that_fails_is_no_success(desk: Desk) -> None:
    partition = desk.new_partition()
    desk.feed(partition, 50)
    desk.store.failures = 1
    assert not desk.checkpoints.save_now([partition], 20.0)
    assert desk.manifests()[0].offset == 0
    desk.feed(partition, 55)
    assert desk.checkpoints.save_now([partition], 20.0)
    assert desk.read_newest() == states_of(twin_of(EVENTS[:55]))


def test_nothing_of_a_forgotten_partition_is_saved_any_more(desk: Desk) -> None:
    partition = desk.new_partition()
    desk.feed(partition, 50)
    desk.clock.now += INTERVAL
    desk.begin_due()
    desk.checkpoints.advance(most=1)
    desk.checkpoints.forget(partition)
    for _ in range(10):
        desk.checkpoints.advance()
    desk.checkpoints.close(10.0)
    assert [manifest.offset for manifest in desk.manifests()] == [0]


def test_a_partition_that_was_never_loaded_can_be_forgotten(desk: Desk) -> None:
    desk.checkpoints.forget(Partition("events", 3, PARAMETERS))
    desk.checkpoints.advance()
    assert desk.manifests(3) == []


def test_a_forgotten_partition_is_taken_over_again(desk: Desk) -> None:
    partition = desk.new_partition()
    desk.feed(partition, 50)
    desk.save_by_interval()
    desk.checkpoints.forget(partition)
    again = desk.take_over(desk.manifests()[0], committed=50)
    assert states_of(again.table) == states_of(twin_of(EVENTS[:50]))
    desk.feed(again, 70)
    desk.save_by_interval()
    assert desk.read_newest() == states_of(twin_of(EVENTS[:70]))


def test_the_end_of_a_forgotten_checkpoint_is_not_taken_for_that_of_the_next(desk: Desk) -> None:
    """Rolled back while a checkpoint was with the writer: it stands after all, so the next one's number is taken."""
    partition = desk.new_partition()
    desk.feed(partition, 50)
    desk.store.gate.close()
    desk.clock.now += INTERVAL
    desk.begin_due()
    desk.checkpoints.advance(most=100)  # all of it is with the writer, which waits for its disk
    desk.checkpoints.forget(partition)

    again = desk.take_over(desk.manifests()[0], committed=50)
    desk.feed(again, 60)
    again.caught_up()
    desk.clock.now += INTERVAL
    desk.begin_due()
    desk.store.gate.open()  # only now the old one is written, and then the new one
    with pytest.raises(ReloadNeededError, match="exists already"):
        desk.settle()
    assert [manifest.offset for manifest in desk.manifests()] == [50, 0]
    assert desk.read_newest() == states_of(twin_of(EVENTS[:50]))
    desk.checkpoints.forget(again)
    desk.settle()

    again = desk.take_over(desk.manifests()[0], committed=60)
    desk.feed(again, 70)
    again.caught_up()
    for offset in (70, 80):
        desk.feed(again, offset)
        desk.save_by_interval()
    assert desk.manifests()[0].offset == 80, "the partition must go on being saved"
    assert desk.read_newest() == states_of(twin_of(EVENTS[:80]))


def test_a_zombie_s_checkpoint_loses_and_its_partition_is_loaded_again(desk: Desk) -> None:
    """Somebody else took the partition over, wrote, and we have not heard of it: nothing of ours stands."""
    zombie = desk.new_partition()
    desk.feed(zombie, 50)
    theirs = write_checkpoint(desk.store, 0, offset=60)
    desk.clock.now += INTERVAL
    desk.begin_due()
    with pytest.raises(ReloadNeededError, match="another process has written it"):
        desk.settle()
    assert desk.manifests()[0] == theirs
    desk.checkpoints.advance()  # said once: the loop recovers from it
    assert zombie.table.changed_keys == len(zombie.table), "its keys wait for a checkpoint that will stand"
    again = desk.take_over(theirs, committed=60)
    desk.feed(again, 70)
    desk.save_by_interval()
    assert desk.read_newest() == states_of(twin_of(EVENTS[:70]))


def test_that_one_was_overtaken_is_not_forgotten_with_another(desk: Desk) -> None:
    first, second = desk.new_partition(0), desk.new_partition(1)
    desk.feed(first, 50)
    write_checkpoint(desk.store, 0, offset=60)
    assert not desk.checkpoints.save_now([first], 20.0), "heard of inside a callback, where nothing is raised"
    desk.checkpoints.forget(second)
    with pytest.raises(ReloadNeededError):
        desk.checkpoints.advance()
