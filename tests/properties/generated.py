"""What the property tests draw: forests and records that collide, tie and overflow as real ones may."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

# The same examples on every run, and none of them timed: a failure is a fact, not a mood of the machine.
BOUNDED: dict[str, Any] = {
    "derandomize": True,
    "deadline": None,
    "database": None,
    "suppress_health_check": [HealthCheck.too_slow, HealthCheck.data_too_large],
}


def bounded(examples: int) -> settings:
    """Settings of a property test with this many examples."""
    return settings(max_examples=examples, **BOUNDED)


FLOAT32 = st.floats(width=32, allow_nan=False, allow_infinity=False)


@st.composite
def records(draw: st.DrawFn, dimensions: int, least: int = 0, most: int = 120) -> np.ndarray:
    """(n, dimensions) float64, each value from a small pool, so that points repeat and coordinates tie."""
    pool = np.array(draw(st.lists(FLOAT32, min_size=1, max_size=12)), np.float64)
    count = draw(st.integers(least, most))
    seed = draw(st.integers(0, 2**32 - 1))
    random = np.random.default_rng(seed)
    x = random.choice(pool, size=(count, dimensions))
    fresh = random.random(count) < draw(st.sampled_from([0.0, 0.1, 0.9]))
    x[fresh] = random.normal(size=(int(fresh.sum()), dimensions))
    return x


@st.composite
def forest_arguments(draw: st.DrawFn) -> dict[str, Any]:
    """Arguments of a small `RandomCutForest` that evicts often."""
    return {
        "dimensions": draw(st.integers(1, 3)),
        "shingle_size": draw(st.sampled_from([1, 2, 5])),
        "trees": draw(st.integers(1, 3)),
        "sample_size": draw(st.sampled_from([2, 3, 8, 20, 48])),
        "time_decay": draw(st.sampled_from([None, 0.0, 0.05, 0.5])),
        "seed": draw(st.integers(-(2**63), 2**63 - 1)),
    }


@st.composite
def forests_and_records(draw: st.DrawFn) -> tuple[dict[str, Any], np.ndarray]:
    """A forest's arguments and records for it."""
    arguments = draw(forest_arguments())
    return arguments, draw(records(arguments["dimensions"], least=1))
