from __future__ import annotations

import tomllib
from pathlib import Path

import numpy as np
import orjson
import pytest

from stream_rcf.pipeline.timestamps import epoch_milliseconds
from stream_rcf.settings.model import load_settings
from tests.cli.support import run_command
from tests.cli.test_score import PNG, refused, series_file, table
from tests.faults.test_schema_service import encoder
from tests.files.support import nab_file
from tests.kafka.support import unique
from tests.support.apicurio.registry import ApicurioRegistry
from tests.support.broker import KafkaBroker
from tests.support.service import COMMAND, Service, Topics, wait_for_outputs

HOUR_MS = 3_600_000
START = 1_767_225_600_000
NOWHERE = ("--set", "kafka.bootstrap_servers=127.0.0.1:1")


def hourly(count: int = 800, seed: int = 0) -> list[tuple[int, float]]:
    """Return times and values with a period of a day."""
    noise = np.random.default_rng(seed).normal(size=count)
    return [
        (START + HOUR_MS * n, round(50 + 20 * float(np.sin(n * np.pi / 12)) + float(noise[n]), 3))
        for n in range(count)
    ]


def hourly_file(path: Path) -> Path:
    path.write_text("timestamp,value\n" + "".join(f"{time},{value}\n" for time, value in hourly()))
    return path


def test_taxis_are_judged_by_the_time_of_the_week_and_each_of_their_five_days_is_found(
    tmp_path: Path,
) -> None:
    """The whole way with public data: suggested settings are accepted, draw the picture, and find what is labelled."""
    out, picture = tmp_path / "taxi.toml", tmp_path / "taxi.png"
    done = run_command("suggest", nab_file("realKnownCause/nyc_taxi.csv"), "--out", out, "--plot", picture)
    assert (done.returncode, done.stdout) == (0, b""), done.stderr
    settings = load_settings(out)
    assert settings.detector.transforms == {"value": "subtract_time_of_week"}
    assert (settings.detector.decision, settings.detector.alert_budget) == ("budget", 2.0)
    said = done.stderr.decode()
    assert "it goes with the time of the week, which leaves 27% of its usual distance" in said
    assert "these settings would have raised " in said
    assert picture.read_bytes().startswith(PNG)
    scored = run_command("score", nab_file("realKnownCause/nyc_taxi.csv"), "--config", out)
    alerts = [row["timestamp"] for row in table(scored.stdout) if row["is_anomaly"] == "true"]
    labels = orjson.loads(nab_file("../labels/combined_windows.json").read_bytes())[
        "realKnownCause/nyc_taxi.csv"
    ]
    windows = [[epoch_milliseconds(moment) for moment in window] for window in labels]
    inside = [sum(first <= int(alert) <= last for alert in alerts) for first, last in windows]
    assert min(inside) >= 1, "a marathon, three holidays and a blizzard"
    assert len(alerts) - sum(inside) <= 3


def test_the_file_is_accepted_as_it_is_by_score_and_says_the_same(tmp_path: Path) -> None:
    source, out = hourly_file(tmp_path / "a.csv"), tmp_path / "a.toml"
    done = run_command("suggest", source, "--out", out, "--set", "forest.trees=20")
    assert done.returncode == 0, done.stderr
    assert tomllib.loads(out.read_text())["forest"]["trees"] == 20, "what was given is taken over"
    assert run_command("check-config", "--config", out).returncode == 0
    scored = run_command("score", source, "--config", out)
    assert scored.returncode == 0, scored.stderr
    alerts = sum(row["is_anomaly"] == "true" for row in table(scored.stdout))
    assert f"would have raised {alerts} alert" in done.stderr.decode(), "what was promised is what comes"


def test_settings_go_to_standard_output_each_with_its_reason(tmp_path: Path) -> None:
    done = run_command("suggest", "-", stdin=hourly_file(tmp_path / "a.csv").read_bytes())
    assert done.returncode == 0, done.stderr
    document = tomllib.loads(done.stdout.decode())
    assert document["events"] == {"key": "", "timestamp": "timestamp", "features": ["value"]}
    lines = done.stdout.decode().splitlines()
    for place, line in enumerate(lines):
        if " = " in line and not line.startswith("#"):
            assert lines[place - 1].startswith("# "), f"{line} says why"
    assert b"detector.transforms" not in done.stdout, "a wave needs none"


def test_what_is_set_stays_and_a_settings_file_is_improved(tmp_path: Path) -> None:
    source, config = hourly_file(tmp_path / "a.csv"), tmp_path / "base.toml"
    config.write_text('[forest]\ntrees = 7\nshingle_size = 3\n[http]\nhost = "::1"\n')
    done = run_command("suggest", source, "--config", config, "--set", "forest.sample_size=100")
    document = tomllib.loads(done.stdout.decode())
    assert (document["forest"]["trees"], document["forest"]["sample_size"]) == (7, 100)
    assert document["http"] == {"host": "::1"}
    assert document["forest"]["shingle_size"] != 3


def test_columns_keys_and_bad_rows(tmp_path: Path) -> None:
    source = tmp_path / "a.csv"
    rows = [f"h{n % 2},{time},{value},{n},1.5\n" for n, (time, value) in enumerate(hourly(300))]
    source.write_text("host,at,load,row,version\n" + "".join(rows) + "h0,x,1,1,1\n")
    done = run_command("suggest", source, "--key", "host", "--timestamp", "at")
    assert done.returncode == 0, done.stderr
    events = tomllib.loads(done.stdout.decode())["events"]
    assert events == {"key": "host", "timestamp": "at", "features": ["load"]}
    said = done.stderr.decode()
    assert "row only rises" in said or "row counts" in said
    assert "version is constant" in said
    assert "1 row cannot be read (invalid_timestamp 1" in said


def topic_with(broker: KafkaBroker, key: bytes | None) -> str:
    topic = unique("suggest")
    broker.create_topic(topic, 2)
    broker.produce(
        topic,
        (
            (key, orjson.dumps({"load": {"one": value}, "pid": 7}), partition, time)
            for partition in range(2)
            for time, value in hourly(400, partition)
        ),
    )
    return topic


def test_a_topic_is_read_like_a_file(broker: KafkaBroker, tmp_path: Path) -> None:
    topic, out = topic_with(broker, b"host-1"), tmp_path / "a.toml"
    server = ("--set", f"kafka.bootstrap_servers={broker.bootstrap}")
    done = run_command("suggest", topic, *server, "--out", out, "--plot", tmp_path / "pictures")
    assert done.returncode == 0, done.stderr
    settings = load_settings(out)
    assert (settings.kafka.input_topic, settings.kafka.bootstrap_servers) == (topic, broker.bootstrap)
    assert settings.events.features == ("load.one",)
    assert settings.events.key_paths == ()
    assert b"800 events of 1 key" in done.stderr
    assert [path.name for path in (tmp_path / "pictures").iterdir()] == [f"{topic}.png"]
    fewer = run_command("suggest", f"topic:{topic}", *server, "--events", "150")
    assert b"150 events of 1 key" in fewer.stderr


def test_events_with_a_schema_are_read_too(
    broker: KafkaBroker, registry: ApicurioRegistry, tmp_path: Path
) -> None:
    topic, out = unique("suggest-avro"), tmp_path / "a.toml"
    broker.create_topic(topic)
    encode = encoder(registry, "avro", topic)
    broker.produce(
        topic,
        (
            (b"host-1", encode({"key": "host-1", "timestamp": time, "value": value}), 0, time)
            for time, value in hourly(200)
        ),
    )
    given = (
        f"kafka.bootstrap_servers={broker.bootstrap}",
        "events.format=avro",
        f"schema_registry.url={registry.url}",
    )
    done = run_command("suggest", topic, *(word for one in given for word in ("--set", one)), "--out", out)
    assert done.returncode == 0, done.stderr
    settings = load_settings(out)
    assert (settings.events.features, settings.events.timestamp) == (("value",), "timestamp")
    assert (settings.events.format, settings.schema_registry.url) == ("avro", registry.url)


def test_the_service_runs_on_the_file_as_it_is(broker: KafkaBroker, tmp_path: Path) -> None:
    topics = Topics(broker, unique("suggested"), partitions=1)
    count = 300
    broker.produce(
        topics.events,
        ((b"a", orjson.dumps({"load": value, "at": time}), 0, time) for time, value in hourly(count)),
    )
    out = tmp_path / "a.toml"
    server = ("--set", f"kafka.bootstrap_servers={broker.bootstrap}")
    done = run_command("suggest", topics.events, *server, "--timestamp", "at", "--out", out)
    assert done.returncode == 0, done.stderr
    # What a sample cannot tell: where outputs go. The rest is the file alone.
    given = {
        "KAFKA__SCORES_TOPIC",
        "KAFKA__ALERTS_TOPIC",
        "KAFKA__DEAD_LETTER_TOPIC",
        "CHECKPOINT__URL",
        "HTTP__PORT",
    }
    environment = topics.environment(tmp_path / "checkpoints")
    environment = {
        name: value for name, value in environment.items() if name.removeprefix("STREAM_RCF_") in given
    }
    with Service(environment, tmp_path / "log", (*COMMAND, "run", "--config", str(out))) as service:
        wait_for_outputs(topics, count, [service])
        assert service.stop() == 0
    scores = [orjson.loads(record.value or b"") for record in broker.read_all(topics.scores)]
    assert [score["values"] for score in scores] == [{"load": value} for _, value in hourly(count)]
    assert broker.count_by_partition(topics.dead_letters).total() == 0


def test_a_topic_s_troubles_are_said(broker: KafkaBroker) -> None:
    server = ("--set", f"kafka.bootstrap_servers={broker.bootstrap}")
    refused(
        run_command("suggest", "no-such", *server),
        "no-such: there is no such file; taken for a topic: no-such:",
    )
    refused(run_command("suggest", "topic:no.csv", *server), "no.csv: there is no such topic")
    refused(run_command("suggest", topic_with(broker, None), *server), "most messages have no key")
    empty = unique("empty")
    broker.create_topic(empty)
    refused(run_command("suggest", empty, *server), f"topic {empty}: the topic is empty")


def test_no_broker_is_exit_code_3() -> None:
    done = run_command("suggest", "events", *NOWHERE)
    assert done.returncode == 3
    assert b"events: there is no such file; taken for a topic: no Kafka broker answers" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (("none.csv",), ("none.csv: cannot be read: No such file or directory",)),
        (("folder/none",), ("folder/none: cannot be read",)),
        (("a.csv",), ("a.csv: 60 events can be read, but a suggestion needs at least 100",)),
        (("text.csv",), ("text.csv: no numeric column to watch among name; name one by --features",)),
        (("a.csv", "--features", "x"), ("a.csv: no column x",)),
        (("a.csv", "--out", "a.csv"), ("a.csv: is the input",)),
        (("a.csv", "--out", "none/a.toml"), ("there is no folder none",)),
        (("topic:t", "--events", "0", *NOWHERE), ("--events is 0",)),
        (("a.csv", "--plot", "p.gif"), ("p.gif: a picture is named",)),
    ],
)
def test_what_cannot_be_done_is_said_with_exit_code_2(
    tmp_path: Path, arguments: tuple[str, ...], parts: tuple[str, ...]
) -> None:
    series_file(tmp_path / "a.csv")
    (tmp_path / "text.csv").write_text("name\nx\ny\n")
    refused(run_command("suggest", *arguments, folder=tmp_path), *parts)
