from __future__ import annotations

import errno
import logging
import os
import resource
import threading
import time
from typing import ClassVar

import pytest

from stream_rcf.errors import CheckpointError
from stream_rcf.state.checkpoint_thread import CheckpointThread, Step
from stream_rcf.state.checkpoint_writer import CheckpointWriter
from stream_rcf.state.objects import StoreUnreachableError
from tests.state.support import (
    FINGERPRINT,
    FOLDER,
    PARTITION,
    PlainSnapshot,
    change_object,
    flip,
    folder_store,
    memory_store,
    names,
    read_back,
    store_of,
    write_checkpoint,
)
from tests.state.writer_support import PATIENCE_SECONDS, adopt_new, fails, outcomes, stands
from tests.support.memory_objects import Gate, MemoryObjects, WatchedObjects


@pytest.fixture
def store(tmp_path):
    return folder_store(tmp_path / "checkpoints")


@pytest.fixture
def writer(store):
    writer = CheckpointWriter(store)
    yield writer
    assert writer.close(PATIENCE_SECONDS)


def test_a_full_disk_costs_one_checkpoint_and_the_next_interval_tries_again(
    store, writer, caplog, monkeypatch
):
    adopt_new(writer)
    first = stands(writer, {"a": b"1", "b": b"1" * 99}, 1)

    def no_space(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch, caplog.at_level(logging.ERROR):
        patch.setattr(os, "fsync", no_space)
        outcome = fails(writer, {"a": b"2"}, 2)
    assert "No space left on device" in outcome.error
    assert not outcome.is_overtaken
    (record,) = caplog.records
    assert "the next interval tries again" in record.getMessage()
    assert record.context == {"group": "stream-rcf", "topic": "events", "partition": 3, "offset": 2}
    assert store.manifests(PARTITION).manifests == [first]
    third = stands(writer, {"a": b"3"}, 3)
    assert (third.number, third.previous) == (2, 1)
    assert read_back(store, third) == {"a": b"3", "b": b"1" * 99}


def test_a_file_that_the_operating_system_lets_grow_no_further(store, writer):
    adopt_new(writer)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (3 * 2**20, hard))
    try:
        states = {f"key-{number}": b"x" * 2**18 for number in range(20)}
        outcome = fails(writer, states, 1)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "File too large" in outcome.error
    assert names(store) == []
    assert writer.has_room()
    assert read_back(store, stands(writer, states, 1)) == states


class Unpackable(PlainSnapshot):
    """A snapshot whose packing fails."""

    def pack(self) -> bytes:
        raise MemoryError("no room to pack")


def append_all(writer: CheckpointWriter, snapshots: dict[str, PlainSnapshot]) -> None:
    writer.begin(PARTITION, offset=1, fingerprint=FINGERPRINT, changed=snapshots.keys())
    for key, snapshot in snapshots.items():
        writer.append(PARTITION, key, snapshot)
    writer.finish(PARTITION)


def test_an_error_while_packing_costs_one_checkpoint_and_the_thread_lives_on(store, writer, caplog):
    adopt_new(writer)
    append_all(writer, {"a": PlainSnapshot(b"1"), "b": Unpackable(b"2"), "c": PlainSnapshot(b"3")})
    (outcome,) = outcomes(writer)
    assert outcome.manifest is None
    assert outcome.error == "unexpected MemoryError: no room to pack"
    assert outcome.written_bytes == 1
    assert any(record.exc_info for record in caplog.records)
    assert writer._thread.waiting_bytes == 0
    assert names(store) == []
    assert stands(writer, {"a": b"1"}, 1).keys == 1


class PackedElsewhere(PlainSnapshot):
    """Larger in memory than on disk; notes which thread packs it."""

    packers: ClassVar[list[str]] = []

    @property
    def size(self) -> int:
        return 1000 * len(self.packed)

    def pack(self) -> bytes:
        self.packers.append(threading.current_thread().name)
        return self.packed


def test_keys_are_packed_in_the_writer_s_thread_and_counted_by_their_memory_until_then():
    PackedElsewhere.packers.clear()
    gate = Gate("create")
    objects = WatchedObjects(MemoryObjects())
    objects.before = gate
    store = store_of(objects)
    writer = CheckpointWriter(store, queue_bytes=3000)
    for partition in (PARTITION, PARTITION._replace(partition=7)):
        adopt_new(writer, partition)
    gate.close()  # a store that hangs, at another partition's checkpoint
    other = PARTITION._replace(partition=7)
    writer.begin(other, offset=1, fingerprint=FINGERPRINT, changed=())
    writer.finish(other)
    writer.begin(PARTITION, offset=1, fingerprint=FINGERPRINT, changed={"a", "b"})
    states = {"a": b"1", "b": b"22"}
    for key, packed in states.items():
        assert writer.has_room()
        writer.append(PARTITION, key, PackedElsewhere(packed))
    assert not writer.has_room()
    assert gate.reached.wait(PATIENCE_SECONDS)
    assert PackedElsewhere.packers == []
    writer.finish(PARTITION)
    gate.open()
    outcome = outcomes(writer, 2)[1]
    assert PackedElsewhere.packers == ["checkpoint-writer"] * 2
    assert outcome.written_bytes == 3
    assert writer.has_room()
    assert read_back(store, outcome.manifest) == states
    assert writer.close(PATIENCE_SECONDS)


def test_what_was_given_up_is_not_packed(writer):
    PackedElsewhere.packers.clear()
    adopt_new(writer)
    append_all(writer, {"a": Unpackable(b"1"), "b": PackedElsewhere(b"2")})
    outcomes(writer)
    assert PackedElsewhere.packers == []


def test_the_times_of_the_keys_last_events_are_saved_with_them(store, writer):
    adopt_new(writer)
    append_all(writer, {"a": PlainSnapshot(b"1", last_event=-7), "b": PlainSnapshot(b"2", last_event=2**41)})
    (outcome,) = outcomes(writer)
    assert outcome.indexes[0].last_event.tolist() == [-7, 2**41]
    (index,) = store.indexes(outcome.manifest)
    assert index.last_event.tolist() == [-7, 2**41]


def test_a_store_that_is_no_folder_is_reported(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    writer = CheckpointWriter(folder_store(tmp_path / "file"))
    adopt_new(writer)
    outcome = fails(writer, {"a": b"1"}, 1)
    assert "Not a directory" in outcome.error or "File exists" in outcome.error
    assert writer.close(PATIENCE_SECONDS)


def test_remains_that_cannot_be_cleared_away_are_said_and_removed_later(monkeypatch, caplog):
    monkeypatch.setattr("stream_rcf.state.checkpoint_build.SEGMENT_BYTES", 10)
    objects = WatchedObjects(MemoryObjects())
    store = store_of(objects)
    writer = CheckpointWriter(store)
    adopt_new(writer)

    def refuses_segments_after_the_first(method: str, name: str) -> None:
        if method == "remove" or (method == "create" and "-0001-" in name):
            raise StoreUnreachableError("the store is down")

    objects.before = refuses_segments_after_the_first
    fails(writer, {"a": b"1" * 20, "b": b"2" * 20}, 1)
    assert "was not cleared away: the store is down" in caplog.text
    assert len(names(store)) == 1
    objects.before = lambda method, name: None
    manifest = stands(writer, {"a": b"3" * 20}, 3)
    assert set(names(store)) == {"manifest-000000000001.json", manifest.segments[0].name}
    assert writer.close(PATIENCE_SECONDS)


def test_a_segment_to_be_carried_that_is_gone_means_somebody_else_wrote(store, writer):
    """Only who has written two checkpoints since ours removes what ours names; no retry would ever succeed."""
    saved = adopt_new(writer)
    first = stands(writer, {"a": b"1" * 50, "b": b"1" * 50, "c": b"1" * 50}, 1)
    for _ in range(2):
        write_checkpoint(folder_store(store.objects._path), {"a": b"theirs"}, offset=1)
    assert first.segments[0].name not in names(store)
    outcome = fails(writer, {"a": b"2", "b": b"2"}, 2)
    assert outcome.is_overtaken
    assert "is missing: another process has written checkpoints since" in outcome.error
    assert len(saved) == 3


def test_damage_in_what_is_carried_fails_the_checkpoint_and_names_it(store, writer):
    adopt_new(writer)
    first = stands(writer, {"a": b"x" * 50, "b": b"y" * 50, "c": b"z" * 50}, 1)
    (index,) = store.indexes(first)
    row = index.keys.index("b")
    change_object(store, f"{FOLDER}/{first.segments[0].name}", flip(int(index.start[row])))
    outcome = fails(writer, {"a": b"2", "c": b"2"}, 2)
    assert "the state of key 'b' differs from its CRC-32" in outcome.error
    assert not outcome.is_overtaken
    assert outcome.damage == (first.segments[0].name, ("b",))
    assert stands(writer, {"a": b"3", "b": b"3", "c": b"3"}, 3).keys == 3, "nothing of it is carried any more"


def test_a_thread_that_ended_takes_nothing_more():
    thread = CheckpointThread(memory_store(), clock=lambda: 0.0)
    thread._steps.put(Step("stop"))
    thread._thread.join(PATIENCE_SECONDS)
    with pytest.raises(CheckpointError, match="the thread that writes checkpoints has ended"):
        thread.put(Step("begin"))


class Busy(PlainSnapshot):
    """Takes 10 ms of the processor to pack."""

    def pack(self) -> bytes:
        until = time.thread_time() + 0.01
        while time.thread_time() < until:
            pass
        return super().pack()


class Rests(threading.Event):
    """Keeps how long the thread would have rested."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds: list[float] = []

    def wait(self, timeout: float | None = None) -> bool:
        assert timeout is not None
        if not self.is_set():
            self.seconds.append(timeout)
        return self.is_set()


def test_between_keys_it_rests_until_somebody_is_in_a_hurry_or_it_takes_long(store):
    now = [0.0]
    writer = CheckpointWriter(store, clock=lambda: now[0], spread_seconds=10.0)
    rests = writer._thread.hurry = Rests()
    adopt_new(writer)

    def write(offset: int, before_the_keys=lambda: None) -> int:
        rests.seconds.clear()
        writer.begin(PARTITION, offset=offset, fingerprint=FINGERPRINT, changed={"a", "b"})
        before_the_keys()
        for key in ("a", "b"):
            writer.append(PARTITION, key, Busy(b"state"))
        writer.finish(PARTITION)
        (outcome,) = outcomes(writer)
        assert outcome.error is None
        return len(rests.seconds)

    assert write(1) == 2
    assert all(seconds >= 0.03 for seconds in rests.seconds), "three times as long as it worked"
    assert write(2, writer.hurry) == 0
    assert write(3) == 2, "the hurry is over with the next checkpoint"
    assert write(4, lambda: now.__setitem__(0, 11.0)) == 0
    assert writer.close(PATIENCE_SECONDS)
    assert rests.is_set(), "nobody waits for rests at the end"
