"""Density and distance: against the slow twin, worked out by hand, and where they must point."""

from __future__ import annotations

import numpy as np
import pytest

from stream_rcf.core.forest import RandomCutForest
from tests.oracle import naive_density
from tests.oracle.naive_forest import NaiveForest
from tests.oracle.streams import STREAMS, stream

TOLERANCE = 1e-9  # relative


@pytest.mark.parametrize("name", list(STREAMS))
@pytest.mark.parametrize(("dimensions", "shingle_size", "sample_size"), [(1, 1, 16), (1, 4, 12), (3, 2, 8)])
def test_the_density_equals_the_twins(
    name: str, dimensions: int, shingle_size: int, sample_size: int
) -> None:
    twin = NaiveForest(2, sample_size, dimensions, shingle_size, 0.05, seed=4)
    forest = RandomCutForest(dimensions, shingle_size, 2, sample_size, 0.05, seed=4)
    strangers = np.random.default_rng(3).normal(size=(60, dimensions))
    compared = 0
    for record, stranger in zip(stream(name, 60, dimensions), strangers, strict=True):
        for query in (record, stranger):
            point, found = twin.shingle(query), forest.density(query)
            if point is None or not twin.ready():
                assert found.density == found.distance == 0.0
                continue
            compared += 1
            density, by_direction, distance, lengths = naive_density.density_of(twin.trees, point)
            assert found.density == pytest.approx(density, rel=1e-7, abs=1e-300)
            assert found.directional_density == pytest.approx(by_direction, rel=1e-7, abs=1e-300)
            assert found.distance == pytest.approx(distance, rel=TOLERANCE)
            assert found.directional_distance == pytest.approx(
                lengths, rel=TOLERANCE, abs=TOLERANCE * distance
            )
        twin.update(record)
        forest.update(record)
    assert compared > 80


def test_before_readiness_all_is_zero() -> None:
    found = RandomCutForest(dimensions=2, shingle_size=3).density([1.0, 2.0])
    assert found.density == found.distance == 0.0
    assert found.directional_density.tolist() == found.directional_distance.tolist() == [[0.0, 0.0]] * 6


def test_one_point_seen_often_by_hand() -> None:
    """Every tree is one leaf of 4. Of a stranger the mass is 5 in 4, and it is cut off for certain, 3 above in one."""
    forest = RandomCutForest(dimensions=2, shingle_size=1, trees=7, sample_size=4)
    forest.process_many(np.full((9, 2), 1.0))
    found = forest.density([4.0, 1.0])
    assert found.distance == pytest.approx(3.0)
    assert found.directional_distance.tolist() == [[pytest.approx(3.0), 0.0], [0.0, 0.0]]
    assert found.density == pytest.approx(1.25 / (0.001 * 1.25 + 3.0**2))
    assert found.directional_density.tolist() == [[pytest.approx(found.density), 0.0], [0.0, 0.0]]


def test_amid_equal_points_the_density_is_the_most_and_has_no_direction() -> None:
    forest = RandomCutForest(dimensions=2, shingle_size=1, trees=7, sample_size=4)
    forest.process_many(np.full((9, 2), 1.0))
    found = forest.density([1.0, 1.0])
    assert found.density == pytest.approx(1000.0)
    assert found.directional_density == pytest.approx(np.full((2, 2), 250.0))
    assert found.distance == 0.0


def test_density_falls_and_distance_grows_outward() -> None:
    forest = RandomCutForest(dimensions=2, shingle_size=1, trees=50, sample_size=256, seed=1)
    forest.process_many(np.random.default_rng(1).normal(size=(1000, 2)))
    answers = [forest.density([x, 0.0]) for x in (0.0, 3.0, 6.0, 20.0)]
    densities = [answer.density for answer in answers]
    distances = [answer.distance for answer in answers]
    assert densities == sorted(densities, reverse=True)
    assert distances == sorted(distances)
    assert densities[0] > 100 * densities[3]
    far = answers[3].directional_distance
    assert far[0, 0] > 0.99 * far.sum()  # above, in the first coordinate
    assert 20 < answers[3].distance < 25  # the gap of about 17 and the side of the box, about 6


def test_the_directions_add_up() -> None:
    forest = RandomCutForest(dimensions=1, shingle_size=4, trees=20, sample_size=64, seed=2)
    x = np.random.default_rng(2).normal(size=300)
    forest.process_many(x)
    for query in (x[-1], 0.0, 9.0, -40.0):
        found = forest.density([query])
        assert found.directional_density.shape == found.directional_distance.shape == (4, 2)
        assert (found.directional_density >= 0).all()
        assert (found.directional_distance >= 0).all()
        assert found.directional_density.sum() == pytest.approx(found.density)
        assert found.directional_distance.sum() == pytest.approx(found.distance)
