"""Whether the service's memory stays flat: its models are grown by a backlog, then events come at a steady rate.

The process's resident memory is read every few seconds, and what its models take of it, which grow slowly for many
thousand events. What counts is all else, the last third of the time against the second: in the first, caches and the
allocator still settle.
"""

from __future__ import annotations

import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np
import orjson
from confluent_kafka import Producer
from prometheus_client.parser import text_string_to_metric_families

from load_tests.arrival import ArrivalReader
from load_tests.end_to_end import Program, running_service
from load_tests.workload import PARTITIONS, Workload
from tests.support.broker import KafkaBroker
from tests.support.broker_process import free_ports
from tests.support.service import Topics

MEGABYTE = 2**20
FULL_SECONDS, QUICK_SECONDS = 1800.0, 60.0
FULL_WORKLOAD, QUICK_WORKLOAD = Workload(1000, 300_000, 100_000), Workload(100, 30_000, 10_000)
RATE = 5000.0  # events/s, a third of what a worker manages: the time is what is asked for here
LOOK_SECONDS = 5.0  # between two looks at the memory
STEP_SECONDS = 0.05  # between two handfuls of events
TARGET_GROWTH = 0.02  # of the median, from the second third to the last
ANSWER_SECONDS = 10.0
LATE_SECONDS = 60.0  # for the last scores
SEED = 20261128


@dataclass(frozen=True)
class Soak:
    """Resident bytes of the process, and those of its models, every ``LOOK_SECONDS`` while ``events`` came."""

    keys: int
    seconds: float
    events: int
    resident: Sequence[int]
    models: Sequence[int]

    @property
    def thirds(self) -> tuple[float, float, float]:
        """The medians of the three thirds, in bytes without the models. ``ValueError`` for fewer than three looks."""
        beside = [all_of_it - models for all_of_it, models in zip(self.resident, self.models, strict=True)]
        size = len(beside) // 3
        if size == 0:
            raise ValueError(f"{len(beside)} looks are too few: make the soak longer")
        return median(beside[:size]), median(beside[size : 2 * size]), median(beside[2 * size :])

    @property
    def growth(self) -> float:
        """Of what is no model, from the second third to the last, as a share of the process."""
        _, second, third = self.thirds
        return (third - second) / median(self.resident)


def measure_soak(workload: Workload, seconds: float) -> Soak:
    """The soak, on a broker of its own."""
    with KafkaBroker(is_for_speed=True) as broker:
        return soak(broker, workload, seconds)


def soak(broker: KafkaBroker, workload: Workload, seconds: float, rate: float = RATE) -> Soak:
    """Run the service over a backlog, then at ``rate`` events/s. Raises ``RuntimeError`` when it fails."""
    with tempfile.TemporaryDirectory(prefix="stream-rcf-load-") as folder:
        (port,) = free_ports(1)
        topics = Topics(broker, "soak", PARTITIONS)
        broker.produce(topics.events, workload.messages(SEED))
        with running_service(topics, Path(folder), http__port=port) as (reader, service):
            reader.watch(workload.total, service.check)
            found = _stream(topics, workload.keys, reader, service, port, seconds, rate)
            service.stop()
    return found


def _stream(
    topics: Topics,
    keys: int,
    reader: ArrivalReader,
    service: Program,
    port: int,
    seconds: float,
    rate: float,
) -> Soak:
    producer = Producer({"bootstrap.servers": topics.broker.bootstrap, "linger.ms": 20})
    events = _events(keys)
    resident: list[int] = []
    models: list[int] = []
    produced = arrived = 0
    began = time.monotonic()
    # Not at once: the service counts its models once a second.
    next_look = began + min(LOOK_SECONDS, seconds / 2.0)
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
            models.append(_model_bytes(port))
            if len(resident) % 12 == 0:
                print(f"{now - began:.0f} s: {resident[-1] / MEGABYTE:.0f} MB", file=sys.stderr, flush=True)
    producer.flush()
    until = time.monotonic() + LATE_SECONDS
    while arrived < produced:
        arrived += len(reader.read(STEP_SECONDS))
        if time.monotonic() > until:
            raise TimeoutError(f"{arrived} of {produced} scores {LATE_SECONDS:g} s after the last event")
    return Soak(keys, seconds, produced, resident, models)


def _model_bytes(port: int) -> int:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=ANSWER_SECONDS) as answer:
        families = text_string_to_metric_families(answer.read().decode())
    (family,) = (family for family in families if family.name == "stream_rcf_key_memory_bytes")
    return int(family.samples[0].value)


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
    began, ended = found.resident[0] / MEGABYTE, found.resident[-1] / MEGABYTE
    models_began, models_ended = found.models[0] / MEGABYTE, found.models[-1] / MEGABYTE
    return "\n".join(
        [
            "## Soak",
            "",
            f"{found.keys:,} mature keys, {found.events:,} events in {found.seconds / 60:.0f} minutes. The process took"
            f" {began:.0f} MB at the beginning and {ended:.0f} at the end, its models {models_began:.0f} and"
            f" {models_ended:.0f}. All else, medians of the three thirds: {first:.0f}, {second:.0f}, {third:.0f} MB;"
            f" from the second to the last that is"
            f" {100 * found.growth:+.1f} % of the process (target: at most {100 * TARGET_GROWTH:g} %).",
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
        "model_bytes": list(found.models),
    }
