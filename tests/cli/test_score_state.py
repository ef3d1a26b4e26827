"""``stream-rcf score --save-state``: what is kept, what is said, what is refused before anything is scored."""

from __future__ import annotations

import subprocess
from pathlib import Path

import orjson
import pytest

from stream_rcf.core.packing import unpack
from stream_rcf.core.parameters import DetectorParameters, ForestParameters
from stream_rcf.pipeline.events import Event
from stream_rcf.pipeline.score_batch import score_batch
from stream_rcf.state.backfill_store import FOLDER, open_backfills
from stream_rcf.state.key_table import KeyTable
from tests.cli.support import run_command
from tests.state.backfill_support import read_backfill
from tests.support.s3_server import S3Server

FOREST = ForestParameters(trees=5, sample_size=16, shingle_size=2)
PARAMETERS = DetectorParameters(("value",), FOREST)
SMALL = ("--set", "forest.trees=5", "--set", "forest.sample_size=16", "--set", "forest.shingle_size=2")
START = 1_767_225_600_000  # 2026-01-01T00:00:00Z, epoch ms
EVENTS = [Event(f"host-{n % 3}", START + 1000 * n, (float(n * 7919 % 101),)) for n in range(120)]


def history(path: Path, *, timed: bool = True, keyed: bool = True) -> Path:
    """A file of the events."""
    columns = [name for name, there in (("key", keyed), ("timestamp", timed)) if there]
    lines = [
        ",".join([str(getattr(event, name)) for name in columns] + [str(event.values[0])]) for event in EVENTS
    ]
    path.write_text(",".join([*columns, "value"]) + "\n" + "\n".join(lines) + "\n", encoding="utf-8")
    return path


def save(source: Path, url: str, *arguments: str, **options: object) -> subprocess.CompletedProcess[bytes]:
    return run_command("score", source, "--save-state", url, *SMALL, *arguments, **options)  # type: ignore[arg-type] # -- as run_command has them


def saved_states(url: str) -> dict[str, bytes]:
    """Every key's state, as the service would make a model of it and pack it again."""
    table = KeyTable(PARAMETERS)
    return {
        key: packed_again(table, key, state) for key, state in read_backfill(open_backfills(url, "x")).items()
    }


def packed_again(table: KeyTable, key: str, state: bytes) -> bytes:
    table.restore(key, unpack(table.model, state))
    return table.pack(key)


@pytest.fixture(scope="module")
def learned() -> dict[str, bytes]:
    """The states of all keys after the last event."""
    table = KeyTable(PARAMETERS)
    score_batch(PARAMETERS, EVENTS, [table] * len(EVENTS))
    return {key: table.pack(key) for key in table.resident_keys()}


def test_every_key_is_saved_as_it_is_after_the_last_row(tmp_path: Path, learned: dict[str, bytes]) -> None:
    source, url = history(tmp_path / "a.csv"), f"file:{tmp_path}/state"
    done = save(source, url)
    assert done.returncode == 0, done.stderr
    assert done.stdout == run_command("score", source, *SMALL).stdout
    assert saved_states(url) == learned
    said = done.stderr.decode().splitlines()[-1]
    assert said.startswith(f"saved state: 3 keys, 0.0 MB in {url}, fingerprint {PARAMETERS.fingerprint()}")
    assert "latest event 2026-01-01T00:01:59.000+00:00" in said
    assert "checkpoint.backfill_url" in said


def test_what_is_saved_is_inspected(tmp_path: Path) -> None:
    url = f"file:{tmp_path}/state"
    assert save(history(tmp_path / "a.csv"), url).returncode == 0
    done = run_command("checkpoint", "inspect", url)
    assert done.returncode == 0
    (line,) = done.stdout.decode().splitlines()
    assert line.startswith("saved state 1: keys 3, bytes ")
    assert f"fingerprint {PARAMETERS.fingerprint()}" in line
    assert line.endswith("checksums verified")
    document = orjson.loads(run_command("checkpoint", "inspect", url, "--json").stdout)
    assert (document["corrupt"], document["partitions"]) == (False, [])
    state = document["saved_state"]
    assert (state["keys"], state["latest_event"], state["verified"]) == (3, EVENTS[-1].timestamp, True)
    assert state["settings"]["forest.trees"] == "5"


@pytest.mark.parametrize("part", ["segment-", "backfill-"])
def test_damage_is_named_and_exits_1(tmp_path: Path, part: str) -> None:
    url = f"file:{tmp_path}/state"
    assert save(history(tmp_path / "a.csv"), url).returncode == 0
    (file,) = (path for path in (tmp_path / "state" / FOLDER).iterdir() if path.name.startswith(part))
    content = bytearray(file.read_bytes())
    content[100] ^= 1
    file.write_bytes(content)
    done = run_command("checkpoint", "inspect", url)
    assert done.returncode == 1
    assert f"corrupt: {file} " in done.stdout.decode()
    document = orjson.loads(run_command("checkpoint", "inspect", url, "--json").stdout)
    assert document["corrupt"] is True
    assert document["saved_state"]["verified"] is False


def test_another_is_replaced_only_where_that_is_asked_for(tmp_path: Path, learned: dict[str, bytes]) -> None:
    url = f"file:{tmp_path}/state"
    assert save(history(tmp_path / "a.csv"), url, "--set", "forest.seed=9").returncode == 0
    out = tmp_path / "out.csv"
    done = save(tmp_path / "a.csv", url, "--out", str(out))
    assert done.returncode == 2
    assert b"holds a saved state already" in done.stderr
    assert b"--replace-state" in done.stderr
    assert not out.exists(), "nothing was scored in vain"
    assert save(tmp_path / "a.csv", url, "--replace-state").returncode == 0
    assert saved_states(url) == learned


def test_rows_without_times_are_saved_with_a_warning(tmp_path: Path) -> None:
    url = f"file:{tmp_path}/state"
    done = save(history(tmp_path / "web.csv", timed=False, keyed=False), url)
    assert done.returncode == 0, done.stderr
    said = done.stderr.decode()
    assert "The rows have no times" in said
    assert "kafka.start_from=latest" in said
    assert "the rows are one series, saved as key 'web'" in said
    assert list(saved_states(url)) == ["web"]


def test_nothing_is_saved_where_the_rows_cannot_all_be_read(tmp_path: Path) -> None:
    sources = history(tmp_path / "a.csv"), tmp_path / "b.csv"
    too_large = b"x" * 2_000_000  # beyond the reader's bound for a cell
    sources[1].write_bytes(b'key,timestamp,value\na,1,"' + too_large)
    url = f"file:{tmp_path}/state"
    done = run_command("score", *sources, "--save-state", url, *SMALL)
    assert done.returncode == 2, done.stderr
    assert open_backfills(url, "x").newest() is None


def test_a_bucket_takes_it_too(tmp_path: Path) -> None:
    with S3Server() as server:
        url, environment = server.url("past"), server.environment()
        done = save(history(tmp_path / "a.csv"), url, environment=environment)
        assert done.returncode == 0, done.stderr
        done = run_command("checkpoint", "inspect", url, environment=environment)
        assert done.returncode == 0, done.stderr
        assert b"saved state 1: keys 3" in done.stdout
        again = save(tmp_path / "a.csv", url, environment=environment)
        assert again.returncode == 2
        assert b"already" in again.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "part"),
    [
        (("--save-state", "state"), 2, "--save-state 'state' begins with none of file:"),
        (("--save-state", "s3://u:secret@bucket"), 2, "--save-state (s3:) has something before an @"),
        (("--save-state", "file:a.csv/x"), 3, "Not a directory"),
        (("--replace-state",), 2, "--replace-state replaces what --save-state names"),
        (("--save-state", "file:s", "--out-dir", "o"), 2, "--out-dir scores each input as its own"),
        (
            ("--save-state", "file:s", "--set", "keys.retire_after_seconds=5", "--timestamp", ""),
            2,
            "--save-state needs the rows' times",
        ),
    ],
)
def test_what_cannot_be_done_is_said(
    tmp_path: Path, arguments: tuple[str, ...], code: int, part: str
) -> None:
    history(tmp_path / "a.csv", timed="--timestamp" not in arguments)
    done = run_command("score", "a.csv", *arguments, *SMALL, folder=tmp_path)
    assert (done.returncode, part in done.stderr.decode()) == (code, True), done.stderr
    assert b"secret" not in done.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"a.csv"}


def test_check_config_knows_where_keys_begin_from(tmp_path: Path) -> None:
    done = run_command("check-config", "--set", "checkpoint.backfill_url=s3://bucket/past")
    assert done.returncode == 0
    assert b'backfill_url = "s3://bucket/past"  # --set' in done.stdout
    for wrong, part in (("past", "begins with none of"), ("file://host/x", "names a host")):
        done = run_command("check-config", "--set", f"checkpoint.backfill_url={wrong}", folder=tmp_path)
        assert done.returncode == 2
        assert f"checkpoint.backfill_url '{wrong}' {part}" in done.stderr.decode()
