from __future__ import annotations

import numpy as np
import pytest

from stream_rcf.tuning.features import review
from tests.tuning.support import START, key_sample, sample

COUNT = 400
RANDOM = np.random.default_rng(1)
LATENCY = np.floor(RANDOM.lognormal(10, 1, COUNT))


@pytest.mark.parametrize(
    ("name", "values", "reason"),
    [
        ("cpu", RANDOM.normal(size=COUNT), None),
        ("requests", RANDOM.poisson(40, COUNT), None),
        ("latency_us", LATENCY, None),
        ("errors", np.where(np.arange(COUNT) == 7, 1, 0), None),
        ("width", RANDOM.normal(size=COUNT), None),
        ("paid", RANDOM.poisson(3, COUNT), None),
        ("version", np.full(COUNT, 3), "is constant"),
        ("total", np.cumsum(RANDOM.poisson(3, COUNT)), None),
        ("row", np.arange(COUNT), "counts the events one by one"),
        (
            "ts",
            START / 1000 + np.cumsum(RANDOM.integers(1, 60, COUNT)),
            "is a time; should it be the event's",
        ),
        ("ts", START + np.cumsum(RANDOM.integers(1, 60_000, COUNT)), "is a time"),
        ("user_id", RANDOM.integers(1, 50, COUNT), "looks like an identifier"),
        ("context.sessionId", RANDOM.integers(1, 50, COUNT), "looks like an identifier"),
        ("order", RANDOM.integers(0, 10**9, COUNT), "looks like an identifier"),
    ],
)
def test_a_field_is_watched_or_says_why_not(name: str, values: np.ndarray, reason: str | None) -> None:
    columns = np.column_stack([RANDOM.normal(size=COUNT), values])
    kept, left_out = review(sample(key_sample(columns), features=("other", name)))
    assert kept == (("other", name) if reason is None else ("other",))
    assert [one.reason[: len(reason)] for one in left_out if reason] == ([reason] if reason else [])


def test_a_label_of_each_key_is_no_feature() -> None:
    keys = [key_sample(np.full(COUNT, number), key=str(number)) for number in (1, 2)]
    assert review(sample(*keys))[1][0].reason == "is constant within each key, as a label is"


def test_counters_are_fine_where_they_are_watched_by_their_differences() -> None:
    counter = sample(key_sample(np.cumsum(RANDOM.poisson(3, COUNT))), features=("total",))
    assert review(counter) == (("total",), [])
