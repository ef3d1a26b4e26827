"""The loop with a batch in flight, on a real broker: what it commits, saves and hands over is what is published."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path

import pytest

from stream_rcf.core.batch import BlockBatch
from stream_rcf.service.checkpoints import Checkpoints
from stream_rcf.service.partition import Partition, PartitionState
from stream_rcf.service.worker import Worker
from stream_rcf.state.checkpoint_store import CheckpointStore
from stream_rcf.state.folder_objects import FolderObjects
from stream_rcf.state.key_table import KeyTable
from tests.service.support import PARAMETERS, states_of, twin_of
from tests.service.test_worker import EVENTS, Scene, committed, once
from tests.state.support import read_back
from tests.support.broker import KafkaBroker

KERNEL_SECONDS = 0.02  # long enough that a batch stays in flight over the turn of the loop


@pytest.fixture(autouse=True)
def slow_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    original = BlockBatch.run

    def run(batch: BlockBatch) -> None:
        time.sleep(KERNEL_SECONDS)
        original(batch)

    monkeypatch.setattr(BlockBatch, "run", run)


@pytest.fixture
def scene(broker: KafkaBroker, tmp_path: Path) -> Scene:
    return Scene(broker, tmp_path)


def is_ahead(worker: Worker) -> bool:
    """Whether a batch is in flight, and something before it committed."""
    return worker._batches.is_in_flight and committed(worker) > 0


def test_a_handover_publishes_and_commits_what_is_in_flight(scene: Scene) -> None:
    positions: list[tuple[int, int | None]] = []

    def hand_over(worker: Worker) -> None:
        assert any(worker._batches.published(p) < p.next_offset for p in worker._assignment)
        assert worker.commit_before_handover()
        assert not worker._batches.is_in_flight
        positions.extend((p.next_offset, p.committed) for p in worker._assignment)

    scene.run(once(hand_over, is_ahead))
    assert len(positions) == 2
    assert all(learned == group for learned, group in positions)
    scene.assert_each_event_once()


def test_a_roll_back_drops_what_is_in_flight(scene: Scene) -> None:
    dropped: list[int] = []

    def roll_back(worker: Worker) -> None:
        dropped.append(sum(p.next_offset for p in worker._assignment) - committed(worker))
        worker.abandon_uncommitted()

    scene.run(once(roll_back, is_ahead))
    assert dropped[0] > 0
    scene.assert_each_event_once()


def test_a_kernel_that_fails_ends_the_process_and_commits_nothing_of_its_batch(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = BlockBatch.run

    def fail(batch: BlockBatch) -> None:
        original(batch)
        raise MemoryError("no room")

    with monkeypatch.context() as patched, pytest.raises(MemoryError, match="no room"):
        scene.run(once(lambda _worker: patched.setattr(BlockBatch, "run", fail), is_ahead))
    scene.run()
    scene.assert_each_event_once()


def test_a_checkpoint_is_cut_where_state_outputs_and_group_agree(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint = scene.settings.checkpoint.model_copy(update={"interval_seconds": 0.05})
    scene.settings = scene.settings.model_copy(update={"checkpoint": checkpoint})
    cuts: list[list[tuple[int, int | None]]] = []
    original = Checkpoints.begin_due

    def begin_due(checkpoints: Checkpoints, partitions: Iterable[Partition]) -> None:
        live = [partition for partition in partitions if partition.state is PartitionState.LIVE]
        cuts.append([(partition.next_offset, partition.committed) for partition in live])
        original(checkpoints, live)

    monkeypatch.setattr(Checkpoints, "begin_due", begin_due)
    scene.run()
    under_way = [cut for cut in cuts if any(learned not in {0, len(EVENTS) // 2} for learned, _ in cut)]
    assert len(under_way) >= 2, "while events came"
    assert all(learned == group for cut in under_way for learned, group in cut if learned)
    store = CheckpointStore(FolderObjects(scene.root))
    streams = [[event for event in EVENTS if int(event.key[-1]) % 2 == number] for number in (0, 1)]
    compared = 0
    for name in store.partitions():
        for manifest in store.manifests(name).manifests:
            table = KeyTable(PARAMETERS)
            for key, payload in read_back(store, manifest).items():
                table.restore(key, payload)
            assert states_of(table) == states_of(twin_of(streams[name.partition][: manifest.offset]))
            compared += 1
    assert compared >= 2, "one of each partition at its end, at the least"
