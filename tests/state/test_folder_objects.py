from __future__ import annotations

import os
import stat
import threading

import pytest

from stream_rcf.errors import CheckpointError
from stream_rcf.state.folder_objects import ABANDONED_SECONDS, TEMPORARY_SUFFIX, FolderObjects
from stream_rcf.state.objects import StoreUnreachableError
from tests.support.objects_behaviour import BEHAVIOURS


@pytest.mark.parametrize("behaviour", BEHAVIOURS, ids=lambda behaviour: behaviour.__name__)
def test_a_folder_does_what_objects_do(behaviour, tmp_path):
    behaviour(FolderObjects(tmp_path / "made when needed"))


def test_asking_makes_no_folder(tmp_path):
    objects = FolderObjects(tmp_path / "folder")
    assert objects.root == str(tmp_path / "folder")
    assert objects.list("") == []
    objects.remove("a/name")
    assert list(tmp_path.iterdir()) == []


def test_what_is_being_written_is_not_listed(tmp_path):
    objects = FolderObjects(tmp_path)
    (tmp_path / f"1-abc{TEMPORARY_SUFFIX}").write_bytes(b"half")
    objects.create("whole", b"x")
    assert objects.list("") == ["whole"]


def test_a_failed_create_leaves_nothing(tmp_path):
    objects = FolderObjects(tmp_path)
    objects.create("name", b"first")
    with pytest.raises(CheckpointError):
        objects.create("name", b"second")
    assert [path.name for path in tmp_path.iterdir()] == ["name"]


def test_removing_an_object_removes_what_dead_writers_left(tmp_path):
    objects = FolderObjects(tmp_path)
    old, young = tmp_path / f"1-old{TEMPORARY_SUFFIX}", tmp_path / f"2-young{TEMPORARY_SUFFIX}"
    for path in (old, young):
        path.write_bytes(b"half")
    then = old.stat().st_mtime - ABANDONED_SECONDS - 10
    os.utime(old, (then, then))
    objects.create("name", b"x")
    objects.remove("name")
    assert [path.name for path in tmp_path.iterdir()] == [young.name]


def test_bytes_are_synced_before_the_name_and_the_name_before_create_returns(tmp_path, monkeypatch):
    calls = []
    fsync, link = os.fsync, os.link

    def watched_fsync(descriptor):
        calls.append("folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file")
        fsync(descriptor)

    def watched_link(source, target):
        calls.append("link")
        link(source, target)

    monkeypatch.setattr(os, "fsync", watched_fsync)
    monkeypatch.setattr(os, "link", watched_link)
    FolderObjects(tmp_path).create("name", b"x")
    assert calls == ["file", "link", "folder"]


def test_a_folder_that_is_a_file_is_unreachable_and_named(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    objects = FolderObjects(tmp_path / "file")
    for attempt in (
        lambda: objects.create("a/name", b"x"),
        lambda: objects.list(""),
        lambda: objects.read("name", 1),
    ):
        with pytest.raises(StoreUnreachableError, match="file"):
            attempt()


def test_a_pipe_in_the_folder_is_no_object(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    assert FolderObjects(tmp_path).list("") == []


def test_readers_see_an_object_whole_or_not_at_all(tmp_path):
    objects = FolderObjects(tmp_path)
    content = b"x" * 1_000_000
    written = threading.Event()

    def write() -> None:
        for number in range(20):
            objects.create(f"{number}", content)
        written.set()

    writer = threading.Thread(target=write)
    writer.start()
    while not written.is_set():
        for name in objects.list(""):
            assert objects.read(name, len(content)) == content
    writer.join()
    assert len(objects.list("")) == 20
