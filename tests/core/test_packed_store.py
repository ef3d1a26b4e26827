"""The saved form of records: every float32 comes back to the bit, with the events it came from."""

from __future__ import annotations

import numpy as np
import pytest

from stream_rcf.core.forest import RandomCutForest
from stream_rcf.core.inspect import views
from stream_rcf.core.layout import EVENTS_SEEN, RUNS, STORED
from tests.oracle.streams import STREAMS, stream

GREATEST = float(np.finfo(np.float32).max)
LEAST = 2.0**-149

KINDS = {
    "one value": [5.25],
    "the greatest": [GREATEST, -GREATEST],
    "the least": [LEAST, -LEAST, 0.0],
    "both at once": [GREATEST, -GREATEST, LEAST, -LEAST, 0.0, 1.0],
    "around powers of two": [
        sign * 2.0**e * f for e in (-3, 0, 5) for f in (1 - 2**-24, 1, 1 + 2**-23) for sign in (1, -1)
    ],
    "decimals": [0.1, -0.1, 12.34, 99.9999, -1234.5, 0.0001],
    "more digits than counted": [0.12345, 1.0],
    "large whole numbers": [16777216.0, 16777218.0, -3e9, 1e12],
    "beyond multiples": [1.5, 2.0**40, -(2.0**41)],
    "negative zero": [-0.0, 0.0, 1.0],
    "what float32 rounds to zero": [1e-50, -1e-50, 1e-46],
}


def assert_store_comes_back(forest: RandomCutForest) -> None:
    restored = RandomCutForest.from_bytes(forest.to_bytes())
    before, after = views(forest._block), views(restored._block)
    stored, runs = int(before.integers[STORED]), int(before.integers[RUNS])
    assert (int(after.integers[STORED]), int(after.integers[RUNS])) == (stored, runs)
    values = stored * forest.parameters.dimensions
    assert after.store[:values].tobytes() == before.store[:values].tobytes()
    assert after.run_first[:runs].tolist() == before.run_first[:runs].tolist()
    assert after.run_event[:runs].tolist() == before.run_event[:runs].tolist()


@pytest.mark.parametrize("values", KINDS.values(), ids=KINDS.keys())
def test_values_of_every_kind_come_back(values: list[float]) -> None:
    forest = RandomCutForest(1, 2, trees=2, sample_size=30, seed=1)
    forest.process_many(np.random.default_rng(2).choice(values, 80))
    assert_store_comes_back(forest)


def test_each_feature_is_written_in_its_own_way() -> None:
    random = np.random.default_rng(3)
    columns = [random.choice(values, 90) for values in KINDS.values()] + [random.normal(size=90)]
    forest = RandomCutForest(len(columns), 2, trees=2, sample_size=20, seed=4)
    forest.process_many(np.column_stack(columns))
    assert_store_comes_back(forest)


@pytest.mark.parametrize("shingle_size", [1, 4])
@pytest.mark.parametrize("name", list(STREAMS))
def test_runs_with_gaps_come_back(name: str, shingle_size: int) -> None:
    forest = RandomCutForest(2, shingle_size, trees=2, sample_size=10, time_decay=0.003, seed=5)
    forest.process_many(stream(name, 2000, 2))
    assert_store_comes_back(forest)
    assert int(views(forest._block).integers[RUNS]) > 3


def test_events_beyond_32_bits_come_back() -> None:
    forest = RandomCutForest(1, 1, trees=2, sample_size=10, seed=6)
    views(forest._block).integers[EVENTS_SEEN] = 2**61
    forest.process_many(np.arange(50.0))
    assert_store_comes_back(forest)
    assert int(views(forest._block).run_event[0]) >= 2**61
