"""Samples, their median and spread, and ratios between them."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

LEAST_SAMPLES = 2  # one repetition says nothing about its own error


@dataclass(frozen=True)
class Figure:
    """One measured quantity, a rate in events/s, once per repetition. Raises ``ValueError`` for a single repetition."""

    name: str
    samples: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.samples) < LEAST_SAMPLES:
            raise ValueError(
                f"{self.name}: {len(self.samples)} repetition(s); a figure needs {LEAST_SAMPLES}"
            )

    @property
    def median(self) -> float:
        """The middle sample, or the mean of the middle two."""
        return statistics.median(self.samples)

    @property
    def spread(self) -> float:
        """Largest less smallest sample, as a share of the median."""
        return (max(self.samples) - min(self.samples)) / self.median

    @property
    def microseconds(self) -> float:
        """Time per event at the median, in microseconds."""
        return 1e6 / self.median


def paired_ratio(figure: Figure, peer: Figure) -> Figure:
    """``figure`` over ``peer``, repetition by repetition: what both suffered from cancels out.

    Raises ``ValueError`` when they were not repeated equally often.
    """
    if len(figure.samples) != len(peer.samples):
        raise ValueError(
            f"{figure.name} has {len(figure.samples)} repetitions, {peer.name} has {len(peer.samples)}"
        )
    pairs = zip(figure.samples, peer.samples, strict=True)
    return Figure(f"{figure.name} / {peer.name}", tuple(own / other for own, other in pairs))


@dataclass(frozen=True)
class Arrivals:
    """When outputs arrived: ``counts[i]`` records, all told, had arrived ``times[i]`` seconds after some moment.

    Both grow. The first entry is the first arrival.
    """

    times: Sequence[float]
    counts: Sequence[int]

    def time_of(self, count: int) -> float:
        """When record number ``count`` had arrived: between two looks, in proportion.

        Raises ``ValueError`` when so many never arrived.
        """
        if not self.counts or count > self.counts[-1]:
            have = self.counts[-1] if self.counts else 0
            raise ValueError(f"only {have} outputs arrived, not {count}")
        before = 0
        while self.counts[before] < count:
            before += 1
        if before == 0:
            return self.times[0]
        earlier, later = self.counts[before - 1], self.counts[before]
        share = (count - earlier) / (later - earlier)
        return self.times[before - 1] + share * (self.times[before] - self.times[before - 1])

    def rate(self, first: int, last: int) -> float:
        """Records per second between record ``first`` and record ``last``."""
        seconds = self.time_of(last) - self.time_of(first)
        if seconds <= 0.0:
            raise ValueError(f"records {first} to {last} arrived at once: too few to measure a rate")
        return (last - first) / seconds
