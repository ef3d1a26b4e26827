"""The storage of chaos runs can be harmed as the faults need it."""

from __future__ import annotations

import errno
import threading
import urllib.error
import urllib.request
from contextlib import suppress
from pathlib import Path

import pytest

from load_tests.chaos.links import PythonLinks
from load_tests.chaos.storage import BUCKET, DISK, Disk, FolderStorage, ObjectStorage, clear


def is_answering(endpoint: str) -> bool:
    with urllib.request.urlopen(f"{endpoint}/", timeout=20) as answer:
        return b"ListAllMyBucketsResult" in answer.read()


def test_a_full_disk_takes_nothing_until_it_is_emptied(tmp_path: Path) -> None:
    with Disk(tmp_path / "disk", megabytes=2) as disk:
        assert FolderStorage(disk).url == f"file://{tmp_path}/disk/checkpoints"
        if not disk.is_own:
            return  # without the right to mount there is none to fill; the faults take another way then
        disk.fill()
        with pytest.raises(OSError, match="No space") as failure:
            (disk.folder / "segment").write_bytes(bytes(10_000))
        assert failure.value.errno == errno.ENOSPC
        disk.empty()
        (disk.folder / "segment").write_bytes(bytes(10_000))
    assert not (tmp_path / "disk" / "segment").exists(), "the disk is gone with its run"


def test_a_disk_fills_while_others_write(tmp_path: Path) -> None:
    with Disk(tmp_path / "disk", megabytes=64) as disk:
        if not disk.is_own:
            return
        is_over = threading.Event()

        def write() -> None:
            number = 0
            while not is_over.is_set():
                number += 1
                with suppress(OSError):
                    (disk.folder / f"other-{number % 50}").write_bytes(bytes(100_000 * (number % 3)))

        writer = threading.Thread(target=write)
        writer.start()
        try:
            for _ in range(20):
                disk.fill()
                disk.empty()
        finally:
            is_over.set()
            writer.join()


def test_what_a_killed_run_left_is_cleared(tmp_path: Path) -> None:
    folder = tmp_path / "seed-1"
    folder.mkdir()
    Disk(folder / DISK, megabytes=2).__enter__()
    (folder / DISK / "segment").write_bytes(b"left")

    clear(folder)
    assert not folder.exists()
    clear(folder)  # nor is there anything to complain about


def test_object_storage_answers_through_its_link_until_that_is_cut(tmp_path: Path) -> None:
    with PythonLinks() as links, ObjectStorage(tmp_path, links, with_go=False) as storage:
        assert storage.url.startswith(f"s3://{BUCKET}/")
        linked, direct = storage.environment["AWS_ENDPOINT_URL"], storage.own_environment["AWS_ENDPOINT_URL"]
        assert linked != direct
        assert is_answering(linked)
        assert storage.link is not None
        storage.link.cut()
        with pytest.raises((urllib.error.URLError, ConnectionError)):
            is_answering(linked)
        assert is_answering(direct)
        storage.link.heal()
        assert is_answering(linked)
