"""Windows through the commands: score, backtest, suggest, plan and check-config."""

from __future__ import annotations

from pathlib import Path

import orjson

from tests.cli.support import run_command
from tests.cli.test_score import refused, table

SMALL = ("--set", "forest.trees=5", "--set", "forest.sample_size=16", "--set", "forest.shingle_size=2")
WINDOWED = ("--set", "events.window_seconds=60", "--features", "count,mean(ms)")
TIME = 1_767_225_600_000


def requests(path: Path) -> Path:
    """A request every few seconds on one of two routes; for two minutes there are many, and those are wrong."""
    lines, at = [], 0
    for n in range(6000):
        is_odd = 9_000_000 < at < 9_120_000
        at += 200 if is_odd else 2000 + 1000 * (n * 7919 % 7)
        lines.append(f"{'ab'[n % 2]},{TIME + at},{20 + n * 31 % 17},{int(is_odd)}\n")
    path.write_text("route,timestamp,ms,wrong\n" + "".join(lines))
    return path


def test_score_and_backtest_agree(tmp_path: Path) -> None:
    source, result = requests(tmp_path / "a.csv"), tmp_path / "a.json"
    arguments = ("--key", "route", *WINDOWED, *SMALL, "--set", "detector.decision=threshold")
    scored = run_command("score", source, *arguments)
    assert scored.returncode == 0, scored.stderr
    rows = table(scored.stdout)
    assert all((int(row["timestamp"]) - TIME) % 60_000 == 0 for row in rows)
    done = run_command("backtest", source, *arguments, "--labels", "wrong", "--json", result)
    assert done.returncode == 0, done.stderr
    found = orjson.loads(result.read_bytes())
    alerts = sum(row["is_anomaly"] == "true" for row in rows)
    assert found["settings"][0]["alerts"] == alerts > 0
    assert found["settings"][0]["hits"] >= 1
    assert found["labelled_anomalies"] == 2, "one on each route"


def test_backtest_compares_windows_only_with_the_same(tmp_path: Path) -> None:
    source = requests(tmp_path / "a.csv")
    arguments = ("backtest", source, "--key", "route", *WINDOWED, *SMALL)
    for other, words in (
        ("events.window_seconds=30", "events.window_seconds is 60.0 in A and 30.0 in B"),
        ("events.empty_windows=1", "events.empty_windows is 8 in A and 1 in B"),
    ):
        refused(run_command(*arguments, "--against-set", other), words)


def test_suggest_works_over_windows_and_its_settings_are_taken(tmp_path: Path) -> None:
    source, config = requests(tmp_path / "a.csv"), tmp_path / "s.toml"
    done = run_command("suggest", source, "--key", "route", *WINDOWED, "--out", config)
    assert done.returncode == 0, done.stderr
    text = config.read_text()
    assert 'features = ["count", "mean(ms)"]' in text
    assert "window_seconds = 60" in text
    again = run_command("score", source, "--config", config, "--out", tmp_path / "out.csv")
    assert again.returncode == 0, again.stderr
    assert b"features count, mean(ms)" in again.stderr


def test_plan_and_check_config_know_windows(tmp_path: Path) -> None:
    config = tmp_path / "w.toml"
    config.write_text('[events]\nwindow_seconds = 60\nfeatures = ["count", "p99(ms)"]\n')
    checked = run_command("check-config", "--config", config)
    assert checked.returncode == 0, checked.stderr
    assert b'features = ["count", "p99(ms)"]' in checked.stdout
    small = ("--keys", "10", *SMALL, "--json")
    plain = orjson.loads(run_command("plan", *small, "--features", "2").stdout)
    windowed = orjson.loads(run_command("plan", *small, "--config", config).stdout)
    assert windowed["young_bytes_per_key"] > plain["young_bytes_per_key"] + 4000, "the sketch"
    printed = run_command("plan", "--keys", "10", *SMALL, "--config", config).stdout
    assert b" windows/s with a processor of its own" in printed


def test_a_config_without_aggregates_is_refused(tmp_path: Path) -> None:
    done = run_command("check-config", environment={"STREAM_RCF_EVENTS__WINDOW_SECONDS": "60"})
    assert done.returncode == 2
    assert b"'value' is no aggregate: over windows a feature is count, sum(path)" in done.stderr
