"""Rules: an alert that one covers is none, and nothing else changes."""

from __future__ import annotations

import numpy as np
import pytest

from stream_rcf.core.batch import BlockBatch
from stream_rcf.core.block import KeyBlock
from stream_rcf.core.event_arrays import plain_events
from stream_rcf.core.explanation import EXPECTED
from stream_rcf.core.model import model_of
from stream_rcf.core.parameters import DetectorParameters, ForestParameters, LikelihoodParameters
from stream_rcf.core.process import GRADE, LIKELIHOOD, REASON, SCORE
from stream_rcf.core.reasons import Reason
from stream_rcf.core.rules import DROPS_MUTED, RISES_MUTED, EventRules, no_rules, no_sensitivity
from stream_rcf.core.scratch import new_scratch

QUIET, AT = 600, 600
BUDGETS = [2.0, 0.0]  # by likelihood, by threshold


def judged(
    spikes: list[float],
    budget: float,
    muted: list[int] | None,
    tolerance: list[list[float]] | None = None,
    sensitivity: list[list[float]] | None = None,
):
    """Results of a key's events, of which the last has these spikes; the rules are by feature."""
    features = len(spikes)
    forest = ForestParameters(20, 64, features, 4)
    names = tuple(f"f{i}" for i in range(features))
    model = model_of(DetectorParameters(names, forest, likelihood=LikelihoodParameters(budget)))
    x = np.random.default_rng(4).normal(size=(QUIET + 1, features))
    x[AT] += spikes
    count = len(x)
    rules = (
        no_rules(features)
        if muted is None
        else EventRules(
            np.tile(np.array(muted, np.uint8), (count, 1)),
            np.tile(np.array(tolerance or [[0.0, 0.0]] * features), (count, 1, 1)),
            no_sensitivity(features)
            if sensitivity is None
            else np.tile(np.array(sensitivity), (count, 1, 1)),
        )
    )
    arrays = plain_events(x, 300_000 * np.arange(count, dtype=np.int64))._replace(rules=rules)
    batch = BlockBatch(model, [new_scratch(model)], [KeyBlock(model, 1)] * count, arrays)
    batch.run()
    return batch.finish()


@pytest.mark.parametrize("budget", BUDGETS)
@pytest.mark.parametrize(
    ("spike", "muted", "is_alert"),
    [
        (30.0, 0, True),
        (30.0, RISES_MUTED, False),
        (30.0, DROPS_MUTED, True),
        (-30.0, RISES_MUTED, True),
        (-30.0, DROPS_MUTED, False),
        (30.0, RISES_MUTED | DROPS_MUTED, False),
    ],
)
def test_only_rises_or_only_drops(budget: float, spike: float, muted: int, is_alert: bool) -> None:
    results = judged([spike], budget, [muted])
    assert bool(results.numbers[AT, GRADE] > 0.0) is is_alert
    assert (Reason(results.integers[AT, REASON]) is Reason.RULE) is not is_alert


@pytest.mark.parametrize("budget", BUDGETS)
def test_a_rule_on_one_feature_hides_no_other(budget: float) -> None:
    both = RISES_MUTED | DROPS_MUTED
    assert judged([30.0, 0.0], budget, [both, 0]).numbers[AT, GRADE] == 0.0
    assert judged([30.0, 30.0], budget, [both, 0]).numbers[AT, GRADE] > 0.0
    assert judged([0.0, 30.0], budget, [both, 0]).numbers[AT, GRADE] > 0.0


@pytest.mark.parametrize("budget", BUDGETS)
def test_what_lies_near_what_was_expected_is_no_alert(budget: float) -> None:
    free = judged([30.0], budget, [0])
    off = 30.0 + abs(free.details[AT, 0, EXPECTED])
    assert judged([30.0], budget, [0], [[1.5 * off, 0.0]]).numbers[AT, GRADE] == 0.0
    assert judged([30.0], budget, [0], [[0.5 * off, 0.0]]).numbers[AT, GRADE] > 0.0
    assert judged([30.0], budget, [0], [[0.0, 1.5 * off]]).numbers[AT, GRADE] > 0.0, "it lies above"


def test_scores_and_likelihoods_are_what_they_would_be_without_rules() -> None:
    free, ruled = judged([30.0], 2.0, [0]), judged([30.0], 2.0, [RISES_MUTED | DROPS_MUTED])
    for column in (SCORE, LIKELIHOOD):
        assert (free.numbers[:, column] == ruled.numbers[:, column]).all()
    assert ruled.numbers[:, GRADE].max() == 0.0


ABOVE_LESS, ABOVE_MORE = [1 / 256, 1.0], [256.0, 1.0]  # by direction: above, below


def test_feedback_makes_alerts_of_a_feature_in_a_direction_rarer_or_more_frequent() -> None:
    """Of spikes that grow, the first that is an alert comes later with the one and sooner with the other."""

    def least(sensitivity: list[float] | None, sign: float = 1.0) -> float:
        sensitivities = None if sensitivity is None else [sensitivity]
        return next(
            spike
            for spike in np.arange(1.0, 12.0, 0.5)
            if judged([sign * spike], 2.0, [0], None, sensitivities).numbers[AT, GRADE] > 0.0
        )

    usual = least(None)
    assert least([1.0, 1.0]) == usual
    assert least(ABOVE_MORE) < usual < least(ABOVE_LESS)
    assert least(ABOVE_LESS, -1.0) == least(None, -1.0), "a drop is another direction"


def test_feedback_is_named_as_the_reason_and_changes_no_score() -> None:
    free, told = judged([5.0], 2.0, [0]), judged([5.0], 2.0, [0], None, [ABOVE_LESS])
    assert free.numbers[AT, GRADE] > 0.0 == told.numbers[AT, GRADE]
    assert Reason(told.integers[AT, REASON]) is Reason.RULE
    for column in (SCORE, LIKELIHOOD):
        assert (free.numbers[:, column] == told.numbers[:, column]).all()


@pytest.mark.parametrize("spikes", [[0.0, 5.0], [5.0, 5.0], [5.0, -5.0]])
def test_feedback_on_one_feature_hides_no_other(spikes: list[float]) -> None:
    told = judged(spikes, 2.0, [0, 0], None, [[1 / 256, 1 / 256], [1.0, 1.0]])
    assert told.numbers[AT, GRADE] > 0.0


def test_however_sensitive_what_is_no_news_is_no_alert() -> None:
    more = judged([0.0], 2.0, [0], None, [[256.0, 256.0]])
    few = judged([0.0], 2.0, [0], None, [[1.0, 1.0]])
    count = [int((results.numbers[:, GRADE] > 0.0).sum()) for results in (few, more)]
    assert count[0] <= count[1] <= 15, (
        "half of the share that is no news, of 500 events, and as much to spare"
    )


def test_an_event_without_rules_is_judged_alike_beside_others_that_have_some() -> None:
    """Arrays that say nothing are what such an event has in a batch in which another has rules."""
    for spike in np.arange(1.0, 9.0, 0.05):
        alone = judged([spike], 2.0, None)
        beside = judged([spike], 2.0, [0], [[0.0, 0.0]], [[1.0, 1.0]])
        assert (alone.numbers == beside.numbers).all()
        assert (alone.integers == beside.integers).all()
