"""When partitions are saved, with a clock that the test moves and real files."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from stream_rcf.core.block import KeyBlock
from stream_rcf.core.packing import pack
from stream_rcf.service.partition import Partition, PartitionState
from stream_rcf.state import snapshot as snapshot_module
from stream_rcf.state.checkpoint_store import CheckpointStore
from stream_rcf.state.manifest import Manifest
from stream_rcf.state.objects import StoreUnreachableError
from stream_rcf.state.recovery import RecoveryPlan
from tests.service.assignment_support import EVENTS, FINGERPRINT, name_of, write_checkpoint
from tests.service.checkpoint_support import INTERVAL, Desk
from tests.service.support import PARAMETERS, learn, states_of, twin_of


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    opened = Desk(tmp_path)
    yield opened
    opened.checkpoints.close(10.0)


def keys_of(store: CheckpointStore, manifest: Manifest) -> set[str]:
    """The keys in the newest segment alone."""
    return set(store.indexes(manifest)[-1].keys)


def test_a_new_partition_gets_an_empty_checkpoint_before_anything_else(desk: Desk) -> None:
    partition = desk.new_partition(start=17)
    (manifest,) = desk.manifests()
    assert (manifest.offset, manifest.keys, manifest.previous) == (17, 0, None)
    assert manifest.fingerprint == FINGERPRINT
    assert partition.state is PartitionState.LIVE


def test_the_empty_checkpoint_cannot_be_written(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.store.failures = 1
    with pytest.raises(StoreUnreachableError, match=r"checkpoint to begin with could not be written"):
        desk.new_partition()
    desk.checkpoints.close(10.0)


def test_nothing_is_begun_before_the_interval_has_passed(desk: Desk) -> None:
    desk.feed(desk.new_partition(), 40)
    desk.clock.now += INTERVAL - 0.001
    desk.begin_due()
    desk.settle()
    assert [manifest.offset for manifest in desk.manifests()] == [0]

    desk.clock.now += 0.002
    desk.begin_due()
    desk.settle()
    assert [manifest.offset for manifest in desk.manifests()] == [40, 0]

    desk.feed(desk.partition, 50)
    desk.begin_due()  # the next interval has only begun
    desk.settle()
    assert [manifest.offset for manifest in desk.manifests()] == [40, 0]


def test_a_partition_without_news_is_not_written_again(desk: Desk) -> None:
    desk.feed(desk.new_partition(), 40)
    desk.save_by_interval()
    before = desk.manifests()
    desk.save_by_interval()
    assert desk.manifests() == before


@pytest.mark.parametrize("state", [PartitionState.PARKED, PartitionState.REPLAYING, PartitionState.LOADING])
def test_only_live_partitions_are_saved(desk: Desk, state: PartitionState) -> None:
    partition = desk.new_partition()
    desk.feed(partition, 40)
    partition.state = state
    desk.save_by_interval()
    assert desk.checkpoints.save_now([partition], 5.0)
    assert [manifest.offset for manifest in desk.manifests()] == [0]


def test_later_segments_hold_only_what_changed(desk: Desk) -> None:
    partition = desk.new_partition()
    desk.feed(partition, 60)
    desk.save_by_interval()
    changed = {event.key for event in EVENTS[60:62]}
    assert changed < set(partition.table.keys())
    desk.feed(partition, 62)
    desk.save_by_interval()

    newest = desk.manifests()[0]
    assert newest.offset == 62
    assert keys_of(desk.store, newest) == changed
    assert desk.read_newest() == states_of(twin_of(EVENTS[:62]))


@pytest.mark.parametrize("keys_per_turn", [1, 2, 100])
def test_keys_that_change_during_a_cut_are_saved_as_of_the_cut(desk: Desk, keys_per_turn: int) -> None:
    partition = desk.new_partition()
    desk.feed(partition, 90)
    desk.clock.now += INTERVAL
    desk.begin_due()
    position = 90
    while not desk.has_ended(90):
        desk.checkpoints.advance(most=keys_per_turn)
        position = min(position + 3, 150)
        desk.feed(partition, position)
    assert desk.manifests()[0].offset == 90
    assert desk.read_newest() == states_of(twin_of(EVENTS[:90])), "exactly the events before the cut"
    assert states_of(partition.table) == states_of(twin_of(EVENTS[:position])), "the stream is not disturbed"

    desk.save_by_interval()
    assert desk.read_newest() == states_of(twin_of(EVENTS[:position])), "and the next one has them"


def test_a_cut_is_packed_by_the_writer_s_thread_as_it_was_when_it_began(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The loop only copies: what becomes of the keys between the copy and the packing is not in the checkpoint."""
    packers: list[str] = []

    def noted_pack(block: KeyBlock, quick: bool = False) -> bytes:
        packers.append(threading.current_thread().name)
        return pack(block, quick=quick)

    partition = desk.new_partition()
    desk.feed(partition, 90)
    monkeypatch.setattr(snapshot_module, "pack", noted_pack)
    desk.hold_writer()  # nothing is packed yet
    desk.clock.now += INTERVAL
    desk.begin_due()
    desk.checkpoints.advance(most=2)
    desk.feed(partition, 150)  # some were copied in their turn, the others change first
    desk.checkpoints.advance(most=100)
    desk.feed(partition, 200)
    assert packers == []
    desk.store.gate.open()
    desk.settle()
    assert packers == ["checkpoint-writer"] * len(twin_of(EVENTS[:90]))
    assert desk.manifests()[0].offset == 90
    assert desk.read_newest() == states_of(twin_of(EVENTS[:90]))
    assert states_of(partition.table) == states_of(twin_of(EVENTS))


def test_a_new_partition_does_not_wait_for_the_keys_of_another(desk: Desk) -> None:
    """Its empty checkpoint needs no room in the queue, and what others have to hand over waits."""
    partition = desk.new_partition()
    desk.feed(partition, 90)
    desk.writer._queue_bytes = 1  # one key at a time
    desk.clock.now += INTERVAL
    desk.begin_due()
    desk.checkpoints.advance(most=1)
    desk.new_partition(1, start=5)
    assert [manifest.offset for manifest in desk.manifests(1)] == [5]
    assert not desk.checkpoints._open[name_of(0)].cut.is_complete
    desk.settle()
    assert desk.read_newest() == states_of(twin_of(EVENTS[:90]))


def test_a_key_born_during_a_cut_waits_for_the_next(desk: Desk) -> None:
    partition = desk.new_partition()
    learn(partition.table, EVENTS[:3])
    partition.next_offset = 3
    old_keys = set(partition.table.keys())
    desk.clock.now += INTERVAL
    desk.begin_due()
    desk.feed(partition, 60)
    assert set(partition.table.keys()) > old_keys
    desk.settle()
    assert desk.read_newest() == states_of(twin_of(EVENTS[:3]))
    desk.save_by_interval()
    assert desk.read_newest() == states_of(twin_of(EVENTS[:60]))


def test_a_second_cut_waits_for_the_first(desk: Desk) -> None:
    partition = desk.new_partition()
    desk.feed(partition, 30)
    desk.clock.now += INTERVAL
    desk.begin_due()
    desk.feed(partition, 40)
    desk.clock.now += INTERVAL
    desk.begin_due()
    desk.settle()
    assert [manifest.offset for manifest in desk.manifests()] == [30, 0]


def test_a_failed_write_leaves_its_keys_to_the_next(desk: Desk) -> None:
    partition = desk.new_partition()
    desk.feed(partition, 60)
    desk.save_by_interval()
    desk.feed(partition, 62)
    desk.store.failures = 1
    desk.save_by_interval()
    assert desk.manifests()[0].offset == 60

    desk.feed(partition, 64)
    desk.save_by_interval()

    assert desk.manifests()[0].offset == 64
    assert desk.read_newest() == states_of(twin_of(EVENTS[:64]))
    assert desk.failures_counted() == 1.0


def test_many_segments_are_merged_and_nothing_is_lost(desk: Desk) -> None:
    partition = desk.new_partition()
    for offset in range(10, 200, 10):
        desk.feed(partition, offset)
        desk.save_by_interval()
        assert desk.read_newest() == states_of(twin_of(EVENTS[:offset]))
    assert len(desk.manifests()[0].segments) < 34


def test_loading_continues_bit_for_bit_and_the_next_save_is_small(desk: Desk) -> None:
    manifest = write_checkpoint(desk.store, 0, offset=60)
    partition = desk.take_over(manifest, committed=62)
    assert partition.state is PartitionState.REPLAYING
    assert states_of(partition.table) == states_of(twin_of(EVENTS[:60]))
    desk.feed(partition, 62)
    partition.caught_up()
    desk.save_by_interval()
    newest = desk.manifests()[0]
    assert (newest.offset, newest.previous) == (62, manifest.number)
    assert keys_of(desk.store, newest) == {event.key for event in EVENTS[60:62]}
    assert newest.segments[0] == manifest.segments[0]
    assert desk.read_newest() == states_of(twin_of(EVENTS[:62]))


def test_a_topic_that_grew_is_written_down_although_nothing_else_is_new(desk: Desk) -> None:
    partition = desk.new_partition()
    desk.feed(partition, 40)
    desk.save_by_interval()
    partition.topic_partitions = 12
    desk.save_by_interval()
    assert [manifest.topic_partitions for manifest in desk.manifests()] == [12, 0]


def test_loading_needs_a_plan(desk: Desk) -> None:
    with pytest.raises(AssertionError, match="has no plan"):
        desk.checkpoints.load(Partition("events", 0, PARAMETERS))


def test_one_partition_s_checkpoint_says_nothing_about_another(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    first, second = desk.new_partition(0), desk.new_partition(1)
    desk.feed(first, 50)
    desk.feed(second, 20)
    for saved in (1, 2):
        desk.clock.now += INTERVAL / 2
        desk.checkpoints.begin_due([first, second])
        desk.settle()
        assert not desk.checkpoints.are_due
        assert len(desk.manifests(0)) + len(desk.manifests(1)) == 2 + saved, "they take turns in an interval"
    for partition, offset in ((first, 50), (second, 20)):
        (manifest, _) = desk.manifests(partition.number)
        assert manifest.offset == offset
        assert desk.read_newest(partition.number) == states_of(twin_of(EVENTS[:offset]))
    desk.checkpoints.close(10.0)


def test_closing_says_when_the_writer_was_too_slow(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    desk = Desk(tmp_path)
    desk.feed(desk.new_partition(), 20)
    desk.store.gate.close()
    desk.clock.now += INTERVAL
    desk.begin_due()
    desk.checkpoints.advance(most=100)
    desk.checkpoints.close(0.01)
    desk.store.gate.open()
    assert "did not finish in time" in caplog.text


def test_a_plan_without_a_checkpoint_stands_at_its_start(desk: Desk) -> None:
    partition = Partition("events", 0, PARAMETERS)
    partition.load(RecoveryPlan(None, 25, 25, "begun afresh"), 25, 0)
    desk.checkpoints.load(partition)
    assert [manifest.offset for manifest in desk.manifests()] == [25]
