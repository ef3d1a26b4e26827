"""Imputation of missing features: against the slow twin, and whether it finds what was taken away."""

from __future__ import annotations

import math

import numpy as np
import pytest

from stream_rcf.core.forest import RandomCutForest
from stream_rcf.core.imputation import percentile
from stream_rcf.errors import UsageError
from tests.oracle import naive_imputation
from tests.oracle.naive_forest import NaiveForest
from tests.oracle.streams import STREAMS, stream


@pytest.mark.parametrize("centrality", [1.0, 0.6, 0.0])
@pytest.mark.parametrize("name", list(STREAMS))
@pytest.mark.parametrize(("shingle_size", "features"), [(1, [2]), (1, [3, 0]), (2, [1]), (3, [0, 1, 2, 3])])
def test_imputed_values_equal_the_twins(
    name: str, shingle_size: int, features: list[int], centrality: float
) -> None:
    b = 4
    twin = NaiveForest(5, 12, b, shingle_size, 0.05, seed=4)
    forest = RandomCutForest(b, shingle_size, 5, 12, 0.05, seed=4)
    x = stream(name, 50, b)
    strangers = np.random.default_rng(3).normal(size=x.shape)
    missing = [feature + (shingle_size - 1) * b for feature in features]
    for record, stranger in zip(x, strangers, strict=True):
        for query in (record, stranger):
            point, asked = twin.shingle(query), query.copy()
            asked[features] = math.nan
            found = forest.impute(asked, features, centrality)
            if point is None or not twin.ready():
                assert np.isnan(np.stack(found)[:, features]).all()
                continue
            expected = naive_imputation.impute(twin, point, missing, centrality)
            order = (found.lower, found.values, found.upper)
            assert np.stack(order)[:, features].tolist() == expected.tolist()
            known = [i for i in range(b) if i not in features]
            assert (np.stack(order)[:, known] == query[known]).all()
        twin.update(record)
        forest.update(record)


def circle(count: int) -> np.ndarray:
    """Points around a circle, with a little noise: one coordinate and the past tell the other."""
    t = np.arange(count) / 5
    noise = np.random.default_rng(0).normal(size=(count, 2)) * 0.01
    return np.stack([np.sin(t), np.cos(t)], axis=1) + noise


def test_what_was_taken_away_is_found_again() -> None:
    forest = RandomCutForest(dimensions=2, shingle_size=4, trees=50, sample_size=256, seed=1)
    x = circle(1500)
    forest.process_many(x[:1000])
    inside = 0
    for record in x[1000:]:
        found = forest.impute([record[0], math.nan], [1])
        assert found.values[1] == pytest.approx(record[1], abs=0.25)
        assert found.lower[1] <= found.values[1] <= found.upper[1]
        inside += found.lower[1] <= record[1] <= found.upper[1]
        forest.update(record)
    assert inside > 350


def test_one_known_feature_decides_between_two_clusters() -> None:
    forest = RandomCutForest(dimensions=2, shingle_size=1, trees=50, sample_size=128, seed=2)
    x = np.random.default_rng(2).normal(size=(500, 2)) * 0.1
    x[::2] += [0.0, 10.0]
    x[1::2] += [5.0, -10.0]
    forest.process_many(x)
    assert forest.impute([0.0, 0.0], [1]).values[1] == pytest.approx(10.0, abs=0.3)
    assert forest.impute([5.0, 0.0], [1]).values[1] == pytest.approx(-10.0, abs=0.3)
    assert forest.impute([0.0, 10.0], [0]).values[0] == pytest.approx(0.0, abs=0.3)


def test_without_centrality_every_leaf_has_the_same_chance() -> None:
    """All leaves differ in the missing feature only, so all are allowed; five of them, and 1,000 trees."""
    forest = RandomCutForest(dimensions=2, shingle_size=1, trees=1000, sample_size=20, time_decay=0.0)
    for value in (1.0, 2.0, 3.0, 4.0, 5.0):
        forest.update([0.0, value])
    answers = []
    for _ in range(40):
        answers.append(tuple(np.concatenate(forest.impute([0.0, 0.0], [1], centrality=0.0)).tolist()))
        forest.update([0.0, 0.0], weight=0.0)  # the next record draws anew
    middles = [answer[1] for answer in answers]
    assert np.mean(middles) == pytest.approx(3.0, abs=0.1)
    assert {answer[3] for answer in answers} == {1.0}  # a fifth has 1, and the lower percentile is the tenth
    assert {answer[5] for answer in answers} == {5.0}


def test_chance_is_the_same_each_time_and_for_each_copy() -> None:
    forest = RandomCutForest(dimensions=2, shingle_size=2, trees=20, sample_size=64, seed=3)
    forest.process_many(circle(200))
    copy = RandomCutForest.from_bytes(forest.to_bytes())
    first = np.stack(forest.impute([0.1, 0.0], [1], centrality=0.2))
    assert np.stack(forest.impute([0.1, 0.0], [1], centrality=0.2)).tolist() == first.tolist()
    assert np.stack(copy.impute([0.1, 0.0], [1], centrality=0.2)).tolist() == first.tolist()
    assert np.stack(forest.impute([0.1, 0.0], [1], centrality=0.7)).tolist() != first.tolist()


def test_before_readiness_the_missing_values_are_nan() -> None:
    found = RandomCutForest(dimensions=2, shingle_size=3).impute([1.0, 2.0], [0])
    for values in found:
        assert math.isnan(values[0])
        assert values[1] == 2.0


def test_nothing_missing_is_the_record_itself() -> None:
    forest = RandomCutForest(dimensions=2, shingle_size=1, trees=3, sample_size=8)
    forest.process_many(circle(20))
    assert [values.tolist() for values in forest.impute([1.0, 2.0], [])] == [[1.0, 2.0]] * 3


@pytest.mark.parametrize(
    ("shingle_size", "missing", "centrality", "message"),
    [
        (1, [0, 1, 2], 1.0, "at most half"),
        (8, [4], 1.0, "below 4"),
        (8, [-1], 1.0, "below 4"),
        (8, [1, 1], 1.0, "different"),
        (8, [1], 1.1, "centrality"),
        (8, [1], math.nan, "centrality"),
    ],
)
def test_what_cannot_be_answered_is_refused(
    shingle_size: int, missing: list[int], centrality: float, message: str
) -> None:
    forest = RandomCutForest(dimensions=4, shingle_size=shingle_size)
    with pytest.raises(UsageError, match=message):
        forest.impute([1.0, 2.0, 3.0, 4.0], missing, centrality)


def test_a_known_value_must_be_a_number() -> None:
    forest = RandomCutForest(dimensions=4, shingle_size=2)
    with pytest.raises(UsageError, match="finite"):
        forest.impute([math.nan, 2.0, math.nan, 4.0], [0])


def test_percentiles_are_values_that_occur() -> None:
    column = np.arange(1.0, 51.0)[::-1, None]
    assert [percentile(column, percent)[0] for percent in (10, 50, 90)] == [5.0, 25.0, 45.0]
    assert [percentile(column[:1], percent)[0] for percent in (10, 50, 90)] == [50.0] * 3
    assert percentile(column[:3], 50)[0] == 49.0
