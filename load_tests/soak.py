"""Whether the service's memory stays flat: its models are grown by a backlog, then events come at a steady rate.

The process's resident memory is read every few seconds. What counts is the last third of the time against the second:
in the first, caches and the allocator still settle.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np
import orjson
from confluent_kafka import Producer

from load_tests.arrival import ArrivalReader
from load_tests.end_to_end import CHECKPOINT_SECONDS, Program
from load_tests.workload import PARTITIONS, Workload
from tests.support.broker import KafkaBroker
from tests.support.service import Topics

MEGABYTE = 2**20
FULL_SECONDS, QUICK_SECONDS = 1800.0, 60.0
FULL_WORKLOAD, QUICK_WORKLOAD = Workload(1000, 300_000, 100_000), Workload(100, 30_000, 10_000)
RATE = 5000.0  # events/s, a third of what a worker manages: the time is what is asked for here
LOOK_SECONDS = 5.0  # between two looks at the memory
STEP_SECONDS = 0.05  # between two handfuls of events
TARGET_GROWTH = 0.02  # of the median, from the second third to the last
LATE_SECONDS = 60.0  # for the last scores
SEED = 20261128


@dataclass(frozen=True)
class Soak:
    """Resident bytes of the process, every ``LOOK_SECONDS`` while ``events`` came in ``seconds``."""

    keys: int
    seconds: float
    events: int
    resident: Sequence[int]

    @property
    def thirds(self) -> tuple[float, float, float]:
        """The medians of the three thirds, in bytes. Raises ``ValueError`` for fewer than three looks."""
        size = len(self.resident) // 3
        if size == 0:
            raise ValueError(f"{len(self.resident)} looks are too few: make the soak longer")
        second, third = self.resident[size : 2 * size], self.resident[2 * size :]
        return median(self.resident[:size]), median(second), median(third)

    @property
    def growth(self) -> float:
        """From the second third to the last, as a share."""
        _, second, third = self.thirds
        return third / second - 1.0


def measure_soak(workload: Workload, seconds: float) -> Soak:
    """The soak, on a broker of its own."""
    with KafkaBroker() as broker:
        return soak(broker, workload, seconds)


def soak(broker: KafkaBroker, workload: Workload, seconds: float, rate: float = RATE) -> Soak:
    """Run the service over a backlog, then at ``rate`` events/s. Raises ``RuntimeError`` when it fails."""
    with tempfile.TemporaryDirectory(prefix="stream-rcf-load-") as folder:
        topics = Topics(broker, "soak", PARTITIONS)
        broker.produce(topics.events, workload.messages(SEED))
        environment = topics.environment(
            Path(folder) / "checkpoints",
            checkpoint__interval_seconds=CHECKPOINT_SECONDS,
            logging__level="warning",
        )
        command = [sys.executable, "-m", "stream_rcf", "run"]
        with (
            ArrivalReader(broker.bootstrap, topics.scores, PARTITIONS) as reader,
            Program(command, environment, Path(folder) / "service.log") as service,
        ):
            reader.watch(workload.total, service.check)
            found = _stream(topics, workload.keys, reader, service, seconds, rate)
            service.stop()
    return found


def _stream(
    topics: Topics, keys: int, reader: ArrivalReader, service: Program, seconds: float, rate: float
) -> Soak:
    producer = Producer({"bootstrap.servers": topics.broker.bootstrap, "linger.ms": 20})
    events = _events(keys)
    resident: list[int] = []
    produced = arrived = 0
    began = next_look = time.monotonic()
    while (now := time.monotonic()) - began < seconds:
        for _ in range(int(rate * (now - began)) - produced):
            key, value = next(events)
            producer.produce(topics.events, value, f"host-{key}", key % PARTITIONS)
            produced += 1
        producer.poll(0)
        arrived += len(reader.read(STEP_SECONDS))
        service.check()
        if now >= next_look:
            next_look = now + LOOK_SECONDS
            resident.append(service.resident_bytes())
            if len(resident) % 12 == 0:
                print(f"{now - began:.0f} s: {resident[-1] / MEGABYTE:.0f} MB", file=sys.stderr, flush=True)
    producer.flush()
    until = time.monotonic() + LATE_SECONDS
    while arrived < produced:
        arrived += len(reader.read(STEP_SECONDS))
        if time.monotonic() > until:
            raise TimeoutError(f"{arrived} of {produced} scores {LATE_SECONDS:g} s after the last event")
    return Soak(keys, seconds, produced, resident)


def _events(keys: int) -> Iterator[tuple[int, bytes]]:
    """Keys in random order, each at its own level, with the present time."""
    random = np.random.default_rng(SEED)
    while True:
        drawn = random.integers(keys, size=1000)
        values = (10.0 * drawn + random.normal(0.0, 1.0, len(drawn))).round(4)
        for key, value in zip(drawn.tolist(), values.tolist(), strict=True):
            yield key, orjson.dumps({"timestamp": int(1000 * time.time()), "value": value})


def markdown(found: Soak) -> str:
    """The report for a reader."""
    first, second, third = (size / MEGABYTE for size in found.thirds)
    return "\n".join(
        [
            "## Soak",
            "",
            f"{found.keys:,} mature keys, {found.events:,} events in {found.seconds / 60:.0f} minutes. Resident memory,"
            f" medians of the three thirds: {first:.0f}, {second:.0f}, {third:.0f} MB; at most"
            f" {max(found.resident) / MEGABYTE:.0f} MB. From the second third to the last {100 * found.growth:+.1f} %"
            f" (target: at most {100 * TARGET_GROWTH:g} %).",
            "",
        ]
    )


def plain_data(found: Soak) -> dict[str, object]:
    """The same for a program."""
    return {
        "keys": found.keys,
        "seconds": found.seconds,
        "events": found.events,
        "resident_bytes": list(found.resident),
    }
