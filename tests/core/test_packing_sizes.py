"""How many bytes a saved key takes: promises, since every size is exact."""

from __future__ import annotations

import numpy as np
import pytest

from load_tests.forest.series import Series
from load_tests.forest.shapes import SAVED_KEY_BYTES, STANDARD
from stream_rcf.core.forest import RandomCutForest
from stream_rcf.core.layout import STORED
from stream_rcf.core.packing import pack

MATURE = 30_000  # events


def standard_forest() -> RandomCutForest:
    return RandomCutForest(STANDARD.features, STANDARD.shingle_size, STANDARD.trees, STANDARD.sample_size)


def test_a_mature_key_keeps_its_promise() -> None:
    forest = standard_forest()
    forest.process_many(Series(STANDARD.features).take(MATURE)[:, 0])
    size = len(forest.to_bytes())
    assert size <= 62_000
    assert size <= SAVED_KEY_BYTES
    assert len(pack(forest._block, quick=True)) <= 130_000


def test_a_young_key_is_small_and_an_old_one_does_not_grow() -> None:
    sizes = {}
    forest = standard_forest()
    x = np.random.default_rng(1).normal(size=3000)
    for first, last in ((0, 10), (10, 2000), (2000, 3000)):
        forest.process_many(x[first:last])
        sizes[last] = len(forest.to_bytes()), len(pack(forest._block, quick=True))
    assert sizes[10][0] < 600
    assert sizes[10][1] < 1000
    for form in (0, 1):
        assert sizes[3000][form] < 1.1 * sizes[2000][form]


@pytest.mark.parametrize(
    ("name", "most"),
    [("constant", 0.1), ("counts", 1.0), ("prices", 1.3), ("full", 3.5)],
)
def test_what_has_few_digits_costs_few_bytes(name: str, most: float) -> None:
    """Bytes of the store for each record; the cuts are left out by having next to none."""
    random = np.random.default_rng(2)
    walk = np.cumsum(random.normal(size=4000))
    series = {
        "constant": np.full(4000, 12.34),
        "counts": np.rint(500 + 10 * walk),
        "prices": np.round(500 + walk, 2),
        "full": 500 + walk,
    }[name]
    forest = RandomCutForest(1, shingle_size=1000, trees=1, sample_size=2)
    forest.process_many(series[:100])
    nothing = len(forest.to_bytes())
    forest.process_many(series[100:])
    assert (len(forest.to_bytes()) - nothing) / (stored_records(forest) - 100) < most


def stored_records(forest: RandomCutForest) -> int:
    """Records in the compacted store."""
    forest._block.compact()
    return int(forest._block.header()[STORED])
