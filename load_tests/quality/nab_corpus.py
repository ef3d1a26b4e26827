"""The series of the Numenta benchmark with their labelled windows, and the halves they are divided into.

Detection quality reference, section 1. Files are told apart by a fixed rule, not by how they score: the mechanisms
were chosen on one half, the other was looked at for the final figures.
"""

from __future__ import annotations

import csv
import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache

import numpy as np
import orjson

from tests.support.machine import shared_file

PROBATION_SHARE = 0.15  # of a file, at the most of 5,000 records of it: these are not scored
PROBATION_ROWS = 5000
DEVELOPMENT, HELD_OUT = "development", "held out"


@dataclass(frozen=True)
class Series:
    """One file. ``windows``: first and last row of each labelled window; ``labels``: rows of the anomalies."""

    name: str
    timestamps: np.ndarray  # (n,) int64, epoch ms
    values: np.ndarray  # (n,) float64
    windows: tuple[tuple[int, int], ...]
    labels: tuple[int, ...]

    @property
    def probation(self) -> int:
        """Rows at the beginning that are not scored."""
        return int(PROBATION_SHARE * min(len(self.values), PROBATION_ROWS))

    @property
    def half(self) -> str:
        """``DEVELOPMENT`` or ``HELD_OUT``."""
        return half_of(self.name)

    def in_window(self) -> np.ndarray:
        """(n,) bool: whether the row lies in a window."""
        inside = np.zeros(len(self.values), bool)
        for first, last in self.windows:
            inside[first : last + 1] = True
        return inside


@cache
def half_of(name: str) -> str:
    """The half of a file: every other one, in the order of the categories and of a hash of the names within each."""
    order = sorted(_windows(), key=_place)
    return DEVELOPMENT if order.index(name) % 2 == 0 else HELD_OUT


def _place(name: str) -> tuple[str, bytes]:
    return name.split("/", maxsplit=1)[0], hashlib.blake2b(name.encode()).digest()


def nab_corpus() -> list[Series]:
    """All 58 files, by name. Raises ``MissingPartError`` where the shared folder is absent."""
    labels = orjson.loads(shared_file("nab/labels/combined_labels.json").read_bytes())
    return [_series(name, windows, labels[name]) for name, windows in sorted(_windows().items())]


@cache
def _windows() -> dict[str, list[list[str]]]:
    return orjson.loads(shared_file("nab/labels/combined_windows.json").read_bytes())


def _series(name: str, windows: list[list[str]], labels: list[str]) -> Series:
    with shared_file(f"nab/data/{name}").open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    times = [row["timestamp"] for row in rows]
    place = {time: row for row, time in reversed(list(enumerate(times)))}
    last_place = {time: row for row, time in enumerate(times)}
    return Series(
        name,
        np.array([_milliseconds(time) for time in times], np.int64),
        np.array([float(row["value"]) for row in rows]),
        tuple((place[_second(first)], last_place[_second(last)]) for first, last in windows),
        tuple(sorted(place[_second(label)] for label in labels)),
    )


def _second(time: str) -> str:
    """A label's time as the data write it: windows come with a fraction of a second."""
    return time.split(".", maxsplit=1)[0]


def _milliseconds(time: str) -> int:
    return round(datetime.strptime(time, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC).timestamp() * 1000)


def runs_of(flags: np.ndarray) -> list[tuple[int, int]]:
    """First and last row of each stretch of consecutive true ``flags``."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    return [(int(first), int(after) - 1) for first, after in edges.reshape(-1, 2)]
