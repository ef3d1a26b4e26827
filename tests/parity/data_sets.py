"""The data both forests see: six kinds of stream, each with a forest of another size."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from tests.files.support import nab_file

SEEDS = 30  # forests of each implementation on each set
ORDINARY = 60  # records whose attribution is compared, evenly spaced over the second half


@dataclass(frozen=True)
class DataSet:
    """A stream and the forest that sees it."""

    name: str
    make: Callable[[], tuple[np.ndarray, list[int]]]  # records, and the positions of planted ones
    trees: int
    sample_size: int
    shingle_size: int
    time_decay: float  # per record

    @cached_property
    def _made(self) -> tuple[np.ndarray, list[int]]:
        return self.make()

    @property
    def records(self) -> np.ndarray:
        """(n, dimensions) float32, so that neither side rounds."""
        return self._made[0].astype(np.float32)

    @property
    def attributed(self) -> list[int]:
        """Positions whose attribution is compared, ascending: the planted records and ``ORDINARY`` others."""
        count = len(self.records)
        evenly = np.linspace(count // 2, count - 1, ORDINARY).astype(int)
        return sorted({*evenly.tolist(), *self._made[1]})

    @property
    def first_full(self) -> int:
        """The first record that finds the samples full."""
        return self.sample_size + self.shingle_size - 1

    @property
    def output_after(self) -> int:
        """Records before the first score, in both implementations."""
        return max(1, self.sample_size // 4)


def _periodic_with_spikes() -> tuple[np.ndarray, list[int]]:
    random = np.random.default_rng(1)
    position = np.arange(2000)
    values = 10.0 * np.sin(2.0 * np.pi * position / 48.0) + random.normal(0.0, 1.0, position.size)
    spikes = _some_of(random, position.size, 12)
    values[spikes] += 25.0
    return values[:, None], spikes.tolist()


def _two_clusters() -> tuple[np.ndarray, list[int]]:
    random = np.random.default_rng(2)
    in_second = random.random(2400) < 0.2
    values = random.normal(0.0, 1.0, (in_second.size, 2)) + np.where(in_second, 8.0, 0.0)[:, None]
    between = _some_of(random, in_second.size, 20)
    values[between] = random.normal(4.0, 0.5, (between.size, 2))
    return values, between.tolist()


def _duplicates() -> tuple[np.ndarray, list[int]]:
    random = np.random.default_rng(3)
    values = np.minimum(random.geometric(0.35, 2000), 8).astype(np.float64)
    rare = _some_of(random, values.size, 10)
    values[rare] = 20.0
    return values[:, None], rare.tolist()


def _drift() -> tuple[np.ndarray, list[int]]:
    random = np.random.default_rng(4)
    values = random.normal(0.0, 1.0, (2000, 2))
    values[:, 0] += np.linspace(0.0, 20.0, len(values))
    values[1200:, 1] += 6.0
    return values, [1200, 1201, 1202]


def _four_scales() -> tuple[np.ndarray, list[int]]:
    random = np.random.default_rng(5)
    values = random.normal(0.0, 1.0, (2000, 4))
    odd = _some_of(random, len(values), 8)
    values[odd, [0, 1, 2, 3, 0, 1, 2, 3]] += [9.0, 9.0, 9.0, 9.0, -9.0, -9.0, -9.0, -9.0]
    return values * [1.0, 3.0, 10.0, 30.0], odd.tolist()


def _taxi() -> tuple[np.ndarray, list[int]]:
    with nab_file("realKnownCause/nyc_taxi.csv").open(encoding="utf-8") as file:
        counts = [float(row["value"]) for row in csv.DictReader(file)]
    return np.array(counts[:2400])[:, None], []


def _some_of(random: np.random.Generator, records: int, count: int) -> np.ndarray:
    """``count`` positions in the second half, ascending."""
    return np.sort(random.choice(np.arange(records // 2, records), count, replace=False))


DATA_SETS = [
    DataSet("periodic-with-spikes", _periodic_with_spikes, 50, 256, 8, 1 / 2560),
    DataSet("two-clusters", _two_clusters, 80, 128, 1, 1 / 256),
    DataSet("duplicates", _duplicates, 60, 64, 2, 1 / 128),
    DataSet("drift", _drift, 50, 128, 4, 1 / 256),
    DataSet("four-scales", _four_scales, 50, 100, 2, 1 / 200),
    DataSet("taxi", _taxi, 40, 200, 16, 1 / 400),
]
