"""The forest as river's users take it: river's own checks, its pipelines, and features that come and go."""

from __future__ import annotations

import copy
import math
import pickle
import random
import subprocess
import sys
from collections.abc import Callable, Hashable
from typing import Any

import numpy as np
import pytest
from river import anomaly, checks, compose, datasets, metrics, preprocessing, stats

from stream_rcf.core.forest import RandomCutForest as CoreForest
from stream_rcf.errors import UsageError
from stream_rcf.river import RandomCutForest

Record = dict[Hashable, Any]
SMALL = {"trees": 10, "sample_size": 32, "seed": 3}


def records(count: int, seed: int = 1) -> list[Record]:
    """Two features that go together, and now and then a spike in one of them."""
    generator = random.Random(seed)
    found: list[Record] = []
    for i in range(count):
        level = math.sin(i / 5.0)
        spike = 6.0 * (generator.random() < 0.02)
        found.append(
            {"b": level + generator.gauss(0.0, 0.1), "a": -level + generator.gauss(0.0, 0.1) + spike}
        )
    return found


def scores_of(model: Any, stream: list[Record]) -> list[float]:
    found = []
    for x in stream:
        found.append(model.score_one(x))
        assert model.learn_one(x) is None
    return found


def learned(count: int = 300, **parameters: Any) -> RandomCutForest:
    model = RandomCutForest(**{**SMALL, **parameters})
    scores_of(model, records(count))
    return model


@pytest.mark.parametrize("parameters", [{}, {**SMALL, "shingle_size": 4}], ids=["defaults", "shingled"])
def test_it_passes_rivers_own_checks(parameters: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    # The checks feed anomaly detectors a file that river fetches from the network; this one river brings along.
    monkeypatch.setattr(datasets, "CreditCard", datasets.Shuttle)
    model = RandomCutForest(**parameters)
    asked = [check.__name__ for check in checks.yield_checks(model)]
    assert {"check_roc_auc", "check_emerging_features", "check_disappearing_features"} <= set(asked)
    assert model._unit_test_skips() == set()
    checks.check_estimator(model)


def test_the_scores_are_those_of_the_forest() -> None:
    stream = records(300)
    forest = CoreForest(dimensions=2, shingle_size=3, **SMALL)
    rows = np.array([[x["a"], x["b"]] for x in stream])
    assert scores_of(RandomCutForest(shingle_size=3, **SMALL), stream) == forest.process_many(rows).tolist()


def test_a_score_is_0_until_the_forest_is_ready_and_then_within_its_range() -> None:
    scores = scores_of(RandomCutForest(**SMALL), records(300))
    assert scores[:8] == [0.0] * 8
    assert all(0.0 < score <= math.log2(33) for score in scores[8:])


def test_an_anomaly_has_the_highest_score() -> None:
    model = learned()
    assert model.score_one({"a": 50.0, "b": 0.0}) > 2.0 * model.score_one(records(301)[-1])


def test_scoring_does_not_move_the_shingle() -> None:
    model, undisturbed = learned(shingle_size=4), learned(shingle_size=4)
    before = pickle.dumps(model)
    x = {"a": 50.0, "b": 3.0}
    assert model.score_one(x) == model.score_one(x)
    assert pickle.dumps(model) == before
    rest = records(320)[300:]
    assert scores_of(model, rest) == scores_of(undisturbed, rest)


@pytest.mark.parametrize(
    "copied",
    [
        lambda model: pickle.loads(pickle.dumps(model)),
        copy.deepcopy,
        lambda model: model.clone(include_attributes=True),
    ],
    ids=["pickle", "deepcopy", "clone with its state"],
)
def test_a_copy_goes_on_with_the_same_scores(copied: Callable[[RandomCutForest], RandomCutForest]) -> None:
    model = learned(shingle_size=2)
    other = copied(model)
    rest = records(600)[300:]
    expected = scores_of(learned(shingle_size=2), rest)
    assert scores_of(other, rest) == expected
    assert scores_of(model, rest) == expected, "the copy has memory of its own"


def test_a_clone_begins_anew() -> None:
    model = learned()
    clone = model.clone()
    assert clone.score_one({"a": 50.0, "b": 0.0}) == 0.0
    assert scores_of(clone, records(100)) == scores_of(RandomCutForest(**SMALL), records(100))


def test_the_order_of_features_does_not_matter() -> None:
    turned: list[Record] = [dict(reversed(x.items())) for x in records(200)]
    assert scores_of(RandomCutForest(**SMALL), turned) == scores_of(RandomCutForest(**SMALL), records(200))


def test_features_may_have_any_names() -> None:
    named: list[Record] = [{1: x["a"], "1": x["b"], ("c", 2): 0.5, None: 1} for x in records(100)]
    turned: list[Record] = [dict(reversed(x.items())) for x in named]
    scores = scores_of(RandomCutForest(**SMALL), named)
    assert scores[-1] > 0.0
    assert scores == scores_of(RandomCutForest(**SMALL), turned)


def test_a_feature_that_emerges_is_passed_over() -> None:
    more: list[Record] = [{**x, "c": "whatever"} if i else x for i, x in enumerate(records(200))]
    assert scores_of(RandomCutForest(**SMALL), more) == scores_of(RandomCutForest(**SMALL), records(200))


def test_named_features_wait_for_their_first_value() -> None:
    given: list[Record] = [{"a": x["a"], "b": x["b"] if i >= 50 else 0.0} for i, x in enumerate(records(200))]
    late: list[Record] = [x if i >= 50 else {"a": x["a"]} for i, x in enumerate(records(200))]
    expected = scores_of(RandomCutForest(**SMALL), given)
    assert scores_of(RandomCutForest(features=["b", "a"], **SMALL), late) == expected


@pytest.mark.parametrize("nothing", [None, math.nan, np.float32("nan")])
def test_a_feature_that_is_missing_keeps_its_last_value(nothing: object) -> None:
    stream = records(200)
    filled: list[Record] = []
    holed: list[Record] = []
    absent: list[Record] = []
    for i, x in enumerate(stream):
        is_missing = i > 0 and i % 3 == 0
        filled.append({"a": x["a"], "b": filled[-1]["b"] if is_missing else x["b"]})
        holed.append({"a": x["a"], "b": nothing if is_missing else x["b"]})
        absent.append({"a": x["a"]} if is_missing else x)
    expected = scores_of(RandomCutForest(**SMALL), filled)
    assert scores_of(RandomCutForest(**SMALL), holed) == expected
    assert scores_of(RandomCutForest(**SMALL), absent) == expected


@pytest.mark.parametrize("value", ["1.5", "high", b"1", [1.0, 2.0], 1j, math.inf, 1e39, 10**400])
def test_what_is_no_number_is_refused_and_changes_nothing(value: object) -> None:
    model = learned()
    before = pickle.dumps(model)
    for ask in (model.score_one, model.learn_one):
        with pytest.raises(UsageError, match="number"):
            ask({"a": 1.0, "b": value})
    assert pickle.dumps(model) == before
    fresh = RandomCutForest(**SMALL)
    with pytest.raises(UsageError, match="number"):
        fresh.learn_one({"city": value})
    assert scores_of(fresh, records(100)) == scores_of(RandomCutForest(**SMALL), records(100))


def test_numbers_of_any_kind_are_taken() -> None:
    plain: list[Record] = [{"a": float(i % 7), "b": float(i % 2)} for i in range(100)]
    kinds: list[Record] = [{"a": np.int16(i % 7), "b": i % 2 == 1} for i in range(100)]
    assert scores_of(RandomCutForest(**SMALL), kinds) == scores_of(RandomCutForest(**SMALL), plain)


def test_a_first_record_without_features_is_passed_over() -> None:
    model = RandomCutForest(**SMALL)
    assert scores_of(model, [{}, {}]) == [0.0, 0.0]
    assert scores_of(model, records(100)) == scores_of(RandomCutForest(**SMALL), records(100))


@pytest.mark.parametrize(
    ("parameters", "part"),
    [
        ({"trees": 0}, "trees is 0"),
        ({"time_decay": 2.0}, "time_decay"),
        ({"features": "ab"}, "list of names"),
    ],
)
def test_parameters_out_of_range_are_refused_at_once(parameters: dict[str, Any], part: str) -> None:
    with pytest.raises(UsageError, match=part):
        RandomCutForest(**parameters)


def test_it_works_at_the_end_of_a_pipeline() -> None:
    model = preprocessing.StandardScaler() | RandomCutForest(seed=1)
    auc = metrics.ROCAUC()
    for x, y in datasets.Shuttle().take(3000):
        auc.update(bool(y), min(1.0, model.score_one(x) / 8.0))
        model.learn_one(x)
    assert auc.get() > 0.9


def test_it_works_in_a_quantile_filter() -> None:
    model = compose.Pipeline(
        preprocessing.StandardScaler(), anomaly.QuantileFilter(RandomCutForest(**SMALL), q=0.98)
    )
    found = {True: stats.Mean(), False: stats.Mean()}
    for i, x in enumerate(records(1000)):
        score = model.score_one(x)
        is_anomaly = model["QuantileFilter"].classify(score)
        model.learn_one(x)
        if i >= 100:
            found[is_anomaly].update(x["a"] + x["b"] > 3.0)
    assert found[True].n < 50
    assert found[True].get() > 0.3, "of what is filtered many are the spikes"
    assert found[False].get() < 0.01, "and few are left"


def test_without_river_it_says_what_to_install() -> None:
    program = "import sys; sys.modules['river'] = None; import stream_rcf.river"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "pip install 'stream-rcf[river]'" in done.stderr.splitlines()[-1]
