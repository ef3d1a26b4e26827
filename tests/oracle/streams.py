"""Seeded input that forests find hard: ties, constants, duplicates, extremes, what float32 makes equal."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Generator = np.random.Generator


def gaussian(random: Generator, count: int, dimensions: int) -> np.ndarray:
    """Ordinary input: all values differ."""
    return random.normal(size=(count, dimensions))


def tied(random: Generator, count: int, dimensions: int) -> np.ndarray:
    """Few distinct values: many equal coordinates, many equal points."""
    return random.choice([0.0, 1.0, 2.0], size=(count, dimensions))


def constant(random: Generator, count: int, dimensions: int) -> np.ndarray:
    """One value for ever: every tree is one leaf."""
    return np.full((count, dimensions), 3.3)


def one_point_then_another(random: Generator, count: int, dimensions: int) -> np.ndarray:
    """A long run of one point, then of another, then one stranger at a time."""
    x = np.full((count, dimensions), 5.0)
    x[count // 3 :] = 5.5
    x[count // 2 :: 50] = random.normal(size=x[count // 2 :: 50].shape)
    return x


def duplicates(random: Generator, count: int, dimensions: int) -> np.ndarray:
    """Nine records in ten are one of five, whole; the rest differ."""
    five = random.normal(size=(5, dimensions))
    x = five[random.integers(0, 5, count)]
    fresh = random.random(count) < 0.1
    x[fresh] = random.normal(size=(int(fresh.sum()), dimensions))
    return x


def huge(random: Generator, count: int, dimensions: int) -> np.ndarray:
    """Values of 1e30 and up to the largest float32, beside small ones."""
    return random.choice([1e30, -1e30, 3.4e38, -3.4e38, 1.0, 2.0], size=(count, dimensions))


def tiny(random: Generator, count: int, dimensions: int) -> np.ndarray:
    """Subnormal float32, what rounds to zero, and negative zero."""
    return random.choice([1e-40, 3e-42, 1.4e-45, 1e-50, 0.0, -0.0, -1e-50, 1.2e-38], size=(count, dimensions))


def mixed(random: Generator, count: int, dimensions: int) -> np.ndarray:
    """All magnitudes at once: most cuts of a box fall into its widest side."""
    shape = (count, dimensions)
    extremes = random.choice([1e30, -1e30, 0.0, 1e-40, -0.0, 1e-3], size=shape)
    return np.where(random.random(shape) < 0.5, random.normal(size=shape), extremes)


def equal_in_float32(random: Generator, count: int, dimensions: int) -> np.ndarray:
    """Different in float64, often equal once rounded to float32, else neighbours there."""
    steps = random.integers(0, 4, (count, dimensions)) * 1e-8
    return np.asarray(1.0 + steps + random.choice([0.0, 1.2e-7], (count, dimensions)))


def trend(random: Generator, count: int, dimensions: int) -> np.ndarray:
    """Every record is a new maximum, so that every insertion and deletion moves a border."""
    return np.arange(count * dimensions, dtype=np.float64).reshape(count, dimensions)


STREAMS: dict[str, Callable[[Generator, int, int], np.ndarray]] = {
    function.__name__: function
    for function in (
        gaussian,
        tied,
        constant,
        one_point_then_another,
        duplicates,
        huge,
        tiny,
        mixed,
        equal_in_float32,
        trend,
    )
}


def stream(name: str, count: int, dimensions: int, seed: int = 1) -> np.ndarray:
    """`count` records of the named kind, (count, dimensions) float64, the same for the same seed."""
    return STREAMS[name](np.random.default_rng(seed), count, dimensions)
