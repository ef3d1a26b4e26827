"""Backfills: whole or not there, never by accident in place of another, and never believed when they are damaged."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from stream_rcf.errors import CheckpointError, UsageError
from stream_rcf.state.backfill_document import backfill_name
from stream_rcf.state.backfill_store import FOLDER, BackfillStore, open_backfills
from stream_rcf.state.checkpoint_store import CheckpointStore
from stream_rcf.state.folder_objects import FolderObjects
from stream_rcf.state.objects import ObjectMissingError, StoreUnreachableError
from stream_rcf.state.segments import SavedKey
from tests.state.backfill_support import (
    backfill_objects,
    backfill_store,
    begin_backfill,
    read_backfill,
    write_backfill,
)
from tests.state.support import FINGERPRINT, NOW, PARTITION, change_object, flip, write_checkpoint
from tests.support.memory_objects import MemoryObjects, WatchedObjects

STATES = {f"key-{n}": bytes([n]) * 100 for n in range(30)}


@pytest.fixture
def watched():
    return WatchedObjects(MemoryObjects())


@pytest.fixture
def small_segments(monkeypatch):
    monkeypatch.setattr("stream_rcf.state.backfill_writer.SEGMENT_BYTES", 500)


def fail_at(watched: WatchedObjects, count: int) -> None:
    """Let the ``count``-th and every later creation from now on fail, as after a crash."""
    made = iter(range(10**6))

    def before(method: str, name: str) -> None:
        if method in ("create", "remove") and next(made) >= count:
            raise StoreUnreachableError("the power is off")

    watched.before = before


def test_what_was_written_is_read_back(tmp_path):
    store = backfill_store(FolderObjects(tmp_path / "state"))
    assert store.newest() is None
    document = write_backfill(store, STATES, last_event=70)
    assert store.newest() == document
    assert (document.number, document.keys, document.latest_event) == (1, 30, 70)
    assert (document.fingerprint, document.created_at) == (FINGERPRINT, int(NOW * 1000))
    assert read_backfill(store) == STATES


def test_a_store_that_nothing_was_written_to_is_not_made(tmp_path):
    assert open_backfills(f"file:{tmp_path}/state", "--save-state").newest() is None
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(UsageError, match="--save-state 'state' begins with none of file:"):
        open_backfills("state", "--save-state")


def test_a_backfill_without_keys_is_one():
    store = backfill_store()
    assert write_backfill(store, {}).segments == ()
    assert read_backfill(store) == {}


@pytest.mark.usefixtures("small_segments")
def test_many_keys_are_written_segment_by_segment(watched):
    store = backfill_store(watched)
    writer = begin_backfill(store, {})
    most_waiting = 0
    for key, state in STATES.items():
        writer.append(SavedKey(key, state, 0))
        most_waiting = max(most_waiting, writer._builder.bytes)
    document = writer.finish()
    assert len(document.segments) == 8
    assert most_waiting < 500, "what is written is not kept"
    assert read_backfill(store) == STATES


@pytest.mark.usefixtures("small_segments")
def test_after_a_crash_at_any_moment_there_is_none_or_all_of_it(watched):
    for moment in range(9):
        store = backfill_store(watched)
        fail_at(watched, moment)
        with pytest.raises(StoreUnreachableError):
            begin_backfill(store, STATES).finish()
        watched.before = lambda method, name: None
        assert store.newest() is None
    assert len(backfill_objects(store)) > 9, "crashes leave segments behind"
    document = write_backfill(store, STATES)
    assert read_backfill(store) == STATES
    assert backfill_objects(store) == sorted(
        [backfill_name(1), *(segment.name for segment in document.segments)]
    )


@pytest.mark.usefixtures("small_segments")
def test_one_that_is_given_up_leaves_nothing():
    store = backfill_store()
    writer = begin_backfill(store, STATES)
    assert backfill_objects(store)
    writer.abandon()
    assert backfill_objects(store) == []


def test_nothing_is_cleared_away_of_one_that_stands():
    store = backfill_store()
    writer = begin_backfill(store, STATES)
    writer.finish()
    writer.abandon()
    assert read_backfill(store) == STATES


def test_another_is_replaced_only_where_that_is_asked_for():
    store = backfill_store()
    older = write_backfill(store, STATES)
    with pytest.raises(UsageError, match=r"memory holds a saved state already .*--replace-state"):
        begin_backfill(store, {})
    newer = write_backfill(store, {"other": b"1"}, replace=True)
    assert newer.number == 2
    assert newer.identity != older.identity
    assert read_backfill(store) == {"other": b"1"}
    with pytest.raises(ObjectMissingError):
        store.verify(older)


def test_the_older_one_is_there_until_the_newer_is(watched):
    store = backfill_store(watched)
    write_backfill(store, STATES)
    fail_at(watched, 1)
    with pytest.raises(StoreUnreachableError):
        write_backfill(store, {"other": b"1"}, replace=True)
    watched.before = lambda method, name: None
    assert read_backfill(store) == STATES


def test_of_two_writers_one_wins_and_takes_nothing_from_the_other():
    store = backfill_store()
    first, second = (begin_backfill(store, {"key": state}) for state in (b"1", b"2"))
    first.finish()
    with pytest.raises(CheckpointError, match="another process has saved a state there meanwhile"):
        second.finish()
    second.abandon()
    assert read_backfill(store) == {"key": b"1"}
    assert len(backfill_objects(store)) == 2


def test_a_damaged_one_can_be_replaced():
    store = backfill_store()
    write_backfill(store, STATES)
    change_object(store, f"{FOLDER}/{backfill_name(1)}", lambda data: b"{")
    with pytest.raises(CheckpointError, match="not JSON"):
        store.newest()
    write_backfill(store, STATES, replace=True)
    assert read_backfill(store) == STATES


def test_what_a_late_listing_does_not_show_is_found(watched):
    store = backfill_store(watched)
    write_backfill(store, STATES)
    write_backfill(store, {"other": b"1"}, replace=True)
    watched.unlisted = {backfill_name(1), backfill_name(2)}
    assert read_backfill(store) == {"other": b"1"}
    with pytest.raises(UsageError, match="already"):
        begin_backfill(store, {})


def test_it_may_lie_in_a_store_of_checkpoints():
    objects = MemoryObjects()
    checkpoints = CheckpointStore(objects)
    for partition in (PARTITION, PARTITION._replace(group=FOLDER)):
        write_checkpoint(checkpoints, {"key": b"1"}, partition=partition)
    store = BackfillStore(objects)
    write_backfill(store, STATES)
    assert read_backfill(store) == STATES
    assert checkpoints.partitions() == sorted([PARTITION, PARTITION._replace(group=FOLDER)])
    for partition in checkpoints.partitions():
        checkpoints.verify(checkpoints.manifests(partition).manifests[0])


@pytest.mark.usefixtures("small_segments")
@pytest.mark.parametrize("seed", range(40))
def test_no_damage_to_any_object_ever_gives_wrong_content(seed):
    generator = random.Random(seed)
    store = backfill_store()
    write_backfill(store, STATES)
    name = generator.choice(backfill_objects(store))
    size = len(store.objects.read(f"{FOLDER}/{name}", 2**20))
    harm = generator.choice(
        [
            flip(generator.randrange(size), 1 << generator.randrange(8)),
            lambda data: data[: generator.randrange(len(data))],
            lambda data: data + b"\0",
            lambda data: generator.randbytes(len(data)),
        ]
    )
    change_object(store, f"{FOLDER}/{name}", harm)
    with pytest.raises(CheckpointError, match=name):
        read_backfill(store)


def test_keys_that_are_not_as_many_as_it_says_are_noticed():
    store = backfill_store()
    document = write_backfill(store, STATES)
    with pytest.raises(CheckpointError, match="its segments hold 30 keys, but its document says 31"):
        store.verify(replace(document, keys=31))
