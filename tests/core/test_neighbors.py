"""Near neighbours: against the slow twin, and what they say of the sample."""

from __future__ import annotations

import math

import numpy as np
import pytest

from stream_rcf.core.forest import RandomCutForest
from stream_rcf.errors import UsageError
from tests.oracle import naive_queries
from tests.oracle.naive_forest import NaiveForest
from tests.oracle.streams import STREAMS, stream


@pytest.mark.parametrize("name", list(STREAMS))
@pytest.mark.parametrize(("dimensions", "shingle_size"), [(1, 1), (1, 4), (3, 2)])
def test_the_neighbours_are_the_twins(name: str, dimensions: int, shingle_size: int) -> None:
    twin = NaiveForest(6, 16, dimensions, shingle_size, 0.05, seed=4)
    forest = RandomCutForest(dimensions, shingle_size, 6, 16, 0.05, seed=4)
    x = stream(name, 60, dimensions)
    strangers = np.random.default_rng(3).normal(size=x.shape)
    for event, (record, stranger) in enumerate(zip(x, strangers, strict=True)):
        for query in (record, stranger):
            expected = naive_queries.near_neighbors(twin, query)
            found = forest.near_neighbors(query)
            assert [neighbor.distance for neighbor in found] == pytest.approx(
                [distance for distance, _, _ in expected], rel=1e-12
            )
            assert {(tuple(n.point.tolist()), n.trees) for n in found} == {entry[1:] for entry in expected}
            for neighbor in found:
                for number in neighbor.sequences:
                    assert number <= event - shingle_size
                    seen = x[number : number + shingle_size].astype(np.float32).ravel() + np.float32(0.0)
                    assert seen.tobytes() == neighbor.point.tobytes()
        twin.update(record)
        forest.update(record)


@pytest.fixture
def forest() -> RandomCutForest:
    """Of points in the plane."""
    forest = RandomCutForest(dimensions=2, shingle_size=1, trees=30, sample_size=64, seed=1)
    forest.process_many(np.random.default_rng(1).normal(size=(200, 2)))
    return forest


def test_they_come_nearest_first_one_for_each_tree_at_most(forest: RandomCutForest) -> None:
    found = forest.near_neighbors([0.3, -0.2])
    distances = [neighbor.distance for neighbor in found]
    assert distances == sorted(distances)
    assert sum(neighbor.trees for neighbor in found) == 30
    assert len({neighbor.point.tobytes() for neighbor in found}) == len(found) > 1
    for neighbor in found:
        assert neighbor.distance == pytest.approx(math.dist(neighbor.point, (0.3, -0.2)), rel=1e-6)


def test_a_bound_leaves_out_what_is_as_far_or_farther(forest: RandomCutForest) -> None:
    found = forest.near_neighbors([0.3, -0.2])
    bound = found[len(found) // 2].distance
    nearer = forest.near_neighbors([0.3, -0.2], bound)
    assert [n.distance for n in nearer] == [n.distance for n in found if n.distance < bound]
    assert len(nearer) < len(found)
    assert forest.near_neighbors([100.0, 100.0], 1.0) == []


def test_a_sampled_point_finds_itself_with_all_its_numbers() -> None:
    forest = RandomCutForest(dimensions=1, shingle_size=1, trees=10, sample_size=16, time_decay=0.0)
    forest.process_many([1.0, 2.0, 1.0, 3.0, 1.0, 9.0])
    first = forest.near_neighbors([1.0])[0]
    assert (first.distance, first.trees, first.sequences) == (0.0, 10, (0, 2, 4))
    assert first.point.tolist() == [1.0]


def test_before_readiness_there_are_none() -> None:
    assert RandomCutForest(dimensions=2, shingle_size=3).near_neighbors([1.0, 2.0]) == []


@pytest.mark.parametrize("distance", [0.0, -1.0, math.nan])
def test_a_bound_that_nothing_can_meet_is_refused(forest: RandomCutForest, distance: float) -> None:
    with pytest.raises(UsageError, match="distance"):
        forest.near_neighbors([0.0, 0.0], distance)
