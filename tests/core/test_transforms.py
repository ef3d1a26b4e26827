"""Transforms: scores are those of the transformed values, and everything that is told is told as the event had it."""

from __future__ import annotations

import math

import numpy as np
import pytest

from stream_rcf.core.detector import Detector
from stream_rcf.core.inputs import require_float32
from tests.core.test_arrival import MINUTE, Key
from tests.oracle.streams import gaussian, huge, mixed, tiny

SMALL = {"trees": 5, "sample_size": 32, "shingle_size": 3, "seed": 4, "key": "a"}
TOLD = ("anomaly_score", "anomaly_likelihood", "threshold", "anomaly_grade", "relevant_attribution", "reason")


def process(subject: Detector, x: np.ndarray) -> list[dict]:
    names = subject.parameters.features
    rows = (dict(zip(names, row.tolist(), strict=True)) for row in np.atleast_2d(x.T).T)
    return [subject.process(row, i * MINUTE) for i, row in enumerate(rows)]


def single(value: float) -> float:
    return float(np.float32(value))


def naive_log(values: list[float]) -> list[float]:
    return [math.copysign(math.log(1.0 + abs(value)), value) for value in values]


def naive_difference(values: list[float]) -> list[float]:
    return [value - before for before, value in zip([values[0], *values], values, strict=False)]


def naive_average(values: list[float], decay: float) -> list[float]:
    """Less the average of those before, which weighs each event by ``1 - decay`` more than the one before it."""
    found, average = [], values[0]
    for count, value in enumerate(values, 1):
        found.append(value - average)
        average += max(decay, 1.0 / count) * (value - average)
    return found


NAIVE = {
    "log": naive_log,
    "difference": naive_difference,
    "subtract_average": lambda values: naive_average(values, 0.01),
}


@pytest.mark.parametrize("stream", [gaussian, mixed, huge, tiny], ids=lambda stream: stream.__name__)
@pytest.mark.parametrize("name", NAIVE)
def test_scores_are_those_of_the_transformed_values(name: str, stream: object) -> None:
    values = [single(value) for value in stream(np.random.default_rng(7), 300, 1)[:, 0]]
    largest = single(3.4028234663852886e38)
    twin_values = [min(largest, max(-largest, value)) for value in NAIVE[name](values)]
    subject = Detector(transforms={"value": name}, time_decay=0.01, **SMALL)
    twin = Detector(time_decay=0.01, **SMALL)

    for found, expected in zip(
        process(subject, np.array(values)), process(twin, np.array(twin_values)), strict=True
    ):
        assert found["anomaly_score"] == pytest.approx(expected["anomaly_score"], rel=1e-5), (
            "logarithms round"
        )
        if name == "difference":
            assert {name: found[name] for name in TOLD} == {name: expected[name] for name in TOLD}


def test_what_was_expected_is_told_as_the_event_would_have_had_it() -> None:
    random = np.random.default_rng(1)
    counter = np.cumsum(random.poisson(5.0, 500)).astype(np.float64)
    counter[450:] += 400.0
    found = process(Detector(transforms={"value": "difference"}, seed=1), counter)[450]

    assert found["is_anomaly"]
    assert found["expected_values"]["value"] == pytest.approx(counter[449] + 5.0, abs=5.0)
    low, high = found["expected_band"]["value"]
    assert counter[449] <= low <= found["expected_values"]["value"] <= high < counter[449] + 20.0
    assert found["direction"] == {"value": "above"}


def test_what_was_expected_of_counts_is_a_count() -> None:
    random = np.random.default_rng(2)
    counts = random.poisson(100.0, 600).astype(np.float64)
    counts[550] = 4000.0
    found = process(Detector(transforms={"value": "log"}, seed=1), counts)[550]

    assert found["is_anomaly"]
    assert found["expected_values"]["value"] == pytest.approx(100.0, abs=25.0)
    assert found["values"] == {"value": 4000.0}


def test_a_trend_that_the_average_follows_is_no_anomaly_and_a_jump_is() -> None:
    random = np.random.default_rng(3)
    x = 0.05 * np.arange(3000) + random.normal(size=3000)
    x[2900] += 12.0
    found = process(Detector(transforms={"value": "subtract_average"}, seed=1), x)

    assert found[2900]["is_anomaly"]
    assert sum(record["is_anomaly"] for record in found[:2900]) <= 2


def test_the_difference_after_a_gap_is_none() -> None:
    parameters = {"dimensions": 1, "transforms": {"f0": "difference"}, "max_gap_ms": 10 * MINUTE}
    key, other = Key(**parameters), Key(**parameters)
    x = np.random.default_rng(1).normal(size=(60, 1))
    for subject in (key, other):
        subject.process(x[:50], MINUTE * np.arange(50))
    jumped = np.full((1, 1), 1000.0)
    again = MINUTE * np.array([5000])
    key.process(jumped, again)
    other.process(x[49:50], again)  # the value before: a difference of 0 too
    later = MINUTE * np.arange(5001, 5011)
    one, two = key.process(jumped + x[50:] - x[49], later)[0], other.process(x[50:], later)[0]

    assert np.allclose(one, two, atol=1e-4), "the same but for where the level lies"


def test_a_missing_feature_counts_as_it_was_before() -> None:
    for name in NAIVE:
        parameters = {"dimensions": 2, "transforms": {"f0": name}, "fills_missing": True}
        key, other = Key(**parameters), Key(**parameters)
        x = np.random.default_rng(1).normal(size=(60, 2))
        filled = x.copy()
        filled[40, 0] = np.float32(x[39, 0])
        x[40, 0] = np.nan
        times = MINUTE * np.arange(60)
        assert np.array_equal(key.process(x, times)[0], other.process(filled, times)[0])


@pytest.mark.parametrize("quick", [False, True])
@pytest.mark.parametrize("features", [1, 3])
def test_a_restored_detector_goes_on_as_if_nothing_had_been(quick: bool, features: int) -> None:
    names = [f"f{i}" for i in range(features)]
    x = mixed(np.random.default_rng(2), 700, features)
    require_float32(x)
    for cut in (1, 40, 400):
        subject, other = (
            Detector(names, transforms=dict(zip(names, NAIVE, strict=False)), **SMALL) for _ in range(2)
        )
        process(subject, x[:cut])
        other.restore(subject.to_bytes(quick=quick))
        assert process(other, x[cut:]) == process(subject, x[cut:])
        assert other.to_bytes() == subject.to_bytes()
