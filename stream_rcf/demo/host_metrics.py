"""Made-up host metrics: for each host a day-and-night pattern and noise at its own scale, with planted anomalies."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from typing import NamedTuple

from stream_rcf.demo.anomalies import Anomaly, AnomalyPlan, changed

READINGS_PER_DAY = 48  # a reading every half hour: models have seen several days after some hundred readings
STEP_MS = 24 * 3600 * 1000 // READINGS_PER_DAY
QUIET_READINGS = (
    120  # no anomaly before: a forest of 256 samples scores after 64 readings and settles after that
)
READINGS_PER_ANOMALY = 150  # per key, on average; a known rate, so that alerts can be held against it
NOISE_SHARE = 0.03  # standard deviation of the noise, as a share of the swing between night and day
SERVICES = ("web", "db", "cache", "queue", "auth", "search")


class Reading(NamedTuple):
    """One event before it is encoded."""

    key: str
    number: int  # per key, from 0
    timestamp: int  # epoch ms
    values: tuple[float, ...]
    planted: Anomaly | None


class _Host:
    """One key: its patterns, its noise, its anomalies, all from one seed."""

    def __init__(self, key: str, features: int, seed: int) -> None:
        self.key = key
        self._generator = random.Random(f"{seed}:{key}")  # seeded by text: the same in every process
        draw = self._generator.uniform
        self._swings = [10 ** draw(0.7, 2.2) for _ in range(features)]
        self._levels = [swing * draw(2.5, 5.0) for swing in self._swings]
        self._phases = [draw(0.0, 2.0 * math.pi) for _ in range(features)]
        self._plan = AnomalyPlan(key, features, READINGS_PER_ANOMALY, QUIET_READINGS, self._generator)
        self._last = list(self._levels)
        self.readings = 0

    def next_values(self) -> tuple[tuple[float, ...], Anomaly | None]:
        anomaly = self._plan.advance(self.readings)
        planted = anomaly if anomaly.covers(self.readings) else None
        values = []
        for feature, swing in enumerate(self._swings):
            angle = 2.0 * math.pi * self.readings / READINGS_PER_DAY + self._phases[feature]
            # Half a swing up and down, with a sharper morning than evening.
            pattern = 0.5 * swing * (math.sin(angle) + 0.3 * math.sin(2.0 * angle))
            value = self._levels[feature] + pattern + self._generator.gauss(0.0, NOISE_SHARE * swing)
            if planted is not None and planted.feature == feature:
                value = changed(planted.kind, value, swing, self._last[feature])
            values.append(round(value, 3))
        self._last = values
        self.readings += 1
        return tuple(values), planted


class HostMetrics:
    """An endless, seeded stream of readings: every host once, then every host again, half an hour later.

    ``start`` is the time of the first reading (epoch ms), ``step`` the time from one of a key to its next (ms).
    The same arguments give the same readings.
    """

    def __init__(self, keys: int, features: int, start: int, step: int = STEP_MS, seed: int = 0) -> None:
        self._hosts = [
            _Host(f"{SERVICES[i % len(SERVICES)]}-{i // len(SERVICES) + 1:02d}", features, seed)
            for i in range(keys)
        ]
        self._start = start
        self._step = step
        self.planted: list[Anomaly] = []  # those that have begun, in order

    def reading_at(self, timestamp: int) -> int:
        """The number, per key, of the reading with this time."""
        return (timestamp - self._start) // self._step

    def __iter__(self) -> Iterator[Reading]:
        while True:
            for place, host in enumerate(self._hosts):
                number = host.readings
                # Hosts report one after the other within a step.
                offset = number * self._step + place * self._step // len(self._hosts)
                values, planted = host.next_values()
                if planted is not None and planted.first == number:
                    self.planted.append(planted)
                yield Reading(host.key, number, self._start + offset, values, planted)
