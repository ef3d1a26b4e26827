from __future__ import annotations

import errno
import logging
import os
import resource

import pytest

from stream_rcf.errors import CheckpointError
from stream_rcf.state.checkpoint_writer import CheckpointWriter
from tests.state.support import FINGERPRINT, PARTITION, file_store, read_back
from tests.state.writer_support import PATIENCE_SECONDS, fails, stands


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


def test_an_unexpected_error_is_reported_and_the_thread_lives_on(store, writer, caplog):
    writer.adopt(PARTITION, None, 0)
    error = fails(writer, {"a": "not bytes"}, 1, full=True)
    assert error.startswith("unexpected TypeError")
    assert any(record.exc_info for record in caplog.records)
    assert stands(writer, {"a": b"1"}, 1, full=True).keys == 1


def test_a_store_that_cannot_even_be_listed_is_reported(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    writer = CheckpointWriter(file_store(tmp_path / "file"))
    writer.adopt(PARTITION, None, 0)
    assert "cannot hold checkpoints" in fails(writer, {"a": b"1"}, 1, full=True)
    assert writer.needs_full(PARTITION)
    with pytest.raises(CheckpointError):
        file_store(tmp_path / "file").begin(PARTITION, FINGERPRINT)
    assert writer.close(PATIENCE_SECONDS)
