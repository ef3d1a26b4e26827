"""The kernels against the slow twin: equal trees, samples, scores and attribution, on hard input.

`insertion`, `deletion`, `cuts`, `boxes`, `points`, `sampler`, `scoring` and `attribution` in one: the twin
draws the same random numbers, so nothing but the last bits of sums may differ.
"""

from __future__ import annotations

import numpy as np
import pytest

from stream_rcf.core.forest import RandomCutForest
from tests.oracle.comparison import assert_same_state
from tests.oracle.naive_forest import NaiveForest
from tests.oracle.streams import STREAMS, stream

TOLERANCE = 1e-9  # relative
# trees, sample size, dimensions, shingle size, time decay. Fast decays, so that most records evict another.
SHAPES = [
    pytest.param(3, 2, 1, 1, 0.2, id="smallest"),
    pytest.param(1, 3, 1, 1, 0.0, id="no-decay"),
    pytest.param(3, 32, 1, 1, 0.02, id="single-value"),
    pytest.param(3, 32, 1, 8, 0.02, id="shingle"),
    pytest.param(3, 16, 3, 1, 0.05, id="three-features"),
    pytest.param(2, 16, 3, 8, None, id="shingle-of-three-features"),
    pytest.param(2, 2, 3, 8, 0.2, id="smallest-shingle"),
]
EVENTS = 500
Pair = tuple[NaiveForest, RandomCutForest]


def pair(
    trees: int, sample_size: int, dimensions: int, shingle_size: int, decay: float | None, seed: int
) -> Pair:
    """A twin and a real forest that have seen nothing."""
    twin = NaiveForest(trees, sample_size, dimensions, shingle_size, decay, seed)
    return twin, RandomCutForest(dimensions, shingle_size, trees, sample_size, decay, seed)


@pytest.mark.parametrize("name", list(STREAMS))
@pytest.mark.parametrize(("trees", "sample_size", "dimensions", "shingle_size", "decay"), SHAPES)
def test_the_forest_equals_its_twin(
    name: str, trees: int, sample_size: int, dimensions: int, shingle_size: int, decay: float | None
) -> None:
    twin, forest = pair(trees, sample_size, dimensions, shingle_size, decay, seed=7)
    for event, record in enumerate(stream(name, EVENTS, dimensions)):
        expected = twin.process(record)
        assert forest.process_many(record[None, :])[0] == pytest.approx(expected, rel=TOLERANCE, abs=0.0)
        if event % 10 == 0 or event < 40:
            assert_same_state(twin, forest._block)
    assert_same_state(twin, forest._block)


@pytest.mark.parametrize("name", list(STREAMS))
@pytest.mark.parametrize(("trees", "sample_size", "dimensions", "shingle_size", "decay"), SHAPES)
def test_attribution_equals_the_twins(
    name: str, trees: int, sample_size: int, dimensions: int, shingle_size: int, decay: float | None
) -> None:
    twin, forest = pair(trees, sample_size, dimensions, shingle_size, decay, seed=-8)
    x = stream(name, 240, dimensions, seed=2)
    strangers = np.random.default_rng(3).normal(size=x.shape)
    for record, stranger in zip(x, strangers, strict=True):
        for query in (record, stranger):
            expected, found = twin.attribution(query), forest.attribution(query)
            assert found == pytest.approx(expected, rel=TOLERANCE, abs=TOLERANCE * expected.sum())
            assert forest.score(query) == pytest.approx(twin.score(query), rel=TOLERANCE, abs=0.0)
        twin.update(record)
        forest.update(record)


@pytest.mark.parametrize("name", ["gaussian", "tied", "duplicates", "mixed"])
def test_thousands_of_evictions_later_they_are_still_equal(name: str) -> None:
    twin, forest = pair(4, 12, 2, 2, 0.05, seed=9)
    x = stream(name, 4000, 2, seed=4)
    scores = forest.process_many(x[:-300])
    assert scores == pytest.approx([twin.process(record) for record in x[:-300]], rel=TOLERANCE, abs=0.0)
    assert twin.evictions > 4000
    for record in x[-300:]:
        assert forest.process_many(record[None, :])[0] == pytest.approx(
            twin.process(record), rel=TOLERANCE, abs=0.0
        )
        assert_same_state(twin, forest._block)


def test_trees_of_the_default_size_equal_their_twins() -> None:
    """256 points, shingle 8, past the first evictions."""
    twin, forest = pair(8, 256, 1, 8, None, seed=0)
    x = np.sin(np.arange(330.0) / 7)[:, None] + stream("gaussian", 330, 1) / 10
    x[300] = 4.0
    scores = forest.process_many(x)
    assert scores == pytest.approx([twin.process(record) for record in x], rel=TOLERANCE, abs=0.0)
    assert twin.evictions > 0
    assert 300 <= 150 + scores[150:].argmax() < 308  # while the spike is in the shingle
    assert_same_state(twin, forest._block)


@pytest.mark.parametrize("seed", [1, -1, 2**63 - 1, -(2**63)])
def test_every_seed_gives_the_twins_forest(seed: int) -> None:
    twin, forest = pair(2, 8, 1, 2, 0.05, seed)
    for record in stream("gaussian", 60, 1):
        twin.process(record)
        forest.update(record)
    assert_same_state(twin, forest._block)
