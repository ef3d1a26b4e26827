from __future__ import annotations

import csv
import subprocess
from pathlib import Path

import pytest

from tests.cli.support import COMMAND, run_command

SMALL = ("--set", "forest.trees=5", "--set", "forest.sample_size=16", "--set", "forest.shingle_size=2")
PNG, SVG = b"\x89PNG\r\n", b"<?xml"


def values(count: int = 60, spike: int = 50) -> list[float]:
    return [100.0 if n == spike else float(n % 5) for n in range(count)]


def series_file(path: Path, keys: tuple[str, ...] = ("a",), numbers: list[float] | None = None) -> Path:
    lines = [
        f"{key},2026-01-01T00:{n:02d}:00Z,{number}\n"
        for n, number in enumerate(numbers or values())
        for key in keys
    ]
    path.write_text("key,timestamp,value\n" + "".join(lines), encoding="utf-8")
    return path


def table(data: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(data.decode().splitlines()))


def refused(done: subprocess.CompletedProcess[bytes], *parts: str) -> None:
    assert done.returncode == 2
    message = done.stderr.decode()
    assert "Traceback" not in message
    for part in parts:
        assert part in message


def test_scores_go_to_standard_output_and_words_to_standard_error(tmp_path: Path) -> None:
    done = run_command("score", series_file(tmp_path / "a.csv"), *SMALL)
    assert done.returncode == 0
    rows = table(done.stdout)
    assert [row["timestamp"] for row in rows] == [str(1_767_225_600_000 + n * 60_000) for n in range(60)]
    assert {row["key"] for row in rows} == {"a"}
    anomalies = [n for n, row in enumerate(rows) if row["is_anomaly"] == "true"]
    assert anomalies[:1] == [50]
    choice, count = done.stderr.decode().splitlines()
    assert choice.endswith("a.csv: key key, timestamp timestamp, features value")
    assert f"60 rows, 1 key, {len(anomalies)} anomal" in count


def test_standard_input_is_csv_or_json_lines() -> None:
    lines = b"".join(b'{"value":%d}\n' % n for n in range(30))
    rows = b"value\n" + b"".join(b"%d\n" % n for n in range(30))
    from_json, from_csv = (run_command("score", "-", *SMALL, stdin=data) for data in (lines, rows))
    assert from_json.returncode == from_csv.returncode == 0
    assert from_json.stdout == from_csv.stdout
    assert len(table(from_csv.stdout)) == 30
    assert {(row["key"], row["timestamp"]) for row in table(from_csv.stdout)} == {("stdin", "")}


def test_columns_are_chosen_by_option_then_by_setting(tmp_path: Path) -> None:
    source = tmp_path / "a.csv"
    source.write_text("host,at,x,y,label\n" + "".join(f"h{n % 2},{n},{n},{n},1\n" for n in range(40)))
    config = tmp_path / "a.toml"
    config.write_text('[events]\nkey = "host"\nfeatures = ["y"]\n[forest]\ntrees = 5\n')
    for arguments, said in (
        ((), "one series, no timestamp, features at, x, y"),
        (("--key", "host", "--timestamp", "at"), "key host, timestamp at, features x, y"),
        (("--features", "y, x"), "one series, no timestamp, features y, x"),
        (("--config", config), "key host, no timestamp, features y"),
        (("--config", config, "--features", "x"), "key host, no timestamp, features x"),
    ):
        done = run_command("score", source, *arguments)
        assert done.returncode == 0
        assert f": {said}\n" in done.stderr.decode()


def test_bad_rows_are_counted_and_are_no_failure(tmp_path: Path) -> None:
    source = tmp_path / "a.csv"
    source.write_text("key,value\na,1\na,x\n,2\na\n")
    done = run_command("score", source, *SMALL)
    assert done.returncode == 0
    reasons = [row["reason"].split(":")[0] for row in table(done.stdout)]
    assert reasons == ["shingle_filling", "non_numeric_feature", "empty_key", "malformed_row"]
    assert b"3 not scored (empty_key 1, malformed_row 1, non_numeric_feature 1)" in done.stderr


def test_each_input_of_a_folder_is_its_own_start(tmp_path: Path) -> None:
    sources = [series_file(tmp_path / f"{name}.csv") for name in "ab"]
    done = run_command(
        "score", *sources, "--out-dir", tmp_path / "out", "--plot", tmp_path / "pictures", *SMALL
    )
    assert done.returncode == 0, done.stderr
    one, other = ((tmp_path / "out" / f"{name}.csv").read_bytes() for name in "ab")
    assert one == other == run_command("score", sources[0], *SMALL).stdout
    assert {path.name for path in (tmp_path / "pictures").iterdir()} == {"a.png", "b.png"}


def test_pictures_are_drawn_of_the_most_anomalous_keys(tmp_path: Path) -> None:
    source = series_file(tmp_path / "a.csv", tuple(f"k{n}" for n in range(8)))
    done = run_command("score", source, "--out", tmp_path / "out.csv", "--plot", tmp_path / "a.svg", *SMALL)
    assert (done.returncode, done.stdout) == (0, b"")
    names = ["a.svg", *(f"a-{rank}.svg" for rank in range(2, 7))]
    assert sorted(path.name for path in tmp_path.glob("*.svg")) == sorted(names)
    assert (tmp_path / "a.svg").read_bytes().startswith(SVG)
    assert b"of 8 keys by highest grade" in (tmp_path / "a.svg").read_bytes()


def test_a_reader_that_leaves_is_no_failure(tmp_path: Path) -> None:
    source = series_file(tmp_path / "a.csv", numbers=[float(n % 7) for n in range(50)] * 400)
    with subprocess.Popen(
        [COMMAND, "score", str(source), *SMALL], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        errors = process.stderr.read().decode()
        assert process.wait() == 0
    assert "Traceback" not in errors
    assert "BrokenPipe" not in errors


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (("none.csv",), ("none.csv: cannot be read: No such file or directory",)),
        (("-", "-"), ("standard input (-) can be read only once",)),
        (("a.csv", "--features", "x"), ("a.csv: no column x; it has key, timestamp, value",)),
        (("a.csv", "--features", "value,"), ("--features takes different column names",)),
        (("a.csv", "--features", "value,value"), ("--features takes different column names",)),
        (("a.csv", "--set", "forest.trees=x"), ("forest.trees is 'x' (--set), but must be a whole number",)),
        (("a.csv", "--out", "a.csv"), ("a.csv: is an input",)),
        (("a.csv", "--out", "b.csv", "--out-dir", "c"), ("not allowed with",)),
        (("-", "--out-dir", "c"), ("standard input has no name",)),
        (("a.csv", "sub/a.csv", "--out-dir", "c"), ("a.csv and sub/a.csv would both be written to c/a.csv",)),
        (("a.csv", "b.csv", "--out-dir", "c", "--plot", "p.png"), ("there are 2 inputs; name a folder",)),
        (("a.csv", "--plot", "p.gif"), ("p.gif: a picture is named .pdf, .png, .svg",)),
        (("a.csv", "--plot", "none/p.png"), ("there is no folder none",)),
    ],
)
def test_what_cannot_be_done_is_said_with_exit_code_2(
    tmp_path: Path, arguments: tuple[str, ...], parts: tuple[str, ...]
) -> None:
    series_file(tmp_path / "a.csv")
    refused(run_command("score", *arguments, folder=tmp_path), *parts)
    assert series_file(tmp_path / "b.csv").read_bytes() == (tmp_path / "a.csv").read_bytes()
