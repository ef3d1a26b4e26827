"""The events of the benchmark: seeded, over many keys in random order, with patterns, noise and a few spikes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import orjson

START_OF_EVENTS = 1_767_225_600_000  # 2026-01-01T00:00:00Z, epoch ms
SPIKES = 1 / 400  # share of events
PERIOD = 48  # events of one key until its pattern repeats
PARTITIONS = 4
LEAST_BARE_EVENTS = 500_000  # more than a second of the bare loop

Message = tuple[bytes, bytes, int, int]  # key, value, partition, timestamp


@dataclass(frozen=True)
class Workload:
    """``young`` events first, during which models fill, then ``growing`` ones that no figure counts, then ``mature``.

    ``skipped`` of the young ones are not measured: the service starts and the caches fill.
    """

    keys: int
    young: int
    mature: int
    growing: int = 0

    @property
    def total(self) -> int:
        """All events."""
        return self.young + self.growing + self.mature

    @property
    def peers_total(self) -> int:
        """The first so many events are what peers process, in which nothing grows."""
        return self.young + self.mature

    @property
    def bare_rounds(self) -> int:
        """How often the peers' events stand in the bare loop's input: few of them would be through at once."""
        return -(-LEAST_BARE_EVENTS // self.peers_total)

    @property
    def skipped(self) -> int:
        """Events at the start that no figure counts."""
        return self.young // 5

    @property
    def young_range(self) -> tuple[int, int]:
        """The events of the figure for young models."""
        return self.skipped, self.young

    @property
    def mature_range(self) -> tuple[int, int]:
        """The events of the figure for mature models."""
        return self.total - self.mature, self.total

    @property
    def mature_ages(self) -> tuple[int, int]:
        """Events of one key, on average, where the figure for mature models begins and ends."""
        return (self.total - self.mature) // self.keys, self.total // self.keys

    def messages(self, seed: int) -> list[Message]:
        """All events, encoded, each key always on the same partition."""
        random = np.random.default_rng(seed)
        key = random.integers(self.keys, size=self.total)
        seen = np.zeros(self.keys, np.int64)
        phase = np.zeros(self.total)
        for i, k in enumerate(key.tolist()):
            phase[i] = seen[k]
            seen[k] += 1
        values = 10.0 * key + np.sin(2.0 * np.pi * phase / PERIOD) + random.normal(0.0, 0.1, self.total)
        values += 5.0 * (random.random(self.total) < SPIKES)
        names = [f"host-{k}".encode() for k in range(self.keys)]
        messages = []
        for i, (k, value) in enumerate(zip(key.tolist(), values.round(4).tolist(), strict=True)):
            timestamp = START_OF_EVENTS + 10 * i
            encoded = orjson.dumps({"timestamp": timestamp, "value": value})
            messages.append((names[k], encoded, k % PARTITIONS, timestamp))
        return messages


# Mature after ten sample sizes of events for each key: a sample that is just full takes in half of what it sees, and
# only then the tenth that it takes in for good.
FULL = Workload(keys=1000, young=300_000, mature=300_000, growing=2_400_000)
QUICK = Workload(keys=100, young=30_000, mature=30_000, growing=240_000)
