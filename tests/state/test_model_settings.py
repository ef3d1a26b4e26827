from __future__ import annotations

from dataclasses import replace

import pytest

from stream_rcf.core.aggregates import WindowParameters
from stream_rcf.core.parameters import (
    DetectorParameters,
    ForestParameters,
    LikelihoodParameters,
    ThresholdParameters,
)
from stream_rcf.state.model_settings import differing_settings, model_settings

OURS = DetectorParameters()


@pytest.mark.parametrize(
    ("theirs", "sentences"),
    [
        (OURS, []),
        (replace(OURS, forest=ForestParameters(trees=40)), ["forest.trees is 40 there and 50 here"]),
        (replace(OURS, forest=ForestParameters(seed=-1)), ["forest.seed is -1 there and 0 here"]),
        (
            replace(OURS, forest=ForestParameters(sample_size=100)),
            [
                "forest.sample_size is 100 there and 256 here",
                "forest.time_decay is 0.001 there and 0.000390625 here",
            ],
        ),
        (
            replace(OURS, threshold=ThresholdParameters(z_factor=4.0)),
            ["detector.z_factor is 4.0 there and 3.0 here"],
        ),
        (
            replace(OURS, likelihood=LikelihoodParameters(0.0)),
            ["detector.alert_budget is unused (detector.decision is threshold) there and 2.0 here"],
        ),
        (
            replace(OURS, retire_after_ms=5000),
            ["keys.retire_after_seconds, in ms is 5000 there and 0 here"],
        ),
        (
            replace(OURS, features=("count",), windows=WindowParameters(5000, 3)),
            [
                "events.empty_windows is 3 there and unknown here",
                "events.features is ('count',) there and ('value',) here",
                "events.window_ms is 5000 there and unknown here",
            ],
        ),
        (replace(OURS, features=("cpu",)), ["events.features is ('cpu',) there and ('value',) here"]),
        (
            replace(OURS, features=("a", "b"), forest=ForestParameters(dimensions=2)),
            ["events.features is ('a', 'b') there and ('value',) here"],
        ),
    ],
)
def test_what_differs_is_named_as_the_settings_are(theirs, sentences):
    assert differing_settings(model_settings(theirs), model_settings(OURS)) == sentences
    assert bool(sentences) == (theirs.fingerprint() != OURS.fingerprint())


def test_a_default_is_the_same_as_its_value():
    explicit = replace(OURS, forest=ForestParameters(time_decay=1 / 2560))
    assert explicit.fingerprint() == OURS.fingerprint()
    assert model_settings(explicit) == model_settings(OURS)


def test_another_version_is_named():
    theirs = model_settings(OURS) | {"version of the scores": "(1, 1)", "forest.new": "3"}
    del theirs["forest.seed"]
    assert differing_settings(theirs, model_settings(OURS)) == [
        "forest.new is 3 there and unknown here",
        "forest.seed is unknown there and 0 here",
        f"version of the scores is (1, 1) there and {model_settings(OURS)['version of the scores']} here",
    ]


def test_a_value_made_up_cannot_disturb_the_terminal_or_fill_it():
    (sentence,) = differing_settings({"\x1b[2J": "x" * 10**6}, {})
    assert "\x1b" not in sentence
    assert len(sentence) < 300
