from __future__ import annotations

import errno
import logging
import os
import resource
import threading
from typing import ClassVar

import pytest

from stream_rcf.errors import CheckpointError
from stream_rcf.state.checkpoint_writer import CheckpointWriter
from tests.state.support import FINGERPRINT, PARTITION, PlainSnapshot, file_store, read_back
from tests.state.writer_support import PATIENCE_SECONDS, fails, outcomes, stands


@pytest.fixture
def store(tmp_path):
    return file_store(tmp_path / "checkpoints")


@pytest.fixture
def writer(store):
    writer = CheckpointWriter(store)
    yield writer
    assert writer.close(PATIENCE_SECONDS)


def test_a_full_disk_costs_one_checkpoint_and_the_next_interval_tries_again(
    store, writer, caplog, monkeypatch
):
    writer.adopt(PARTITION, None, 0)
    first = stands(writer, {"a": b"1", "b": b"1"}, 1, full=True)

    def no_space(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch, caplog.at_level(logging.ERROR):
        patch.setattr(os, "fsync", no_space)
        error = fails(writer, {"a": b"2"}, 2, full=False)
    assert "No space left on device" in error
    (record,) = caplog.records
    assert "the next interval tries again" in record.getMessage()
    assert record.context == {"group": "stream-rcf", "topic": "events", "partition": 3, "offset": 2}
    assert store.manifests(PARTITION).manifests == [first]
    assert not writer.needs_full(PARTITION)  # nobody interfered: the changed keys again suffice
    third = stands(writer, {"a": b"3"}, 3, full=False)
    assert read_back(store, third) == {"a": b"3", "b": b"1"}


def test_a_file_that_the_operating_system_lets_grow_no_further(store, writer):
    writer.adopt(PARTITION, None, 0)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (3 * 2**20, hard))
    try:
        states = {f"key-{number}": b"x" * 2**18 for number in range(20)}
        error = fails(writer, states, 1, full=True)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "File too large" in error
    assert os.listdir(store.folder(PARTITION)) == []
    assert writer.has_room()
    assert read_back(store, stands(writer, states, 1, full=True)) == states


class Unpackable(PlainSnapshot):
    """A snapshot whose packing fails."""

    def pack(self) -> bytes:
        raise MemoryError("no room to pack")


def test_an_error_while_packing_costs_one_checkpoint_and_the_thread_lives_on(store, writer, caplog):
    writer.adopt(PARTITION, None, 0)
    writer.begin(PARTITION, offset=1, fingerprint=FINGERPRINT, full=True)
    for key, snapshot in (("a", PlainSnapshot(b"1")), ("b", Unpackable(b"2")), ("c", PlainSnapshot(b"3"))):
        writer.append(PARTITION, key, snapshot)
    writer.finish(PARTITION)
    (outcome,) = outcomes(writer)
    assert outcome.manifest is None
    assert outcome.error == "unexpected MemoryError: no room to pack"
    assert outcome.written_bytes == 1
    assert any(record.exc_info for record in caplog.records)
    assert writer._thread.waiting_bytes == 0
    assert os.listdir(store.folder(PARTITION)) == []
    assert stands(writer, {"a": b"1"}, 1, full=True).keys == 1


class PackedElsewhere(PlainSnapshot):
    """Larger in memory than on disk; notes which thread packs it."""

    packers: ClassVar[list[str]] = []

    @property
    def size(self) -> int:
        return 1000 * len(self.packed)

    def pack(self) -> bytes:
        self.packers.append(threading.current_thread().name)
        return self.packed


def test_keys_are_packed_in_the_writer_s_thread_and_counted_by_their_memory_until_then(store):
    PackedElsewhere.packers.clear()
    gate = threading.Event()

    def begin(*arguments):
        assert gate.wait(PATIENCE_SECONDS)
        return file_store(store.root).begin(*arguments)

    store.begin = begin  # a disk that hangs
    writer = CheckpointWriter(store, queue_bytes=3000)
    writer.adopt(PARTITION, None, 0)
    writer.begin(PARTITION, offset=1, fingerprint=FINGERPRINT, full=True)
    states = {"a": b"1", "b": b"22"}
    for key, packed in states.items():
        assert writer.has_room()
        writer.append(PARTITION, key, PackedElsewhere(packed))
    assert not writer.has_room()
    assert PackedElsewhere.packers == []
    writer.finish(PARTITION)
    gate.set()
    (outcome,) = outcomes(writer)
    assert PackedElsewhere.packers == ["checkpoint-writer"] * 2
    assert outcome.written_bytes == 3
    assert writer.has_room()
    assert read_back(store, outcome.manifest) == states
    assert writer.close(PATIENCE_SECONDS)


def test_what_was_given_up_is_not_packed(store, writer):
    PackedElsewhere.packers.clear()
    writer.adopt(PARTITION, None, 0)
    writer.begin(PARTITION, offset=1, fingerprint=FINGERPRINT, full=True)
    writer.append(PARTITION, "a", Unpackable(b"1"))
    writer.append(PARTITION, "b", PackedElsewhere(b"2"))
    writer.finish(PARTITION)
    outcomes(writer)
    assert PackedElsewhere.packers == []


def test_a_store_that_cannot_even_be_listed_is_reported(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    writer = CheckpointWriter(file_store(tmp_path / "file"))
    writer.adopt(PARTITION, None, 0)
    assert "cannot hold checkpoints" in fails(writer, {"a": b"1"}, 1, full=True)
    assert writer.needs_full(PARTITION)
    with pytest.raises(CheckpointError):
        file_store(tmp_path / "file").begin(PARTITION, FINGERPRINT)
    assert writer.close(PATIENCE_SECONDS)
