"""Percentiles: exact for few values, and within the bound that is promised for many."""

from __future__ import annotations

import math

import numpy as np
import pytest

from stream_rcf.core.window_model import SKETCH_BINS
from stream_rcf.core.window_section import BINS, LEVEL
from tests.core.window_support import WindowedKey, raw, window_parameters

PERCENTS = (1, 10, 50, 90, 99)
FEATURES = tuple(f"p{percent}(a)" for percent in PERCENTS)


def percentiles(values: np.ndarray) -> tuple[tuple[float, ...], int]:
    """The answers, and the level that the sketch has come to."""
    key = WindowedKey(window_parameters(FEATURES))
    key.add([raw(0, float(value)) for value in values])
    words = key.block.windows().sketch[0, 0]
    level = int(words[LEVEL])
    assert 0 < int(words[BINS]) <= SKETCH_BINS
    return key.add([raw(10)])[0].values, level


def exact(values: np.ndarray) -> list[float]:
    ordered = np.sort(values)
    return [float(ordered[math.ceil(percent * len(values) / 100) - 1]) for percent in PERCENTS]


def octaves(values: np.ndarray) -> float:
    """How many the values span, on each side of zero together."""
    sides = [np.abs(side[side != 0]) for side in (values[values > 0], values[values < 0])]
    return sum(
        math.floor(math.log2(side.max())) - math.floor(math.log2(side.min())) + 1
        for side in sides
        if len(side)
    )


GENERATOR = np.random.default_rng(5)
SERIES = {
    "lognormal": GENERATOR.lognormal(3.0, 1.0, 5000),
    "wide": GENERATOR.lognormal(0.0, 4.0, 5000),
    "uniform": GENERATOR.uniform(100.0, 200.0, 5000),
    "around zero": GENERATOR.normal(0.0, 1.0, 5000),
    "negative": -GENERATOR.lognormal(2.0, 0.5, 5000),
    "mostly zero": np.where(GENERATOR.random(5000) < 0.8, 0.0, GENERATOR.lognormal(2.0, 1.0, 5000)),
    "extremes": np.concatenate([GENERATOR.lognormal(0.0, 30.0, 2000).clip(1e-37, 1e38), [3.4e38, -3.4e38]]),
}


@pytest.mark.parametrize("name", SERIES)
def test_the_error_of_many_values_is_within_the_bound(name: str) -> None:
    values = SERIES[name]
    found, level = percentiles(values)
    bound = octaves(values) / SKETCH_BINS
    for answer, right in zip(found, exact(values), strict=True):
        assert abs(answer - right) <= bound * abs(right), (answer, right, bound)
    assert level > 0, "these are too many to be exact"


@pytest.mark.parametrize("name", SERIES)
def test_as_many_values_as_there_are_bins_are_exact(name: str) -> None:
    values = SERIES[name][:SKETCH_BINS]
    found, level = percentiles(np.concatenate([values, values]))
    assert list(found) == exact(np.concatenate([values, values]))
    assert level == 0


def test_answers_are_among_what_was_seen() -> None:
    values = GENERATOR.lognormal(0.0, 3.0, 3000)
    found, _ = percentiles(values)
    assert values.min() <= min(found)
    assert max(found) <= values.max()
    assert percentiles(np.full(1000, -0.0))[0] == (0.0,) * 5


def test_a_window_of_any_number_of_values_takes_the_same_memory() -> None:
    key = WindowedKey(window_parameters(FEATURES))
    before = key.block.bytes
    key.add([raw(0, float(value)) for value in GENERATOR.lognormal(0.0, 10.0, 20_000)])
    assert key.block.bytes == before
