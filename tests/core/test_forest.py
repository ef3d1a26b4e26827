"""`RandomCutForest` as people use it: shapes, readiness, refusals."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable

import numpy as np
import pytest

import stream_rcf
from stream_rcf import RandomCutForest
from stream_rcf.errors import CheckpointError, UsageError


def test_the_package_offers_its_classes_and_nothing_it_does_not_have() -> None:
    assert stream_rcf.RandomCutForest is RandomCutForest
    assert stream_rcf.Detector.__name__ == "Detector"
    assert stream_rcf.Forecaster.__name__ == "Forecaster"
    with pytest.raises(AttributeError, match="Forest"):
        _ = stream_rcf.Forest


@pytest.mark.parametrize(
    ("sample_size", "shingle_size", "first_scored"),
    [(256, 1, 64), (256, 8, 64), (256, 100, 100), (2, 1, 1), (8, 4, 4)],
)
def test_the_first_score_comes_when_there_is_something_to_compare_with(
    sample_size: int, shingle_size: int, first_scored: int
) -> None:
    forest = RandomCutForest(shingle_size=shingle_size, trees=3, sample_size=sample_size)
    scores = forest.process_many(np.random.default_rng(1).normal(size=200))
    assert (scores[:first_scored] == 0).all()
    assert (scores[first_scored:] > 0).all()


def test_before_readiness_score_and_attribution_are_zero() -> None:
    forest = RandomCutForest(dimensions=2, shingle_size=3)
    assert forest.score([1.0, 2.0]) == 0.0
    assert (forest.attribution([1.0, 2.0]) == np.zeros((6, 2))).all()


def test_one_dimension_takes_a_flat_array_with_the_same_bits() -> None:
    x = np.random.default_rng(2).normal(size=300)
    flat, column = RandomCutForest(trees=3, sample_size=16), RandomCutForest(trees=3, sample_size=16)
    assert flat.process_many(x).tobytes() == column.process_many(x[:, None]).tobytes()


def test_lists_and_float32_and_whole_numbers_are_taken() -> None:
    rows = [[1, 2], [3, 4], [1, 2]]
    forests = [RandomCutForest(dimensions=2, shingle_size=1, trees=2, sample_size=4) for _ in range(3)]
    given = (rows, np.array(rows, np.float32), np.asfortranarray(np.array(rows, np.int64)))
    results = {forest.process_many(x).tobytes() for forest, x in zip(forests, given, strict=True)}
    assert len(results) == 1


def test_no_records_are_no_scores() -> None:
    forest = RandomCutForest(dimensions=3)
    assert forest.process_many(np.empty((0, 3))).shape == (0,)
    assert forest.events_seen == 0


@pytest.mark.parametrize("x", [[1.0, 2.0], [[1.0, 2.0]], [[[1.0, 2.0, 3.0]]], 1.0])
def test_another_shape_is_refused_by_name(x: object) -> None:
    with pytest.raises(UsageError, match=r"must be \(n, 3\)"):
        RandomCutForest(dimensions=3).process_many(x)


@pytest.mark.parametrize("method", ["score", "update", "attribution"])
def test_a_point_of_another_length_is_refused(method: str) -> None:
    with pytest.raises(UsageError, match="2 values, but must have 3"):
        getattr(RandomCutForest(dimensions=3), method)([1.0, 2.0])


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), 1e39, -1e300, 3.4028236e38])
@pytest.mark.parametrize("method", ["process_many", "score", "update", "attribution"])
def test_what_float32_cannot_hold_is_refused_and_changes_nothing(method: str, value: float) -> None:
    forest = RandomCutForest(shingle_size=2, trees=2, sample_size=4)
    forest.process_many([1.0, 2.0, 3.0, 4.0, 5.0])
    before = forest.to_bytes()
    with pytest.raises(UsageError, match="not a finite 32-bit number"):
        getattr(forest, method)([value])
    with pytest.raises(UsageError, match="not a finite 32-bit number"):
        forest.process_many([1.0, value, 2.0])
    assert forest.to_bytes() == before


def test_the_largest_float32_is_learned() -> None:
    most = float(np.finfo(np.float32).max)
    forest = RandomCutForest(shingle_size=1, trees=3, sample_size=4)
    scores = forest.process_many([most, -most, most, 0.0, -most] * 4)
    assert np.isfinite(scores).all()


def test_negative_zero_is_zero() -> None:
    positive, negative = (RandomCutForest(shingle_size=1, trees=2, sample_size=4) for _ in range(2))
    positive.process_many([0.0, 1.0, 0.0, 0.0])
    negative.process_many([-0.0, 1.0, -0.0, 0.0])
    assert positive.to_bytes() == negative.to_bytes()
    assert positive.score([-0.0]) == positive.score([0.0])


def test_update_learns_what_process_many_learns() -> None:
    x = np.random.default_rng(3).normal(size=(80, 2))
    scored, taught = (RandomCutForest(dimensions=2, shingle_size=2, trees=3, sample_size=8) for _ in range(2))
    scored.process_many(x)
    for record in x:
        taught.update(record)
    assert taught.to_bytes() == scored.to_bytes()
    assert taught.events_seen == 80


def test_a_score_is_that_of_the_next_record() -> None:
    forest = RandomCutForest(dimensions=2, shingle_size=3, trees=5, sample_size=16)
    x = np.random.default_rng(4).normal(size=(100, 2))
    forest.process_many(x[:-1])
    asked = forest.score(x[-1])
    assert asked == forest.process_many(x[-1:])[0]


@pytest.mark.parametrize("data", [b"", b"RCFP", b"nonsense" * 20])
def test_from_bytes_refuses_what_to_bytes_did_not_write(data: bytes) -> None:
    with pytest.raises(CheckpointError):
        RandomCutForest.from_bytes(data)


def test_from_bytes_refuses_impossible_parameters() -> None:
    data = bytearray(RandomCutForest(trees=2, sample_size=4).to_bytes())
    data[4:8] = (0).to_bytes(4, "little")  # the number of trees
    with pytest.raises(CheckpointError, match="trees"):
        RandomCutForest.from_bytes(bytes(data))


@pytest.mark.parametrize(
    "copied", [copy.copy, copy.deepcopy, lambda found: pickle.loads(pickle.dumps(found))]
)
def test_a_copy_goes_on_by_itself(copied: Callable[[RandomCutForest], RandomCutForest]) -> None:
    x = np.random.default_rng(3).normal(size=(300, 2))
    ours = RandomCutForest(dimensions=2, shingle_size=2, trees=5, sample_size=32)
    ours.process_many(x[:200])
    other = copied(ours)
    expected = ours.process_many(x[200:])
    assert (other.process_many(x[200:]) == expected).all()
