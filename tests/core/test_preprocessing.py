"""Which preprocessing may be asked for, and what of it shapes a model."""

from __future__ import annotations

import pytest

from stream_rcf.core.detector import Detector
from stream_rcf.core.parameters import DetectorParameters, ForestParameters, LikelihoodParameters
from stream_rcf.core.preprocessing import Preprocessing, Transform, preprocessing_of
from stream_rcf.errors import UsageError

FEATURES = ("a", "b")
TWO = ForestParameters(dimensions=2)


def of_two(preprocessing: Preprocessing) -> DetectorParameters:
    return DetectorParameters(FEATURES, TWO, preprocessing=preprocessing)


def test_features_are_named_and_the_others_are_left_as_they_are() -> None:
    found = preprocessing_of(FEATURES, {"b": "log"}, {"a": 2}, True)

    assert found.transforms == (Transform.NONE, Transform.LOG)
    assert found.weights == (2.0, 1.0)
    assert preprocessing_of(FEATURES, {}, {}, True) == Preprocessing()


@pytest.mark.parametrize(
    ("transforms", "weights", "said"),
    [
        ({"c": "log"}, {}, "transforms names the feature 'c', which is none of a, b"),
        ({}, {"c": 1.0}, "weights names the feature 'c'"),
        (
            {"a": "logarithm"},
            {},
            "the transform of 'a' is 'logarithm', but must be one of none, log, difference",
        ),
        ({}, {"a": 0.0}, "a weight is 0.0, but must be between"),
        ({}, {"a": float("nan")}, "a weight is nan"),
        ({}, {"a": float("inf")}, "a weight is inf"),
    ],
)
def test_what_makes_no_sense_is_refused(transforms: dict, weights: dict, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        Detector(FEATURES, transforms=transforms, weights=weights)


def test_weights_need_features_of_one_scale() -> None:
    with pytest.raises(UsageError, match="set normalize"):
        preprocessing_of(FEATURES, {}, {"a": 2.0}, False)


def test_as_many_entries_as_features() -> None:
    with pytest.raises(UsageError, match="transforms has 1 entries, but there are 2 features"):
        of_two(Preprocessing((Transform.LOG,)))
    with pytest.raises(UsageError, match="weights has 3 entries"):
        of_two(Preprocessing(weights=(1.0, 1.0, 1.0)))


def test_the_fingerprint_tells_all_that_can_change_a_score_and_nothing_else() -> None:
    different = [
        Preprocessing(),
        Preprocessing(normalize=False),
        Preprocessing(weights=(1.0, 2.0)),
        Preprocessing((Transform.LOG, Transform.NONE)),
        Preprocessing((Transform.NONE, Transform.LOG)),
    ]
    assert len({of_two(one).fingerprint() for one in different}) == len(different)
    nothing = Preprocessing((Transform.NONE, Transform.NONE))
    assert of_two(nothing).fingerprint() == of_two(Preprocessing()).fingerprint()


def test_a_single_feature_has_no_unit_and_neither_has_a_detector_without_baseline() -> None:
    without = DetectorParameters(FEATURES, TWO, likelihood=None)

    assert not without.has_units
    assert not DetectorParameters().has_units
    assert of_two(Preprocessing()).has_units
    assert DetectorParameters(FEATURES, TWO, likelihood=LikelihoodParameters(0.0)).has_units
    one, other = DetectorParameters(), DetectorParameters(preprocessing=Preprocessing(normalize=False))
    assert one.fingerprint() == other.fingerprint()
