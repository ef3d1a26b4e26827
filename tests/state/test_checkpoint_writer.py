from __future__ import annotations

import pytest

from stream_rcf.state.checkpoint_writer import CheckpointWriter
from stream_rcf.state.manifest import PartitionId, manifest_name
from tests.state.support import (
    FINGERPRINT,
    FOLDER,
    PARTITION,
    PlainSnapshot,
    change_object,
    folder_store,
    memory_store,
    names,
    open_saved,
    read_back,
    store_of,
    write_checkpoint,
)
from tests.state.writer_support import PATIENCE_SECONDS, adopt_new, begin, fails, outcomes, stands, write
from tests.support.memory_objects import Gate, MemoryObjects, WatchedObjects

OTHER = PartitionId("stream-rcf", "events", 4)


@pytest.fixture
def store():
    return memory_store()


@pytest.fixture
def writer(store):
    writer = CheckpointWriter(store)
    yield writer
    assert writer.close(PATIENCE_SECONDS)


@pytest.fixture
def gate():
    """Of a store that hangs while it is closed."""
    return Gate("create")


@pytest.fixture
def held_store(gate):
    objects = WatchedObjects(MemoryObjects())
    objects.before = gate
    return store_of(objects)


def test_checkpoints_follow_one_another(store, writer):
    saved = adopt_new(writer)
    assert writer.base(PARTITION) is None
    first = stands(writer, {"a": b"1" * 99, "b": b"1"}, 10)
    assert (first.number, first.previous, first.offset) == (1, None, 10)
    assert writer.base(PARTITION) == first
    second = stands(writer, {"b": b"2"}, 20)
    assert (second.number, second.previous, second.offset, second.keys) == (2, 1, 20, 2)
    assert second.segments[0] == first.segments[0]
    assert read_back(store, second) == {"a": b"1" * 99, "b": b"2"}
    assert list(saved.newest_first()) == ["b", "a"], "kept up to date for who fetches keys"


def test_a_loaded_checkpoint_is_continued(store, writer):
    base = write_checkpoint(store, {"a": b"1"}, offset=5)
    write_checkpoint(store, {"a": b"ahead"}, offset=900)  # not usable, but its number is taken
    listing = store.manifests(PARTITION)
    writer.adopt(PARTITION, base, listing.newest_number, open_saved(store, base))
    manifest = stands(writer, {"b": b"2"}, 20)
    assert (manifest.number, manifest.previous) == (3, 1)
    assert read_back(store, manifest) == {"a": b"1", "b": b"2"}


def test_the_partitions_of_the_topic_are_written_down(writer):
    adopt_new(writer)
    writer.begin(PARTITION, offset=1, fingerprint=FINGERPRINT, changed=(), topic_partitions=6)
    writer.finish(PARTITION)
    (outcome,) = outcomes(writer)
    assert outcome.manifest.topic_partitions == 6


def test_partitions_do_not_mix(store, writer):
    for partition in (PARTITION, OTHER):
        adopt_new(writer, partition)
        writer.begin(partition, offset=partition.partition, fingerprint=FINGERPRINT, changed={"a", "b"})
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
        assert read_back(store, manifest) == {"a": state, "b": state}


def test_many_checkpoints_keep_few_segments_and_lose_nothing(store, writer):
    adopt_new(writer)
    truth = {f"key-{number}": b"0" * 50 for number in range(100)}
    stands(writer, truth, 0)
    for offset in range(1, 60):
        changed = {f"key-{offset * 7 % 100}": b"%d" % offset * 20, f"key-{offset * 3 % 100}": b"%d" % offset}
        truth |= changed
        manifest = stands(writer, changed, offset)
        assert len(manifest.segments) <= 34
        assert read_back(store, manifest) == truth


def test_the_loop_never_waits_and_learns_when_there_is_no_room(gate, held_store):
    writer = CheckpointWriter(held_store, queue_bytes=100)
    for partition in (PARTITION, OTHER):
        adopt_new(writer, partition)
    gate.close()
    write(writer, {}, 1, OTHER)
    assert writer.has_room()
    write(writer, {"a": b"x" * 60, "b": b"y" * 60}, 1)
    assert not writer.has_room()
    assert writer.is_writing(PARTITION)
    assert writer.finished() == []
    gate.open()
    assert all(outcome.manifest is not None for outcome in outcomes(writer, 2))
    assert writer.has_room()
    assert not writer.is_writing(PARTITION)
    assert writer.close(PATIENCE_SECONDS)


def test_duration_counts_from_the_beginning(store):
    now = [100.0]
    writer = CheckpointWriter(store, clock=lambda: now[0])
    adopt_new(writer)
    begin(writer, {}, 1)
    now[0] = 102.5
    writer.finish(PARTITION)
    assert outcomes(writer)[0].seconds == 2.5
    assert writer.close(PATIENCE_SECONDS)


def test_a_number_taken_by_another_process_is_noticed_and_changes_nothing(store, writer):
    saved = adopt_new(writer)
    first = stands(writer, {"a": b"1"}, 1)
    theirs = write_checkpoint(store, {"a": b"theirs"}, offset=1, base=first)
    outcome = fails(writer, {"a": b"2", "b": b"2"}, 2)
    assert outcome.is_overtaken
    assert outcome.is_current
    assert "another process has written it" in outcome.error
    assert (writer.base(PARTITION), list(saved.newest_first())) == (first, ["a"])
    assert fails(writer, {"a": b"3"}, 3).is_overtaken, "until the partition is loaded again"
    found = store.manifests(PARTITION)
    writer.adopt(PARTITION, theirs, found.newest_number, open_saved(store, theirs))
    assert stands(writer, {"b": b"4"}, 4).number == 3


def test_what_is_kept_is_not_read_again(store, writer):
    saved = adopt_new(writer)
    first = stands(writer, {"a": b"1" * 50}, 1)
    change_object(store, f"{FOLDER}/{first.segments[0].name}", lambda data: b"")
    second = stands(writer, {"b": b"2"}, 2)
    assert (second.previous, second.segments[0]) == (1, first.segments[0])
    assert len(saved) == 2


def test_an_abandoned_checkpoint_has_no_outcome_and_changes_nothing(store, writer):
    saved = adopt_new(writer)
    writer.abandon(PARTITION)
    begin(writer, {"a": b"1"}, 1)
    writer.abandon(PARTITION)
    assert not writer.is_writing(PARTITION)
    manifest = stands(writer, {"b": b"2"}, 2)
    assert (manifest.number, read_back(store, manifest)) == (1, {"b": b"2"})
    assert list(saved.newest_first()) == ["b"]


def test_release_gives_up_what_is_unfinished_and_writes_what_is_finished(store, writer):
    for partition in (PARTITION, OTHER):
        adopt_new(writer, partition)
        begin(writer, {"a": b"1"}, 1, partition)
    writer.finish(PARTITION)
    writer.release(PARTITION)
    writer.release(OTHER)
    writer.release(OTHER)
    (outcome,) = outcomes(writer)
    assert outcome.partition == PARTITION
    assert not outcome.is_current
    assert read_back(store, outcome.manifest) == {"a": b"1"}
    assert not writer.is_writing(PARTITION)
    with pytest.raises(KeyError):
        writer.base(OTHER)
    adopt_new(writer, OTHER)
    write(writer, {}, 9, OTHER)
    assert outcomes(writer)[0].manifest.number == 1


def test_a_partition_that_is_loaded_again_begins_anew(store, writer):
    adopt_new(writer)
    first = stands(writer, {"a": b"1"}, 1)
    begin(writer, {"a": b"rolled back"}, 2)
    writer.adopt(PARTITION, first, 1, open_saved(store, first))
    assert read_back(store, stands(writer, {"b": b"2"}, 2)) == {"a": b"1", "b": b"2"}


def test_the_end_of_a_job_of_before_does_not_move_what_was_adopted_since(gate, held_store):
    writer = CheckpointWriter(held_store)
    adopt_new(writer)
    first = stands(writer, {"a": b"1"}, 1)
    gate.close()
    write(writer, {"a": b"2"}, 2)
    anew = open_saved(held_store, first)
    writer.adopt(PARTITION, first, 1, anew)
    gate.open()
    (outcome,) = outcomes(writer)
    assert (outcome.is_current, outcome.manifest.number) == (False, 2)
    assert writer.base(PARTITION) == first
    assert anew.frame("a").segment.segment == first.segments[0]
    assert fails(writer, {"a": b"3"}, 3).is_overtaken, "the number went to the job of before"
    assert writer.close(PATIENCE_SECONDS)


def test_the_failure_of_what_was_given_up_interests_nobody(gate, held_store):
    writer = CheckpointWriter(held_store)
    adopt_new(writer)
    gate.close()
    write(writer, {"a": b"1"}, 1)
    assert gate.reached.wait(PATIENCE_SECONDS)
    writer.release(PARTITION)
    held_store.objects.inner.create(f"{FOLDER}/{manifest_name(1)}", b"taken")
    gate.open()
    assert writer.close(PATIENCE_SECONDS)
    assert writer.finished() == []


def test_wrong_order_is_refused(writer):
    adopt_new(writer)
    with pytest.raises(ValueError, match=r"no checkpoint of .* was begun"):
        writer.append(PARTITION, "a", PlainSnapshot(b"1"))
    begin(writer, {}, 1)
    with pytest.raises(ValueError, match="is on its way"):
        begin(writer, {}, 1)
    writer.finish(PARTITION)
    with pytest.raises(ValueError, match=r"no checkpoint of .* was begun"):
        writer.finish(PARTITION)
    assert len(outcomes(writer)) == 1


def test_close_writes_what_is_finished_and_leaves_no_remains(tmp_path):
    store = folder_store(tmp_path)
    writer = CheckpointWriter(store)
    for partition in (PARTITION, OTHER):
        adopt_new(writer, partition)
        begin(writer, {"a": b"1"}, 1, partition)
    writer.finish(PARTITION)
    assert writer.close(PATIENCE_SECONDS)
    assert [outcome.partition for outcome in writer.finished()] == [PARTITION]
    assert names(store, OTHER) == []


def test_close_gives_up_at_its_deadline(gate, held_store):
    writer = CheckpointWriter(held_store)
    adopt_new(writer)
    adopt_new(writer, OTHER)
    gate.close()
    write(writer, {"a": b"1"}, 1)
    write(writer, {"a": b"1"}, 1, OTHER)
    assert gate.reached.wait(PATIENCE_SECONDS)
    assert not writer.close(0.01)
    gate.open()
    assert writer.close(PATIENCE_SECONDS)
    assert held_store.manifests(PARTITION).newest_number == 1, "what was begun is whole"
    assert names(held_store, OTHER) == []
