from __future__ import annotations

import os
import threading

import pytest

from stream_rcf.state.checkpoint_files import FileCheckpointStore
from stream_rcf.state.checkpoint_store import PartitionId
from stream_rcf.state.checkpoint_writer import CheckpointWriter
from tests.state.support import FINGERPRINT, PARTITION, PlainSnapshot, file_store, read_back, write_checkpoint
from tests.state.writer_support import PATIENCE_SECONDS, fails, outcomes, stands, write

OTHER = PartitionId("stream-rcf", "events", 4)


@pytest.fixture
def store(tmp_path):
    return file_store(tmp_path / "checkpoints")


@pytest.fixture
def writer(store):
    writer = CheckpointWriter(store)
    yield writer
    assert writer.close(PATIENCE_SECONDS)


class BlockedStore(FileCheckpointStore):
    """Lets no writer begin before the test says so: a disk that hangs."""

    def __init__(self, root) -> None:
        super().__init__(root)
        self.gate = threading.Event()

    def begin(self, *arguments):
        assert self.gate.wait(PATIENCE_SECONDS)
        return super().begin(*arguments)


def test_checkpoints_follow_one_another(store, writer):
    writer.adopt(PARTITION, None, 0)
    assert writer.needs_full(PARTITION)
    first = stands(writer, {"a": b"1", "b": b"1"}, 10, full=True)
    assert (first.number, first.previous, first.offset) == (1, None, 10)
    assert not writer.needs_full(PARTITION)
    second = stands(writer, {"b": b"2"}, 20, full=False)
    assert (second.number, second.previous, second.offset, second.keys) == (2, 1, 20, 2)
    assert read_back(store, second) == {"a": b"1", "b": b"2"}


def test_a_loaded_checkpoint_is_continued(store, writer):
    base = write_checkpoint(store, {"a": b"1"}, offset=5)
    write_checkpoint(store, {"a": b"ahead"}, offset=900)  # not usable, but its number is taken
    listing = store.manifests(PARTITION)
    writer.adopt(PARTITION, base, listing.newest_number)
    manifest = stands(writer, {"b": b"2"}, 20, full=False)
    assert (manifest.number, manifest.previous) == (3, 1)
    assert read_back(store, manifest) == {"a": b"1", "b": b"2"}


def test_partitions_do_not_mix(store, writer):
    for partition in (PARTITION, OTHER):
        writer.adopt(partition, None, 0)
        writer.begin(partition, offset=partition.partition, fingerprint=FINGERPRINT, full=True)
    for key in ("a", "b"):
        for partition in (PARTITION, OTHER):
            writer.append(partition, key, PlainSnapshot(b"%d" % partition.partition))
    for partition in (OTHER, PARTITION):
        writer.finish(partition)
    ended = {outcome.partition: outcome for outcome in outcomes(writer, 2)}
    for partition in (PARTITION, OTHER):
        assert ended[partition].written_bytes == 2
        manifest = ended[partition].manifest
        assert manifest.offset == partition.partition
        state = b"%d" % partition.partition
        assert read_back(store, manifest, partition) == {"a": state, "b": state}


def test_many_segments_ask_for_a_full_checkpoint(writer):
    writer.adopt(PARTITION, None, 0)
    manifest = stands(writer, {f"key-{number}": b"" for number in range(100)}, 0, full=True)
    while not writer.needs_full(PARTITION):
        manifest = stands(writer, {"key-1": b"x"}, manifest.offset + 1, full=False)
    assert len(manifest.segments) == 9
    full = stands(writer, {f"key-{number}": b"" for number in range(100)}, 99, full=True)
    assert len(full.segments) == 1
    assert not writer.needs_full(PARTITION)


def test_many_superseded_frames_ask_for_a_full_checkpoint(writer):
    writer.adopt(PARTITION, None, 0)
    states = {"a": b"1", "b": b"1", "c": b"1"}
    stands(writer, states, 0, full=True)
    stands(writer, states, 1, full=False)
    assert not writer.needs_full(PARTITION)
    assert stands(writer, {"a": b"3"}, 2, full=False).frames == 7
    assert writer.needs_full(PARTITION)


def test_the_loop_never_waits_and_learns_when_there_is_no_room(tmp_path):
    store = BlockedStore(tmp_path)
    writer = CheckpointWriter(store, queue_bytes=100)
    writer.adopt(PARTITION, None, 0)
    assert writer.has_room()
    write(writer, {"a": b"x" * 60, "b": b"y" * 60}, 1, full=True)
    assert not writer.has_room()
    assert writer.is_writing(PARTITION)
    assert writer.finished() == []
    store.gate.set()
    (outcome,) = outcomes(writer)
    assert outcome.manifest is not None
    assert writer.has_room()
    assert not writer.is_writing(PARTITION)
    assert writer.close(PATIENCE_SECONDS)


def test_duration_counts_from_the_beginning(store):
    now = [100.0]
    writer = CheckpointWriter(store, clock=lambda: now[0])
    writer.adopt(PARTITION, None, 0)
    writer.begin(PARTITION, offset=1, fingerprint=FINGERPRINT, full=True)
    now[0] = 102.5
    writer.finish(PARTITION)
    assert outcomes(writer)[0].seconds == 2.5
    assert writer.close(PATIENCE_SECONDS)


def test_another_process_is_noticed_and_then_every_key_is_written(store, writer):
    writer.adopt(PARTITION, None, 0)
    stands(writer, {"a": b"1", "b": b"1"}, 1, full=True)
    for _ in range(2):  # enough for our first segment to be tidied away
        write_checkpoint(file_store(store.root), {"a": b"zombie", "b": b"zombie"}, offset=1)
    assert "gone" in fails(writer, {"a": b"2"}, 2, full=False)
    assert writer.needs_full(PARTITION)
    with pytest.raises(ValueError, match="must hold every key"):
        writer.begin(PARTITION, offset=3, fingerprint=FINGERPRINT, full=False)
    manifest = stands(writer, {"a": b"3", "b": b"3"}, 3, full=True)
    assert manifest.number == 4
    assert not writer.needs_full(PARTITION)


def test_a_number_taken_by_another_process_is_noticed(store, writer):
    writer.adopt(PARTITION, None, 0)
    first = stands(writer, {"a": b"1"}, 1, full=True)
    write_checkpoint(file_store(store.root), {}, offset=1, base=first, keep=True)
    assert "another process writes it too" in fails(writer, {"a": b"2"}, 2, full=False)
    assert writer.needs_full(PARTITION)


def test_an_abandoned_checkpoint_has_no_outcome_and_changes_nothing(store, writer):
    writer.adopt(PARTITION, None, 0)
    writer.abandon(PARTITION)
    writer.begin(PARTITION, offset=1, fingerprint=FINGERPRINT, full=True)
    writer.append(PARTITION, "a", PlainSnapshot(b"1"))
    writer.abandon(PARTITION)
    assert not writer.is_writing(PARTITION)
    manifest = stands(writer, {"b": b"2"}, 2, full=True)
    assert (manifest.number, read_back(store, manifest)) == (1, {"b": b"2"})


def test_release_gives_up_what_is_unfinished_and_writes_what_is_finished(store, writer):
    for partition in (PARTITION, OTHER):
        writer.adopt(partition, None, 0)
        writer.begin(partition, offset=1, fingerprint=FINGERPRINT, full=True)
        writer.append(partition, "a", PlainSnapshot(b"1"))
    writer.finish(PARTITION)
    writer.release(PARTITION)
    writer.release(OTHER)
    writer.release(OTHER)
    (outcome,) = outcomes(writer)
    assert outcome.partition == PARTITION
    assert read_back(store, outcome.manifest) == {"a": b"1"}
    assert not writer.is_writing(PARTITION)
    with pytest.raises(KeyError):
        writer.needs_full(OTHER)
    writer.adopt(OTHER, None, 0)
    write(writer, {}, 9, full=True, partition=OTHER)
    assert outcomes(writer)[0].manifest.number == 1


def test_a_partition_that_is_loaded_again_begins_anew(store, writer):
    writer.adopt(PARTITION, None, 0)
    first = stands(writer, {"a": b"1"}, 1, full=True)
    writer.begin(PARTITION, offset=2, fingerprint=FINGERPRINT, full=False)
    writer.append(PARTITION, "a", PlainSnapshot(b"rolled back"))
    writer.adopt(PARTITION, first, 1)
    assert read_back(store, stands(writer, {"b": b"2"}, 2, full=False)) == {"a": b"1", "b": b"2"}


def test_wrong_order_is_refused(writer):
    writer.adopt(PARTITION, None, 0)
    with pytest.raises(ValueError, match=r"no checkpoint of .* was begun"):
        writer.append(PARTITION, "a", PlainSnapshot(b"1"))
    writer.begin(PARTITION, offset=1, fingerprint=FINGERPRINT, full=True)
    with pytest.raises(ValueError, match="is on its way"):
        writer.begin(PARTITION, offset=1, fingerprint=FINGERPRINT, full=True)
    writer.finish(PARTITION)
    with pytest.raises(ValueError, match=r"no checkpoint of .* was begun"):
        writer.finish(PARTITION)
    assert len(outcomes(writer)) == 1


def test_close_writes_what_is_finished_and_leaves_no_remains(store):
    writer = CheckpointWriter(store)
    for partition in (PARTITION, OTHER):
        writer.adopt(partition, None, 0)
        writer.begin(partition, offset=1, fingerprint=FINGERPRINT, full=True)
        writer.append(partition, "a", PlainSnapshot(b"1"))
    writer.finish(PARTITION)
    assert writer.close(PATIENCE_SECONDS)
    assert [outcome.partition for outcome in writer.finished()] == [PARTITION]
    assert os.listdir(store.folder(OTHER)) == []


def test_close_gives_up_at_its_deadline(tmp_path):
    store = BlockedStore(tmp_path)
    writer = CheckpointWriter(store)
    writer.adopt(PARTITION, None, 0)
    write(writer, {"a": b"1"}, 1, full=True)
    assert not writer.close(0.01)
    store.gate.set()
    assert writer.close(PATIENCE_SECONDS)
    assert store.manifests(PARTITION).manifests == []
    assert os.listdir(store.folder(PARTITION)) == []
