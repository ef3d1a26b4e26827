"""The input topic gains partitions: refused with the way out, and with it every key goes on from what it knew."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import orjson

from stream_rcf.state.partitioners import murmur2
from tests.support.broker import KafkaBroker
from tests.support.service import COMMAND, Service, Topics, in_source_order, make_events, wait_for_outputs

HALF, KEYS, BEFORE, AFTER = 2000, 40, 2, 5
SMALL = {"forest__trees": 5, "forest__sample_size": 32, "forest__shingle_size": 2}


def produce(topics: Topics, events: list[tuple[bytes, bytes, int, int]], partitions: int) -> None:
    """Send each event where Java's producer would, with ``partitions`` in the topic."""
    topics.broker.produce(
        topics.events, [(key, value, murmur2(key, partitions), time) for key, value, _, time in events]
    )


def run(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_keys_that_move_take_their_models_along(broker: KafkaBroker, tmp_path: Path) -> None:
    topics = Topics(broker, "growth", partitions=BEFORE)
    environment = topics.environment(tmp_path / "checkpoints", **SMALL)
    events = make_events(2 * HALF, KEYS, BEFORE, seed=8)
    produce(topics, events[:HALF], BEFORE)
    with Service(environment, tmp_path / "log-before") as service:
        wait_for_outputs(topics, HALF, [service])
        busy = run(environment, "checkpoint", "repartition")
        assert busy.returncode == 1, busy
        assert "stop every copy" in busy.stderr
        assert service.stop() == 0
    same = run(environment, "checkpoint", "repartition")
    assert same.returncode == 1, same
    assert "nothing is to be done" in same.stderr

    broker.add_partitions(topics.events, AFTER)
    produce(topics, events[HALF:], AFTER)
    with Service(environment, tmp_path / "log-refused") as service:
        assert service.process.wait(60) == 1
        assert "stream-rcf checkpoint repartition" in service.log.read_text()

    done = run(environment, "checkpoint", "repartition")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("keys") == AFTER, done.stdout
    with Service(environment, tmp_path / "log-after") as service:
        wait_for_outputs(topics, 2 * HALF, [service])
        assert service.stop() == 0

    seen: dict[str, list[tuple[int, int]]] = {}
    for value in in_source_order(broker.read_all(topics.scores)):
        record = orjson.loads(value)
        seen.setdefault(record["key"], []).append((record["timestamp"], record["model"]["events_seen"]))
    moved = [key for key in seen if murmur2(key.encode(), BEFORE) != murmur2(key.encode(), AFTER)]
    assert len(moved) > KEYS / 4
    for key, counts in seen.items():
        assert [count for _, count in sorted(counts)] == list(range(1, len(counts) + 1)), key


def test_growth_while_the_service_runs_stops_it_with_the_way_out(broker: KafkaBroker, tmp_path: Path) -> None:
    topics = Topics(broker, "growth-live", partitions=BEFORE)
    properties = orjson.dumps({"topic.metadata.refresh.interval.ms": "500"}).decode()
    environment = topics.environment(tmp_path / "checkpoints", kafka__properties=properties, **SMALL)
    events = make_events(HALF, KEYS, BEFORE, seed=9)
    produce(topics, events, BEFORE)
    with Service(environment, tmp_path / "log") as service:
        wait_for_outputs(topics, HALF, [service])
        broker.add_partitions(topics.events, AFTER)
        assert service.process.wait(60) == 1
        assert "stream-rcf checkpoint repartition" in service.log.read_text()
    done = run(environment, "checkpoint", "repartition")
    assert done.returncode == 0, done.stderr  # what was committed was saved too


def test_growth_is_accepted_where_keys_may_begin_anew(broker: KafkaBroker, tmp_path: Path) -> None:
    topics = Topics(broker, "growth-fresh", partitions=BEFORE)
    environment = topics.environment(tmp_path / "checkpoints", **SMALL)
    events = make_events(2 * HALF, KEYS, BEFORE, seed=10)
    produce(topics, events[:HALF], BEFORE)
    with Service(environment, tmp_path / "log-before") as service:
        wait_for_outputs(topics, HALF, [service])
        assert service.stop() == 0
    broker.add_partitions(topics.events, AFTER)
    produce(topics, events[HALF:], AFTER)
    fresh = {**environment, "STREAM_RCF_CHECKPOINT__ON_UNUSABLE": "fresh"}
    for log in ("log-fresh", "log-again"):
        with Service(fresh if log == "log-fresh" else environment, tmp_path / log) as service:
            service.wait_for("partition loaded")
            wait_for_outputs(topics, 2 * HALF, [service])
            assert service.stop() == 0
    assert "Keys that moved begin with empty models" in (tmp_path / "log-fresh").read_text()
    assert "Keys that moved" not in (tmp_path / "log-again").read_text()
