"""Parameters: their defaults, their ranges, and the fingerprint."""

from __future__ import annotations

import math
from typing import Any

import pytest

from stream_rcf.core.arrival_parameters import ArrivalParameters
from stream_rcf.core.parameters import (
    DetectorParameters,
    ForestParameters,
    LikelihoodParameters,
    ThresholdParameters,
)
from stream_rcf.errors import UsageError


def test_defaults_are_the_contracts() -> None:
    forest = ForestParameters()
    assert (forest.trees, forest.sample_size, forest.shingle_size, forest.seed) == (50, 256, 8, 0)
    assert forest.decay == 1 / 2560
    assert forest.output_after == 64
    assert forest.point_dimensions == 8


def test_derived_numbers_follow_what_is_given() -> None:
    forest = ForestParameters(sample_size=100, dimensions=3, shingle_size=5)
    assert (forest.decay, forest.output_after, forest.point_dimensions) == (1 / 1000, 25, 15)
    assert ForestParameters(time_decay=0.0).decay == 0.0
    assert ForestParameters(sample_size=2).output_after == 1


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("trees", [0, -1, 1001]),
        ("sample_size", [0, 1, 32_769]),
        ("dimensions", [0, -3]),
        ("shingle_size", [0]),
        ("time_decay", [-0.1, 1.0, math.nan, math.inf]),
        ("seed", [2**63, -(2**63) - 1]),
    ],
)
def test_a_forest_parameter_outside_its_range_is_refused_by_name(name: str, values: list[Any]) -> None:
    for value in values:
        with pytest.raises(UsageError, match=rf"{name} is {value!r}, but must be"):
            ForestParameters(**{name: value})


def test_a_point_has_a_limit() -> None:
    with pytest.raises(UsageError, match="32768"):
        ForestParameters(dimensions=32_768, shingle_size=2)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("z_factor", [1.9, 10.1, math.nan]),
        ("lower_threshold", [0.0, 8.1, math.nan]),
        ("initial_threshold", [0.0, 8.1]),
        ("anomaly_rate", [0.0, 1.0]),
        ("score_differencing", [-0.1, 1.1, math.nan]),
    ],
)
def test_a_threshold_parameter_outside_its_range_is_refused_by_name(name: str, values: list[float]) -> None:
    for value in values:
        with pytest.raises(UsageError, match=rf"{name} is {value!r}, but must be"):
            ThresholdParameters(**{name: value})


def test_features_must_match_the_forest() -> None:
    with pytest.raises(UsageError, match="2 names"):
        DetectorParameters(("a",), ForestParameters(dimensions=2))


@pytest.mark.parametrize("pause", [-1, 10**13 + 1])
def test_a_pause_outside_its_range_is_refused_by_name(pause: int) -> None:
    with pytest.raises(UsageError, match=f"retire_after_ms is {pause}, but must be between 0 and"):
        DetectorParameters(retire_after_ms=pause)


def test_the_fingerprint_is_pinned() -> None:
    """If this changes, every checkpoint of every user is refused: let it change on purpose only."""
    assert DetectorParameters().fingerprint() == "be437a2e9e44d736"


def test_everything_that_shapes_a_model_is_in_the_fingerprint() -> None:
    forest, threshold = ForestParameters(), ThresholdParameters()
    variants = [
        DetectorParameters(),
        DetectorParameters(("other",)),
        DetectorParameters(("a", "b"), ForestParameters(dimensions=2)),
        DetectorParameters(("b", "a"), ForestParameters(dimensions=2)),
        *(
            DetectorParameters(forest=ForestParameters(**{name: getattr(forest, name) + 1}))
            for name in FOREST
        ),
        DetectorParameters(forest=ForestParameters(time_decay=0.5)),
        DetectorParameters(likelihood=None),
        DetectorParameters(likelihood=LikelihoodParameters(1.0)),
        DetectorParameters(likelihood=LikelihoodParameters(0.0)),
        DetectorParameters(likelihood=LikelihoodParameters(corrections=0)),
        DetectorParameters(arrival=ArrivalParameters(max_gap_ms=1)),
        DetectorParameters(arrival=ArrivalParameters(remembered_ids=1)),
        DetectorParameters(cooldown_ms=1),
        DetectorParameters(retire_after_ms=1),
        DetectorParameters(retire_after_ms=2),
        *(
            DetectorParameters(threshold=ThresholdParameters(**{name: getattr(threshold, name) * 0.9}))
            for name in THRESHOLD
        ),
    ]
    fingerprints = [variant.fingerprint() for variant in variants]
    assert len(set(fingerprints)) == len(fingerprints)
    assert all(len(text) == 16 and int(text, 16) >= 0 for text in fingerprints)


FOREST = ("trees", "sample_size", "shingle_size", "seed")
THRESHOLD = ("z_factor", "lower_threshold", "initial_threshold", "anomaly_rate", "score_differencing")


def test_a_default_written_out_is_the_same_model() -> None:
    written = DetectorParameters(forest=ForestParameters(time_decay=1 / 2560))
    assert written.fingerprint() == DetectorParameters().fingerprint()


@pytest.mark.parametrize("budget", [-0.1, 1000.1, float("nan")])
def test_a_budget_outside_its_range_is_refused_by_name(budget: float) -> None:
    with pytest.raises(UsageError, match=r"alert_budget is .*, but must be between 0 and 1000"):
        LikelihoodParameters(budget)
