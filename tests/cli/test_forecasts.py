"""Forecasts through the commands: score writes them, and what judges settings does not wait for them."""

from __future__ import annotations

import math
from pathlib import Path

import orjson

from tests.cli.support import run_command
from tests.cli.test_score import refused, table

SMALL = ("--set", "forest.trees=5", "--set", "forest.sample_size=16", "--set", "forest.shingle_size=3")
FORECAST = ("--set", "forecast.horizon=4", "--set", "detector.decision=threshold")
TIME = 1_767_225_600_000


def series(path: Path, minutes: int = 150) -> Path:
    """Two keys, one event a minute each; each tenth row is broken."""
    lines = []
    for n in range(minutes):
        for key in "ab":
            value = "broken" if n % 10 == 9 else f"{50 + 20 * math.sin(n / 4) + n * 7919 % 13}"
            lines.append(f"{key},{TIME + 60_000 * n},{value},{n % 5}\n")
    path.write_text("key,timestamp,ms,other\n" + "".join(lines))
    return path


def test_score_tells_the_next_value_by_feature_and_all_steps(tmp_path: Path) -> None:
    done = run_command("score", series(tmp_path / "a.csv"), *SMALL, *FORECAST)
    assert done.returncode == 0, done.stderr
    rows = table(done.stdout)
    told = [row for row in rows if row["forecast"]]
    assert 150 < len(told) < 270
    for row in rows:
        assert bool(row["forecast"]) == bool(row["forecast(ms)"])
        assert not (row["forecast"] and row["anomaly_score"] == "")
    for row in told:
        steps = orjson.loads(row["forecast"])
        assert list(steps) == ["ms", "other"]
        for name, parts in steps.items():
            assert [len(values) for values in parts.values()] == [4, 4, 4]
            first = [str(values[0]) for values in parts.values()]
            columns = (f"forecast({name})", f"forecast_lower({name})", f"forecast_upper({name})")
            assert [row[column] for column in columns] == first
    shares = orjson.loads(told[-1]["forecast_coverage"])
    assert list(shares) == ["ms", "other"]
    assert all(0.5 < share <= 1.0 for share in shares.values())


def test_other_columns_are_the_same_without(tmp_path: Path) -> None:
    source = series(tmp_path / "a.csv")
    plain = table(run_command("score", source, *SMALL, "--set", "detector.decision=threshold").stdout)
    ours = table(run_command("score", source, *SMALL, *FORECAST).stdout)
    assert [{name: row[name] for name in plain[0]} for row in ours] == plain
    assert not any("forecast" in name for name in plain[0])


def test_windows_are_forecast_as_their_aggregates_would_be(tmp_path: Path) -> None:
    source, windows = series(tmp_path / "a.csv", 600), tmp_path / "windows.csv"
    arguments = ("--set", "events.window_seconds=300", "--features", "mean(ms)", *SMALL, *FORECAST)
    rows = table(run_command("score", source, *arguments).stdout)
    rows = [row for row in rows if row["anomaly_score"]]
    assert sum(bool(row["forecast"]) for row in rows) > 100
    found = [row for row in rows if row["key"] == "a"]
    # The mean of each five minutes, as a file of its own.
    means: dict[int, list[float]] = {}
    for row in table(source.read_bytes()):
        if row["key"] == "a" and row["ms"] != "broken":
            start = int(row["timestamp"]) // 300_000 * 300_000
            means.setdefault(start, []).append(float(row["ms"]))
    lines = [f"a,{start},{sum(values) / len(values)!r}\n" for start, values in means.items()]
    windows.write_text("key,timestamp,mean\n" + "".join(lines))
    expected = table(run_command("score", windows, *SMALL, *FORECAST).stdout)
    for row, other in zip(found, expected, strict=False):
        assert row["timestamp"] == other["timestamp"]
        assert row["forecast"].replace("mean(ms)", "mean") == other["forecast"]


def test_a_saved_state_is_only_for_the_same_forecasts(tmp_path: Path) -> None:
    source, url = series(tmp_path / "a.csv"), (tmp_path / "state").as_uri()
    done = run_command("score", source, *SMALL, *FORECAST, "--save-state", url, "--out", tmp_path / "out.csv")
    assert done.returncode == 0, done.stderr


def test_what_has_no_room_in_a_record_is_refused(tmp_path: Path) -> None:
    source = series(tmp_path / "a.csv")
    refused(
        run_command("score", source, *SMALL, "--set", "forecast.horizon=501"),
        "horizon is 501, but must be at most 500 with 2 features",
    )


def test_backtest_and_suggest_judge_without_and_plan_counts_them(tmp_path: Path) -> None:
    source, result = series(tmp_path / "a.csv"), tmp_path / "a.json"
    # A thousand steps for each event would take minutes.
    far = (*SMALL, "--set", "forecast.horizon=1000", "--features", "ms", "--set", 'events.features=["ms"]')
    done = run_command("backtest", source, *far, "--json", result)
    assert done.returncode == 0, done.stderr
    config = tmp_path / "settings.toml"
    done = run_command("suggest", source, *far, "--out", config)
    assert done.returncode == 0, done.stderr
    assert "horizon = 1000" in config.read_text()
    plain = orjson.loads(run_command("plan", "--keys", "10", *SMALL, "--json").stdout)
    ours = orjson.loads(run_command("plan", "--keys", "10", *SMALL, *FORECAST, "--json").stdout)
    section = 4 * (2 * 100 + 9) * 8
    for name in ("memory_bytes_per_key", "young_bytes_per_key", "saved_bytes_per_key"):
        assert ours[name] > plain[name] + section
    assert 0 < ours["events_per_second"] < plain["events_per_second"] / 3
