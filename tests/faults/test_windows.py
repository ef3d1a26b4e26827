"""Raw events in, the scores of their windows out: killed in between, on the real broker, the bytes of the files."""

from __future__ import annotations

import csv
import io
import os
import random
import signal
import subprocess
import time
from pathlib import Path

import orjson
import pytest

from tests.support.broker import KafkaBroker
from tests.support.feed import EventList, feed
from tests.support.service import COMMAND, SHARED_FIELDS, START_OF_EVENTS, Service, Topics, json_field

EVENTS, KEYS, PARTITIONS = 30_000, 60, 2
KILLS, FEED_SECONDS = 3, 40.0
# A key has a request every minute or so of event time; a window of five minutes holds five, and now and then none.
STEP_MS = 1000
WINDOWED = {
    "events__window_seconds": 300,
    "events__features": '["count", "sum(kilobytes)", "p99(timing.ms)"]',
    "events__allowed_lateness_seconds": 60,
    "events__id": "id",
    "forest__trees": 10,
    "forest__sample_size": 32,
    "forest__shingle_size": 2,
    "detector__decision": "threshold",
}


def requests() -> EventList:
    """Requests: somewhat out of order, some repeated, some late, some that are none; one key is slow for a while."""
    generator, events = random.Random(20261128), []
    for i in range(EVENTS):
        number = generator.randrange(KEYS)
        at = START_OF_EVENTS + STEP_MS * i - int(generator.expovariate(1 / 15_000))
        slow = 20.0 if number == 7 and 20_000 < i < 21_000 else 1.0
        document: dict[str, object] = {
            "key": f"route-{number}",
            "timestamp": at,
            "id": f"request-{i}",
            "kilobytes": generator.randrange(1, 100) / 10,
            "timing": {"ms": slow * generator.lognormvariate(3.0, 0.5)},
        }
        if generator.random() < 0.002:
            document["kilobytes"] = "many"
        record = (f"route-{number}".encode(), orjson.dumps(document), number % PARTITIONS, START_OF_EVENTS)
        events += [record, record] if generator.random() < 0.01 else [record]
    return events


def offline(events: EventList, folder: Path) -> list[dict[str, str]]:
    """What ``stream-rcf score`` makes of the same events, without the rows that are none."""
    source, target = folder / "requests.jsonl", folder / "windows.csv"
    source.write_bytes(b"".join(value + b"\n" for _, value, _, _ in events))
    settings = [f"--set={name.replace('__', '.')}={value}" for name, value in WINDOWED.items()]
    done = subprocess.run(
        [*COMMAND, "score", str(source), "--out", str(target), *settings],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for word in ("duplicate_event", "late_event", "non_numeric_feature"):
        assert word in done.stderr, "the events of this test must come otherwise than they should"
    rows = csv.DictReader(io.StringIO(target.read_text(encoding="utf-8")))
    return [row for row in rows if row["anomaly_score"]]


def wait_for_windows(topics: Topics, count: int, service: Service, seconds: float = 180.0) -> None:
    deadline = time.monotonic() + seconds
    while (done := sum(topics.broker.count_by_partition(topics.scores).values())) < count:
        assert service.process.poll() is None, f"the service ended:\n{service.log.read_text()[-3000:]}"
        assert time.monotonic() < deadline, f"{done} of {count} windows after {seconds} s"
        time.sleep(0.3)


@pytest.mark.parametrize("workers", [1, 2])
def test_windows_survive_kills_with_the_bytes_of_the_files(
    workers: int, broker: KafkaBroker, tmp_path: Path
) -> None:
    events = requests()
    rows = offline(events, tmp_path)
    topics = Topics(broker, f"windows-{workers}", PARTITIONS)
    environment = topics.environment(
        tmp_path / "checkpoints",
        **WINDOWED,
        workers=workers,
        kafka__batch_size=300,
        checkpoint__interval_seconds=2,
    )
    moments, replayed = random.Random(3), 0
    feeding = feed(topics, events, FEED_SECONDS)
    for attempt in range(KILLS):
        with Service(environment, tmp_path / f"log-{attempt}") as service:
            service.wait_for("partition loaded", seconds=120)
            time.sleep(moments.uniform(1.0, 4.0))
            os.killpg(service.process.pid, signal.SIGKILL)  # workers and all
            service.process.wait(30)
            replayed += sum(bool(entry["replay"]) for entry in service.said("partition loaded"))
    feeding.join()
    with Service(environment, tmp_path / "log-last") as service:
        service.wait_for("partition loaded", seconds=120)  # before it could not be stopped in order
        wait_for_windows(topics, len(rows), service)
        assert service.stop() == 0
    assert replayed > 0, "some kills must come between a checkpoint and the next"
    records = [record.value or b"" for record in topics.broker.read_all(topics.scores)]
    by_window = {(one["key"], str(one["timestamp"])): text for text in records if (one := orjson.loads(text))}
    assert len(by_window) == len(records) == len(rows), "each window once"
    for row in rows:
        for field in SHARED_FIELDS:
            assert json_field(field, row[field]) in by_window[row["key"], row["timestamp"]]
    alerts = [orjson.loads(record.value or b"") for record in topics.broker.read_all(topics.alerts)]
    assert len(alerts) == sum(row["is_anomaly"] == "true" for row in rows) > 0
    assert len({alert["alert_id"] for alert in alerts}) == len(alerts)
    assert any(
        alert["key"] == "route-7" and (alert["values"]["p99(timing.ms)"] or 0.0) > 200 for alert in alerts
    )
