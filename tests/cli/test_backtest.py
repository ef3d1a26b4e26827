from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from tests.cli.support import run_command
from tests.cli.test_score import PNG, refused, table, values
from tests.kafka.support import unique
from tests.support.broker import KafkaBroker

SMALL = ("--set", "forest.trees=5", "--set", "forest.sample_size=16", "--set", "forest.shingle_size=2")
TIME = 1_767_225_600_000


def labelled_file(path: Path, name: str = "label") -> Path:
    lines = [
        f"{key},{TIME + 60_000 * n},{value},{int(value > 50)},{n % 3}\n"
        for n, value in enumerate(values(300, 250))
        for key in "ab"
    ]
    path.write_text(f"key,timestamp,value,{name},other\n" + "".join(lines))
    return path


def test_it_alerts_as_score_does(tmp_path: Path) -> None:
    source, result = labelled_file(tmp_path / "a.csv"), tmp_path / "a.json"
    done = run_command("backtest", source, "--features", "value", *SMALL, "--json", result)
    assert done.returncode == 0, done.stderr
    rows = table(run_command("score", source, "--features", "value", *SMALL).stdout)
    found = orjson.loads(result.read_bytes())
    assert found["settings"][0]["alerts"] == sum(row["is_anomaly"] == "true" for row in rows)
    first = found["by_key"]["a"]["settings"][0]["first_alerts"][0]
    row = next(row for row in rows if row["key"] == "a" and row["is_anomaly"] == "true")
    assert first["anomaly_score"] == float(row["anomaly_score"])
    assert first["anomaly_likelihood"] == float(row["anomaly_likelihood"])
    assert first["timestamp"] == int(row["timestamp"])


def test_two_settings_side_by_side_with_labels(tmp_path: Path) -> None:
    source, result = labelled_file(tmp_path / "a.csv", "truth"), tmp_path / "a.json"
    config, other = tmp_path / "a.toml", tmp_path / "b.toml"
    config.write_text(
        '[forest]\ntrees = 5\nsample_size = 16\nshingle_size = 2\n[events]\nfeatures = ["value"]\n'
        '[detector]\ndecision = "threshold"\n'
    )
    other.write_text(config.read_text().replace("threshold", "budget"))
    done = run_command(
        "backtest", source, "--labels", "truth", "--config", config, "--against", other, "--json", result,
        "--plot", tmp_path / "p.png",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = orjson.loads(result.read_bytes())
    assert found["labelled_anomalies"] == 2
    assert [side["alert_budget"] for side in found["settings"]] == [None, 2.0]
    assert found["settings"][0]["hits"] == 2
    text = done.stdout.decode()
    assert "hits, of 2 labelled anomalies" in text
    assert "B: shingle 2, 5 trees of 16 samples, decided by a budget of 2 per key and week" in text
    assert "said by A" in text
    assert b"features value, truth" in done.stderr
    for picture in ("p.png", "p-2.png", "p-b.png", "p-b-2.png"):
        assert (tmp_path / picture).read_bytes().startswith(PNG)


def test_settings_of_b_alone_are_those_of_a_but_for_some(tmp_path: Path) -> None:
    source, result = labelled_file(tmp_path / "a.csv"), tmp_path / "a.json"
    against = ("--against-set", "forest.shingle_size=4", "--against-set", 'events.features=["value","other"]')
    done = run_command("backtest", source, "--features", "value", *SMALL, *against, "--json", result)
    assert done.returncode == 0, done.stderr
    text = done.stdout.decode()
    assert "A: shingle 2, 5 trees of 16" in text
    assert "B: shingle 4, 5 trees of 16" in text
    assert orjson.loads(result.read_bytes())["incident_gap_events"] == 4


def test_several_inputs_are_one_stream_and_a_topic_is_one(broker: KafkaBroker, tmp_path: Path) -> None:
    topic = unique("backtest")
    broker.create_topic(topic)
    broker.produce(
        topic,
        ((b"a", b'{"value":%f}' % value, 0, TIME + 60_000 * n) for n, value in enumerate(values(300, 250))),
    )
    half = [tmp_path / "1.csv", tmp_path / "2.csv"]
    for part, path in enumerate(half):
        rows = list(enumerate(values(300, 250)))[150 * part : 150 * (part + 1)]
        path.write_text(
            "key,timestamp,value\n" + "".join(f"a,{TIME + 60_000 * n},{value}\n" for n, value in rows)
        )
    server = ("--set", f"kafka.bootstrap_servers={broker.bootstrap}")
    from_files = run_command("backtest", *half, *SMALL)
    from_topic = run_command("backtest", topic, *SMALL, *server)
    assert from_files.returncode == from_topic.returncode == 0, from_topic.stderr
    assert from_files.stdout == from_topic.stdout
    assert from_files.stdout.startswith(b"300 events of 1 key")


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (("none.csv",), ("none.csv: cannot be read",)),
        (("a.csv", "--labels", "truth"), ("a.csv: no column truth",)),
        (("a.csv", "--labels", "value", "--features", "value"), ("value is both a feature and the label",)),
        (("a.csv", "--labels", "key"), ("key is the key or the time",)),
        (("a.csv", "--labels", "other"), ("is 2, but labels are 0 or 1",)),
        (("a.csv", "--against-set", "events.key=other"), ("events.key is '' in A and 'other' in B",)),
        (("a.csv", "--against", "none.toml"), ("none.toml: cannot be read",)),
        (("a.csv", "--against-set", "x"), ("--against-set takes SECTION.NAME=VALUE",)),
        (("a.csv", "--json", "none/a.json"), ("none/a.json: cannot be written",)),
        (("bad.csv", "--features", "value"), ("no row can be read as an event (non_numeric_feature 2)",)),
        (("-", "-"), ("standard input (-) can be read only once",)),
    ],
)
def test_what_cannot_be_done_is_said_with_exit_code_2(
    tmp_path: Path, arguments: tuple[str, ...], parts: tuple[str, ...]
) -> None:
    labelled_file(tmp_path / "a.csv")
    (tmp_path / "bad.csv").write_text("key,value\na,x\nb,y\n")
    refused(run_command("backtest", *arguments, folder=tmp_path), *parts)


def test_rows_that_are_no_events_are_counted_in_the_json_too(tmp_path: Path) -> None:
    source, result = tmp_path / "a.csv", tmp_path / "a.json"
    source.write_text("timestamp,value\n" + "".join(f"{1000 * n},{n % 7}\n" for n in range(50)) + "x,y\n")
    done = run_command("backtest", source, "--json", result)
    assert done.returncode == 0, done.stderr
    assert orjson.loads(result.read_bytes())["rejected"] == {"invalid_timestamp": 1}
