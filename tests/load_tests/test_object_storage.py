"""That the program runs; what it finds on versitygw is its own business, since ``make test`` has no Go."""

from __future__ import annotations

import sys

import pytest

from load_tests import object_storage
from tests.support.machine import MissingPartError
from tests.support.s3_server import S3Server


def test_a_missing_server_is_said_with_the_line_that_builds_it(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "argv", ["object_storage", "--server", str(tmp_path / "versitygw")])
    with pytest.raises(MissingPartError, match=r"no .*versitygw: run `tools/chaos_parts.sh`"):
        object_storage.main()


def test_the_folder_and_the_bucket_are_measured_side_by_side(monkeypatch, capsys):
    monkeypatch.setattr(object_storage, "SMALL_OBJECTS", 10)
    monkeypatch.setattr(object_storage, "RANGES", 20)
    monkeypatch.setattr(object_storage, "LARGE_BYTES", 2**20)
    with S3Server() as server:
        for name, value in server.environment().items():
            monkeypatch.setenv(name, value)
        object_storage._measure(server)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "| | folder | versitygw |"
    assert len(lines) == 7
    assert all(line.count(" s (") == 2 for line in lines[2:])
