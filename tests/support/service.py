"""The service as a process of its own, started and ended by the test, and its outputs held against an offline run."""

from __future__ import annotations

import csv
import io
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType

import orjson

from tests.support.broker import KafkaBroker
from tests.support.broker_client import Record

DECISION = "detector.decision"
SHARED_FIELDS = (
    "key",
    "timestamp",
    "anomaly_score",
    "threshold",
    "anomaly_grade",
    "is_anomaly",
    "confidence",
    "anomaly_likelihood",
    "reason",
)
OUTPUTS = ("scores", "alerts", "dead-letters")
COMMAND = (sys.executable, "-m", "stream_rcf")
START_OF_EVENTS = 1_767_225_600_000  # 2026-01-01T00:00:00Z, epoch ms
# The events lie in the past: by default the broker would delete them within minutes.
TOPIC_CONFIGURATION = {"max.message.bytes": str(2 * 1024 * 1024), "retention.ms": "-1"}
SPIKE = 40.0  # standard deviations; one event in 400


class Topics:
    """Topics and group of one test: named by a word, so that tests share a broker without meeting."""

    def __init__(self, broker: KafkaBroker, word: str, partitions: int = 4) -> None:
        self.broker = broker
        self.group = f"group-{word}"
        self.events = f"{word}-events"
        self.scores, self.alerts, self.dead_letters = (f"{word}-{name}" for name in OUTPUTS)
        self.partitions = partitions
        for name in (self.events, self.scores, self.alerts, self.dead_letters):
            broker.create_topic(name, partitions, TOPIC_CONFIGURATION)

    def environment(self, checkpoints: Path, **settings: object) -> dict[str, str]:
        """The service's environment; ``settings`` by name with ``__`` between levels, such as ``forest__trees=5``."""
        named = {
            "kafka__bootstrap_servers": self.broker.bootstrap,
            "kafka__group_id": self.group,
            "kafka__input_topic": self.events,
            "kafka__scores_topic": self.scores,
            "kafka__alerts_topic": self.alerts,
            "kafka__dead_letter_topic": self.dead_letters,
            "checkpoint__url": checkpoints.absolute().as_uri(),
            "checkpoint__interval_seconds": 1,
            "detector__decision": "threshold",  # so that the few events of a test are enough for alerts
            "http__port": 0,
            **settings,
        }
        return {f"STREAM_RCF_{name.upper()}": str(value) for name, value in named.items()}


class Service:
    """One ``stream-rcf run`` process; leaving the ``with`` block kills it if it still runs.

    It leads a session of its own, so that a test may signal all of it as a terminal does.
    ``stdin`` is a descriptor for it, such as a terminal's.
    """

    def __init__(
        self,
        environment: Mapping[str, str],
        log: Path,
        command: Sequence[str] = (*COMMAND, "run"),
        stdin: int = subprocess.DEVNULL,
    ) -> None:
        self.log = log
        with log.open("ab") as stream:
            self.process = subprocess.Popen(
                list(command),
                env={**os.environ, **environment},
                stdin=stdin,
                stdout=stream,
                stderr=stream,
                start_new_session=True,
            )

    def __enter__(self) -> Service:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.kill()

    def kill(self) -> None:
        """End it as a power cut would."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(30)

    def stop(self, seconds: float = 60.0) -> int:
        """Ask it to end; its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(seconds)

    def messages(self) -> list[dict[str, object]]:
        """What it has logged so far."""
        lines = self.log.read_bytes().splitlines()
        return [orjson.loads(line) for line in lines if line.startswith(b"{") and line.endswith(b"}")]

    def said(self, message: str, **facts: object) -> list[dict[str, object]]:
        """What it has logged with ``message`` in it and these facts beside it."""
        return [
            entry
            for entry in self.messages()
            if message in str(entry.get("message"))
            and all(entry.get(name) == value for name, value in facts.items())
        ]

    def wait_for(self, message: str, seconds: float = 60.0, times: int = 1, **facts: object) -> None:
        """Wait until it has logged ``message`` so often, and fail when it ends or says nothing of the kind."""
        deadline = time.monotonic() + seconds
        while len(self.said(message, **facts)) < times:
            assert self.process.poll() is None, f"the service ended:\n{self.log.read_text()[-3000:]}"
            assert time.monotonic() < deadline, f"no {message!r} in the log:\n{self.log.read_text()[-3000:]}"
            time.sleep(0.05)


def make_events(count: int, keys: int, partitions: int, seed: int) -> list[tuple[bytes, bytes, int, int]]:
    """Seeded events as (key, value, partition, timestamp): each key at its own level, now and then a spike."""
    generator = random.Random(seed)
    events = []
    for i in range(count):
        number = generator.randrange(keys)
        value = generator.gauss(10.0 * number, 1.0) + SPIKE * (generator.random() < 1 / 400)
        timestamp = START_OF_EVENTS + 1000 * i
        document = {"key": f"host-{number}", "timestamp": timestamp, "value": value}
        events.append((f"host-{number}".encode(), orjson.dumps(document), number % partitions, timestamp))
    return events


def wait_for_outputs(topics: Topics, count: int, services: Sequence[Service], seconds: float = 180.0) -> None:
    """Wait until ``scores`` and ``dead-letters`` hold ``count`` records together; fail when every service has ended."""
    deadline = time.monotonic() + seconds
    while True:
        done = sum(
            sum(topics.broker.count_by_partition(topic).values())
            for topic in (topics.scores, topics.dead_letters)
        )
        if done >= count:
            return
        if all(service.process.poll() is not None for service in services):
            raise AssertionError(f"the service ended:\n{services[-1].log.read_text()[-3000:]}")
        if time.monotonic() > deadline:
            raise AssertionError(
                f"{done} of {count} outputs after {seconds} s:\n{services[-1].log.read_text()[-3000:]}"
            )
        time.sleep(0.3)


def offline_rows(values: Sequence[bytes], folder: Path, *settings: str) -> list[dict[str, str]]:
    """What ``stream-rcf score`` prints for the same JSON events in the same order, row by row."""
    source, target = folder / "events.jsonl", folder / "offline.csv"
    source.write_bytes(b"".join(value + b"\n" for value in values))
    # As the topics of tests have it, unless told otherwise.
    decision = () if any(DECISION in setting for setting in settings) else (f"{DECISION}=threshold",)
    arguments = [part for setting in (*decision, *settings) for part in ("--set", setting)]
    done = subprocess.run(
        [*COMMAND, "score", str(source), "--features", "value", "--out", str(target), *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return list(csv.DictReader(io.StringIO(target.read_text(encoding="utf-8"))))


def in_source_order(records: Sequence[Record]) -> list[bytes]:
    """The records' values in the order of their source, each source once."""
    by_source: dict[tuple[str, int, int], bytes] = {}
    for record in records:
        assert record.value is not None
        source = orjson.loads(record.value)["source"]
        position = (source["topic"], source["partition"], source["offset"])
        assert position not in by_source, f"{position} was published twice"
        by_source[position] = record.value
    return [by_source[position] for position in sorted(by_source)]


def assert_same_as_offline(
    topics: Topics, values: Sequence[bytes], rows: Sequence[Mapping[str, str]]
) -> None:
    """Every event has one score, whose shared fields are the offline run's, byte for byte, in order within its key.

    ``values`` are the events in the order in which they were produced, ``rows`` the offline rows for them.
    """
    scores = in_source_order(topics.broker.read_all(topics.scores))
    alerts = in_source_order(topics.broker.read_all(topics.alerts))
    assert len(scores) == len(values) == len(rows)
    expected = {(row["key"], row["timestamp"]): row for row in rows}
    assert len(expected) == len(rows), "the events of this test must have distinct (key, timestamp)"
    last_timestamp: dict[str, int] = {}
    for score in scores:
        record = orjson.loads(score)
        row = expected[record["key"], str(record["timestamp"])]
        for field in SHARED_FIELDS:
            assert json_field(field, row[field]) in score, f"{field} of {record} is not {row[field]!r}"
        assert last_timestamp.get(record["key"], 0) < record["timestamp"], "out of order within its key"
        last_timestamp[record["key"]] = record["timestamp"]
    assert len(alerts) == sum(row["is_anomaly"] == "true" for row in rows)


def json_field(field: str, cell: str) -> bytes:
    """The bytes with which a CSV cell stands in a JSON record."""
    if field == "key":
        return b'"key":' + orjson.dumps(cell)
    if field == "reason":
        return b'"reason":' + (orjson.dumps(cell) if cell else b"null")
    return f'"{field}":{cell}'.encode()
