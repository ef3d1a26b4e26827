"""How long a partition of many grown keys is served by nobody when it moves, in order, to a worker that joins.

Two partitions hold as many keys each. A first worker has both and stands at the end of the input; a second one joins
and gets one. The gap is from the moment the first is told to give its partitions up until the second says that its own
is live; events keep coming meanwhile.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import orjson
from confluent_kafka import Producer

from load_tests.workload import START_OF_EVENTS
from tests.support.broker import KafkaBroker
from tests.support.service import Service, Topics, wait_for_outputs

PARTITIONS = 2
EVENTS_PER_KEY = 300  # samples are full after 264
LIVE_EVENTS_PER_SECOND = 500  # while the partition moves: every key changes between two checkpoints
TARGET_SECONDS = 2.0  # for 1,000 keys
FULL, QUICK = (1000, 3), (200, 2)  # keys of a partition, and moves


@dataclass(frozen=True)
class Handover:
    """One move; seconds. ``gap``: from the order to give up until live; ``saving``: of it in the old owner."""

    keys: int
    gap: float
    saving: float
    loading: float


def measure_handover(keys: int, repetitions: int) -> list[Handover]:
    """Move a partition of ``keys`` grown keys as often, each time in a new group."""
    with KafkaBroker(is_for_speed=True) as broker:
        return [_move(broker, keys, number) for number in range(repetitions)]


def _move(broker: KafkaBroker, keys: int, number: int) -> Handover:
    topics = Topics(broker, f"handover-{number}", PARTITIONS)
    total = keys * PARTITIONS * EVENTS_PER_KEY
    broker.produce(topics.events, (_event(i, keys) for i in range(total)))
    with tempfile.TemporaryDirectory(prefix="stream-rcf-load-") as folder:
        environment = topics.environment(
            Path(folder) / "checkpoints", checkpoint__interval_seconds=30, detector__decision="budget"
        )
        with Service(environment, Path(folder) / "first.log") as first:
            wait_for_outputs(topics, total, [first], seconds=600.0)
            is_over = threading.Event()
            feeding = threading.Thread(target=_feed, args=(topics, total, keys, is_over))
            feeding.start()
            try:
                with Service(environment, Path(folder) / "second.log") as second:
                    second.wait_for("partition loaded", 120.0)
                    time.sleep(1.0)
                    handover = _from_logs(keys, first.messages(), second.messages())
                    second.stop()
            finally:
                is_over.set()
                feeding.join()
            first.stop()
    print(f"handover of {keys} keys: {handover}", file=sys.stderr, flush=True)
    return handover


def _event(i: int, keys: int) -> tuple[bytes, bytes, int, int]:
    key = i % (keys * PARTITIONS)
    value = float(key % 10) + (i * 7919 % 101) / 101
    timestamp = START_OF_EVENTS + 10 * i
    return (
        f"host-{key}".encode(),
        orjson.dumps({"timestamp": timestamp, "value": value}),
        key % PARTITIONS,
        timestamp,
    )


def _feed(topics: Topics, first: int, keys: int, is_over: threading.Event) -> None:
    producer = Producer({"bootstrap.servers": topics.broker.bootstrap})
    number = first
    while not is_over.wait(1.0 / LIVE_EVENTS_PER_SECOND):
        key, value, partition, _ = _event(number, keys)
        producer.produce(topics.events, value, key, partition)
        producer.poll(0)
        number += 1
    producer.flush()


def _from_logs(
    keys: int, first: Sequence[Mapping[str, object]], second: Sequence[Mapping[str, object]]
) -> Handover:
    revoked = next(entry for entry in first if entry["message"] == "partitions revoked")
    loaded = next(entry for entry in second if entry["message"] == "partition loaded")
    saving, loading = float(str(revoked["seconds"])), float(str(loaded["seconds"]))
    return Handover(keys, _moment(loaded) - (_moment(revoked) - saving), saving, loading)


def _moment(entry: Mapping[str, object]) -> float:
    return datetime.fromisoformat(str(entry["time"])).timestamp()


def markdown(moves: Sequence[Handover]) -> str:
    """The report for a reader."""
    gaps = [move.gap for move in moves]
    saving = statistics.median(move.saving for move in moves)
    opening = statistics.median(move.loading for move in moves)
    return "\n".join(
        [
            "## Handover",
            "",
            f"A partition of {moves[0].keys:,} grown keys moves to a worker that joins, both on this machine: nobody"
            f" serves it for {statistics.median(gaps):.2f} s ({min(gaps):.2f} to {max(gaps):.2f}, {len(gaps)} moves;"
            f" target {TARGET_SECONDS:g} s), of which saving takes {saving:.2f} s and opening {opening:.2f} s.",
            "",
        ]
    )


def plain_data(moves: Sequence[Handover]) -> dict[str, object]:
    """The same for a program, in seconds."""
    return {"moves": [vars(move) for move in moves], "target_seconds": TARGET_SECONDS}
