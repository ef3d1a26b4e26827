"""The seeded events of a run, and where each will lie in the input topic."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import orjson

from load_tests.chaos.extent import Extent

START_OF_EVENTS = 1_767_225_600_000  # 2026-01-01T00:00:00Z, epoch ms
STEP_MS = 50  # between two events of the stream
SPIKE = 12.0  # standard deviations
SPIKE_SHARE = 1 / 300
PERIOD = 24  # events of one key until its pattern repeats
BAD_VALUES = (b"", b"{not json", b'{"value": "high"}', b'{"value": NaN}', b"[1, 2]", b'{"timestamp": 1}')

Message = tuple[bytes, bytes, int, int]  # key, value, partition, timestamp


@dataclass(frozen=True)
class Stream:
    """Messages in the order in which they are produced; each key has one partition."""

    messages: list[Message]
    partitions: int

    def by_partition(self) -> list[list[Message]]:
        """The messages of each partition in order: the place in the list is the offset in the topic.

        One idempotent producer writes the topic and nobody else, so the offsets are known before anything is sent.
        """
        found: list[list[Message]] = [[] for _ in range(self.partitions)]
        for message in self.messages:
            found[message[2]].append(message)
        return found


def make_stream(extent: Extent, seed: int) -> Stream:
    """The events of a seed: each key at its own level with a pattern, noise and spikes, and some that are no events."""
    random = np.random.default_rng(seed)
    key = random.integers(extent.keys, size=extent.events)
    noise = random.normal(0.0, 1.0, extent.events)
    noise += SPIKE * (random.random(extent.events) < SPIKE_SHARE)
    bad = random.random(extent.events) < extent.bad_share
    seen = [0] * extent.keys
    messages = []
    for i, number in enumerate(key.tolist()):
        name = f"host-{number}".encode()
        timestamp = START_OF_EVENTS + STEP_MS * i
        partition = number % extent.partitions
        if bad[i]:
            messages.append((name, BAD_VALUES[i % len(BAD_VALUES)], partition, timestamp))
            continue
        value = 100.0 + number + 5.0 * np.sin(2.0 * np.pi * seen[number] / PERIOD) + noise[i]
        seen[number] += 1
        content = orjson.dumps({"timestamp": timestamp, "value": round(float(value), 3)})
        messages.append((name, content, partition, timestamp))
    return Stream(messages, extent.partitions)
