"""How long an event takes from its producing to its readable score, at a steady rate, for both deliveries.

The models are made mature by a backlog first, whose end also tells the throughput; then events come at half of it, or
at a given rate, each with the moment of its producing as its timestamp. Producer, reader, service and broker share
the machine, and what the reader waits for is counted in.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import orjson
from confluent_kafka import Producer

from load_tests.arrival import ArrivalReader
from load_tests.end_to_end import running_service
from load_tests.workload import PARTITIONS, Workload
from tests.support.broker import KafkaBroker
from tests.support.service import Topics

DELIVERIES = ("exactly_once", "at_least_once")
TARGETS = {"exactly_once": "median under 150, p99 under 400", "at_least_once": "p99 under 50"}
FULL_WORKLOAD, QUICK_WORKLOAD = Workload(1000, 300_000, 100_000), Workload(100, 30_000, 10_000)
FULL_SECONDS, QUICK_SECONDS = 105.0, 30.0  # of the steady stream
WARM_SECONDS = 15.0  # of it at the start, that are not counted: the broker compiles itself for small batches
SHARE_OF_THROUGHPUT = 0.5
STEP_SECONDS = 0.002  # between looks at the clock, for producer and reader
LINGER_MS = 10  # of the producer; counted in
LATE_SECONDS = 60.0  # for the last scores
SEED = 20261127


@dataclass(frozen=True)
class Latency:
    """What one steady stream met: ``milliseconds`` of every counted event, at ``rate`` events/s."""

    delivery: str
    rate: float
    milliseconds: Sequence[float]

    def percentile(self, percent: float) -> float:
        """The value that ``percent`` of the events did not exceed, in milliseconds."""
        return float(np.percentile(self.milliseconds, percent))

    @property
    def median(self) -> float:
        """In milliseconds."""
        return statistics.median(self.milliseconds)


def measure_latency(workload: Workload, seconds: float, rate: float | None) -> list[Latency]:
    """One stream for each delivery, on one broker; ``rate`` in events/s, None for half of the throughput."""
    with KafkaBroker(is_for_speed=True) as broker:
        return [measure_delivery(broker, delivery, workload, seconds, rate) for delivery in DELIVERIES]


def measure_delivery(
    broker: KafkaBroker,
    delivery: str,
    workload: Workload,
    seconds: float,
    rate: float | None,
    warm_seconds: float = WARM_SECONDS,
) -> Latency:
    """Run the service over a backlog and then a steady stream. Raises ``RuntimeError`` when it fails."""
    topics = Topics(broker, f"latency-{delivery.replace('_', '-')}", PARTITIONS)
    broker.produce(topics.events, workload.messages(SEED))
    with (
        tempfile.TemporaryDirectory(prefix="stream-rcf-load-") as folder,
        running_service(topics, Path(folder), kafka__delivery=delivery) as (reader, service),
    ):
        backlog = reader.watch(workload.total, service.check)
        steady = rate or SHARE_OF_THROUGHPUT * backlog.rate(*workload.mature_range)
        milliseconds = _stream(
            broker, topics, reader, service.check, workload.keys, steady, seconds, warm_seconds
        )
        service.stop()
    print(f"{delivery}: {steady:,.0f} events/s for {seconds:g} s", file=sys.stderr, flush=True)
    return Latency(delivery, steady, milliseconds)


def _stream(
    broker: KafkaBroker,
    topics: Topics,
    reader: ArrivalReader,
    check: Callable[[], None],
    keys: int,
    rate: float,
    seconds: float,
    warm_seconds: float,
) -> list[float]:
    """Produce at ``rate`` and read the scores of the same events; the latencies after the warm-up, in milliseconds."""
    random = np.random.default_rng(SEED)
    count = int(rate * seconds)
    key = random.integers(keys, size=count).tolist()
    value = (10.0 * np.array(key) + random.normal(0.0, 1.0, count)).round(4).tolist()
    # Few requests at a time: one that sends each event by itself would measure the broker.
    producer = Producer(
        {"bootstrap.servers": broker.bootstrap, "linger.ms": LINGER_MS, "enable.idempotence": True}
    )
    latencies: list[float] = []
    produced = arrived = 0
    began = time.time()
    while arrived < count:
        due = min(count, int(rate * (time.time() - began)))
        for i in range(produced, due):
            event = orjson.dumps({"timestamp": int(1000 * time.time()), "value": value[i]})
            producer.produce(topics.events, event, f"host-{key[i]}", key[i] % PARTITIONS)
        produced = due
        producer.poll(0)
        for score in reader.read(STEP_SECONDS):
            arrived += 1
            timestamp = orjson.loads(score)["timestamp"]
            if timestamp / 1000 - began > warm_seconds:
                latencies.append(1000 * time.time() - timestamp)
        if time.time() - began > seconds + LATE_SECONDS:
            raise TimeoutError(f"{arrived} of {count} scores within {LATE_SECONDS:g} s of the last event")
        check()
    return latencies


def markdown(results: Sequence[Latency]) -> str:
    """The report for a reader."""
    lines = [
        "## Latency",
        "",
        "From producing an event to reading its score, at a steady rate, in milliseconds:",
        "",
        "| delivery | events/s | events | median | p95 | p99 | most | wanted |",
        "|---|---:|---:|---:|---:|---:|---:|---|",
        *[
            f"| {found.delivery} | {found.rate:,.0f} | {len(found.milliseconds):,} | {found.median:.0f} | "
            f"{found.percentile(95):.0f} | {found.percentile(99):.0f} | {max(found.milliseconds):.0f} | "
            f"{TARGETS[found.delivery]} |"
            for found in results
        ],
        "",
    ]
    return "\n".join(lines)


def plain_data(results: Sequence[Latency]) -> dict[str, object]:
    """The same for a program, in milliseconds."""
    return {
        found.delivery: {
            "events_per_second": found.rate,
            "events": len(found.milliseconds),
            "median": found.median,
            "p95": found.percentile(95),
            "p99": found.percentile(99),
            "most": max(found.milliseconds),
        }
        for found in results
    }
