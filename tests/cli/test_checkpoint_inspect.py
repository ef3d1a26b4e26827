from __future__ import annotations

import argparse

import orjson
import pytest

from stream_rcf.cli import checkpoint_inspect
from stream_rcf.errors import UnreachableError, UsageError
from stream_rcf.state.checkpoint_store import CheckpointStore
from stream_rcf.state.folder_objects import FolderObjects
from stream_rcf.state.manifest import PartitionId, manifest_name
from stream_rcf.state.names import folder_of
from tests.state.support import change_object, write_checkpoint

FINGERPRINT = "0123456789abcdef"
PARTITION = PartitionId("stream-rcf", "events", 3)
OTHER = PartitionId("stream-rcf", "metrics", 0)


def inspect(*arguments: str) -> int:
    parser = argparse.ArgumentParser()
    checkpoint_inspect.add_arguments(parser)
    return checkpoint_inspect.run(parser.parse_args(arguments))


@pytest.fixture
def store(tmp_path, monkeypatch):
    """Two partitions, two checkpoints in the first, the newest 125 s old."""
    monkeypatch.setattr(checkpoint_inspect.time, "time", lambda: 1_767_225_725.0)
    store = CheckpointStore(FolderObjects(tmp_path / "checkpoints"), clock=lambda: 1_767_225_600.0)
    for offset in (40, 90):
        states = dict.fromkeys(("host-1", "host-2"), b"x" * offset)
        write_checkpoint(store, states, offset=offset, partition=PARTITION)
    write_checkpoint(store, {}, partition=OTHER)
    return store


def test_the_table_names_every_checkpoint(store, capsys):
    assert inspect(f"file:{store.objects.root}") == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split() for line in lines[:4]] == [
        list(checkpoint_inspect._HEADINGS),
        f"stream-rcf events 3 2 90 2 331 {FINGERPRINT} 2026-01-01T00:00:00Z 2 min verified".split(),
        f"stream-rcf events 3 1 40 2 231 {FINGERPRINT} 2026-01-01T00:00:00Z 2 min verified".split(),
        f"stream-rcf metrics 0 1 0 0 0 {FINGERPRINT} 2026-01-01T00:00:00Z 2 min verified".split(),
    ]
    assert lines[4:] == ["partitions: 2, checkpoints: 3, problems: 0"]


def test_json_has_the_same_facts(store, capsys):
    assert inspect(f"file:{store.objects.root}", "--json") == 0
    document = orjson.loads(capsys.readouterr().out)
    assert document["corrupt"] is False
    first, second = document["partitions"]
    assert (first["group"], first["topic"], first["partition"], first["problems"]) == (
        "stream-rcf",
        "events",
        3,
        [],
    )
    assert first["checkpoints"][0] == {
        "number": 2,
        "previous": None,
        "offset": 90,
        "keys": 2,
        "frames": 2,
        "segments": 1,
        "bytes": 331,
        "fingerprint": FINGERPRINT,
        "backfill": None,
        "feedback": None,
        "alert_digest": None,
        "created_at": 1_767_225_600_000,
        "age_seconds": 125.0,
        "verified": True,
    }
    assert [entry["number"] for entry in second["checkpoints"]] == [1]


def test_damage_is_named_and_exits_1(store, capsys):
    segment = store.manifests(PARTITION).manifests[0].segments[0].name
    folder = folder_of(PARTITION)
    change_object(store, f"{folder}/{segment}", lambda data: data.replace(b"x" * 90, b"x" * 89 + b"y", 1))
    change_object(store, f"{folder}/{manifest_name(1)}", lambda data: b"{")
    assert inspect(f"file:{store.objects.root}") == 1
    output = capsys.readouterr().out
    assert "CORRUPT" in output
    assert f"corrupt: {store.where(PARTITION, segment)} is corrupt: its SHA-256 differs" in output
    assert f"corrupt: {store.where(PARTITION, manifest_name(1))} is corrupt: it is not JSON" in output
    assert "partitions: 2, checkpoints: 2, problems: 2" in output
    assert inspect(f"file:{store.objects.root}", "--json") == 1
    document = orjson.loads(capsys.readouterr().out)
    assert document["corrupt"] is True
    assert document["partitions"][0]["checkpoints"][0]["verified"] is False
    assert len(document["partitions"][0]["problems"]) == 2


def test_a_checkpoint_that_a_running_service_removes_meanwhile_is_no_damage(store, capsys, monkeypatch):
    verify = CheckpointStore.verify

    def verify_late(self, manifest):
        if manifest.number == 1 and manifest.partition == PARTITION:
            for offset in (95, 99):  # after two newer ones the first is gone
                write_checkpoint(store, {}, offset=offset, partition=PARTITION)
        verify(self, manifest)

    monkeypatch.setattr(CheckpointStore, "verify", verify_late)
    assert inspect(f"file:{store.objects.root}") == 0
    assert "partitions: 2, checkpoints: 2, problems: 0" in capsys.readouterr().out


@pytest.mark.parametrize("folder", ["", "/absent"])
def test_an_empty_or_absent_folder_holds_nothing(tmp_path, capsys, folder):
    assert inspect(f"file:{tmp_path}{folder}") == 0
    assert capsys.readouterr().out == f"file:{tmp_path}{folder} holds no checkpoints\n"


def test_a_bad_url_or_an_unreadable_folder_is_refused(tmp_path):
    with pytest.raises(UsageError, match="begins with none of file:"):
        inspect(str(tmp_path))
    (tmp_path / "file").write_text("")
    with pytest.raises(UnreachableError, match="Not a directory"):
        inspect(f"file:{tmp_path}/file")


def test_a_name_with_control_characters_cannot_disturb_the_terminal(tmp_path, capsys):
    store = CheckpointStore(FolderObjects(tmp_path))
    write_checkpoint(store, {}, partition=PartitionId("red\x1b[31m", "events", 0))
    assert inspect(f"file:{tmp_path}") == 0
    assert "\x1b" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0 s"), (119, "119 s"), (120, "2 min"), (7200, "2 h"), (5e5, "6 d")]
)
def test_ages_are_readable(seconds, text):
    assert checkpoint_inspect._duration(seconds) == text
