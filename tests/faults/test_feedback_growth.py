"""The input gains partitions: feedback follows the keys, even where its messages are gone by then."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import orjson

from stream_rcf.state.partitioners import murmur2
from tests.faults.feedback_support import Listeners, not_an_anomaly
from tests.support.broker import KafkaBroker
from tests.support.service import COMMAND, Service, make_events, wait_for_outputs

HALF, KEYS, BEFORE, AFTER = 3000, 24, 2, 5


def produce(topics: Listeners, events: list[tuple[bytes, bytes, int, int]], partitions: int) -> None:
    """Send each event where Java's producer would, with ``partitions`` in the topic."""
    topics.broker.produce(
        topics.events, [(key, value, murmur2(key, partitions), time) for key, value, _, time in events]
    )


def test_feedback_follows_the_keys(broker: KafkaBroker, tmp_path: Path) -> None:
    topics = Listeners(broker, "told-growth", partitions=BEFORE)
    environment = topics.environment(tmp_path / "checkpoints")
    events = make_events(2 * HALF, KEYS, BEFORE, seed=8)
    produce(topics, events[:HALF], BEFORE)
    with Service(environment, tmp_path / "log-before") as service:
        wait_for_outputs(topics, HALF, [service])
        topics.say(*map(not_an_anomaly, topics.alerts_of()))
        service.wait_for("feedback in effect", times=BEFORE)
        assert service.stop() == 0
    told = {str(alert["key"]) for alert in topics.alerts_of()}
    topics.broker.delete_records(topics.feedback, topics.broker.end_offsets(topics.feedback))
    topics.broker.add_partitions(topics.events, AFTER)
    produce(topics, events[HALF:], AFTER)
    done = subprocess.run(
        [*COMMAND, "checkpoint", "repartition"],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    with Service(environment, tmp_path / "log-after") as service:
        wait_for_outputs(topics, 2 * HALF, [service])
        assert service.stop() == 0
        assert service.said("is not heard") == []
    held: set[str] = set()
    for record in topics.broker.read_all(topics.scores):
        score = orjson.loads(record.value or b"")
        if score["reason"] == "rule:feedback":
            held.add(score["key"])
    moved = {key for key in told if murmur2(key.encode(), AFTER) >= BEFORE}
    assert len(moved) > 3
    assert held & moved
    assert held <= told
