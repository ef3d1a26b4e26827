"""Ten kinds of series in which nothing happens, of the kinds that people watch: how often alerts come of nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

DAY = 288  # events, of five minutes each
INTERVAL_MS = 300_000

Generator = np.random.Generator


def _autocorrelated(random: Generator, count: int) -> np.ndarray:
    noise = random.normal(size=count)
    values = np.empty(count)
    last = 0.0
    for i in range(count):
        last = 0.9 * last + noise[i]
        values[i] = last
    return values


def _day(count: int) -> np.ndarray:
    return np.sin(2.0 * np.pi * np.arange(count) / DAY)


KINDS: Mapping[str, Callable[[Generator, int], np.ndarray]] = {
    "noise": lambda random, count: random.normal(size=count),
    "autocorrelated": _autocorrelated,
    "daily": lambda random, count: 10.0 * _day(count) + random.normal(size=count),
    "random walk": lambda random, count: np.cumsum(random.normal(size=count)),
    "counts by day": lambda random, count: random.poisson(20.0 * (1.2 + _day(count))).astype(np.float64),
    "mostly zero": lambda random, count: random.poisson(0.05, size=count).astype(np.float64),
    "latencies": lambda random, count: np.exp(3.0 + 0.5 * random.normal(size=count)),
    "percentages": lambda random, count: 100.0 * random.beta(5.0, 2.0, size=count),
    "whole numbers": lambda random, count: np.round(50.0 + 3.0 * random.normal(size=count)),
    "trend": lambda random, count: 0.01 * np.arange(count) + random.normal(size=count),
}


def quiet_series(kind: str, count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """(values (count, 1), timestamps (count,) epoch ms) of one of ``KINDS``."""
    values = KINDS[kind](np.random.default_rng(seed), count)
    return values[:, None], 1_767_225_600_000 + INTERVAL_MS * np.arange(count, dtype=np.int64)
