"""Baseline and likelihood against their slow twin, by what they promise, and where they could break."""

from __future__ import annotations

import numpy as np
import pytest

from stream_rcf.core.detector import Detector
from stream_rcf.core.inspect import views
from stream_rcf.core.layout import BASELINE_SIZE
from tests.oracle.naive_likelihood import NaiveLikelihood
from tests.oracle.streams import constant, duplicates, gaussian, huge, mixed, tied, tiny

STREAMS = [gaussian, tied, constant, duplicates, huge, tiny, mixed]
HOUR = 3_600_000


def detector(features: int = 1, **arguments: object) -> Detector:
    names = [f"f{i}" for i in range(features)]
    return Detector(features=names, **{"trees": 5, "sample_size": 32, "shingle_size": 2, **arguments})


def process(subject: Detector, x: np.ndarray, start: int = 0) -> list[dict[str, object]]:
    names = subject.parameters.features
    return [
        subject.process(dict(zip(names, row.tolist(), strict=True)), (start + i) * HOUR)
        for i, row in enumerate(x)
    ]


@pytest.mark.parametrize("stream", STREAMS, ids=lambda stream: stream.__name__)
@pytest.mark.parametrize("features", [1, 2])
def test_every_likelihood_is_the_slow_twin_s(stream: object, features: int) -> None:
    x = stream(np.random.default_rng(3), 400, features)
    subject = detector(features, seed=4, key="a", time_decay=0.01)
    twin = NaiveLikelihood(features, 2, 5, 32, 0.01, 4, "a")

    for record, row in zip(process(subject, x), x, strict=True):
        expected = twin.process(row.tolist(), record["anomaly_score"])
        assert record["anomaly_likelihood"] == pytest.approx(expected, abs=5e-3)  # float32 sums
        assert 0.0 <= record["anomaly_likelihood"] <= 1.0


def test_the_sample_stays_in_order_whatever_comes() -> None:
    subject = detector(2)
    process(subject, mixed(np.random.default_rng(1), 500, 2))
    parts = views(subject._block)
    size = int(parts.baseline[BASELINE_SIZE])

    assert size == 4 * 32
    assert (np.diff(parts.usual[:, :size], axis=1) >= 0).all()
    assert (np.sort(parts.usual_slot[:, :size], axis=1) == np.arange(size)).all()


@pytest.mark.parametrize("quick", [False, True])
def test_a_restored_detector_goes_on_with_the_same_likelihoods(quick: bool) -> None:
    x = gaussian(np.random.default_rng(2), 900, 2)
    for cut in (1, 20, 300):
        subject, other = detector(2), detector(2)
        process(subject, x[:cut])
        other.restore(subject.to_bytes(quick=quick))

        assert process(other, x[cut:], cut) == process(subject, x[cut:], cut)


def test_a_spike_a_step_and_a_slow_shift_are_all_unlikely() -> None:
    random = np.random.default_rng(5)
    for change in ([8.0], [5.0] * 5, [2.5] * 100):
        x = random.normal(size=(3000 + len(change), 1))
        x[3000:, 0] += change
        subject = Detector(seed=1)
        found = process(subject, x)

        assert max(record["anomaly_likelihood"] for record in found[3000:]) > 0.999


def test_what_goes_on_is_no_news() -> None:
    x = np.random.default_rng(6).normal(size=(2040, 1))
    x[2000:] += 12.0
    found = [record["anomaly_likelihood"] for record in process(Detector(seed=1), x)]

    assert found[2000] > 0.999
    assert sum(likelihood > 0.99 for likelihood in found[2010:]) <= 2


def test_the_scale_of_a_feature_changes_nothing() -> None:
    x = np.random.default_rng(7).normal(size=(800, 1)).astype(np.float32)
    plain = [record["anomaly_likelihood"] for record in process(detector(), x)]

    for factor in (2.0**-20, 2.0**20):
        assert [record["anomaly_likelihood"] for record in process(detector(), x * factor)] == plain


def test_a_budget_decides_and_says_what_it_held_back() -> None:
    x = np.random.default_rng(8).normal(size=(2500, 1))
    x[2400] = 15.0
    by_threshold = process(Detector(seed=1, alert_budget=None), x)
    by_budget = process(Detector(seed=1, alert_budget=1.0), x)

    assert by_budget[2400]["is_anomaly"]
    assert 1 / 16 <= by_budget[2400]["anomaly_grade"] <= 1.0
    alerts = [record["is_anomaly"] for record in by_budget]
    assert 1 <= sum(alerts) <= 6, "2,500 hours are fifteen weeks, of which one alert each is bearable"
    for theirs, ours in zip(by_threshold, by_budget, strict=True):
        assert ours["anomaly_score"] == theirs["anomaly_score"]
        assert ours["anomaly_likelihood"] == theirs["anomaly_likelihood"]
        if theirs["is_anomaly"] and not ours["is_anomaly"]:
            assert ours["reason"] in {"within_budget", "already_alerted", "drift", "anomaly_in_shingle"}


def test_a_key_that_begins_anew_knows_nothing_of_its_baseline() -> None:
    x = gaussian(np.random.default_rng(9), 300, 1)
    subject = detector(retire_after_seconds=7200)
    process(subject, x * 100.0 + 5000.0)
    after = process(subject, x, 10_000)

    fresh = process(detector(retire_after_seconds=7200), x, 10_000)
    assert [r["anomaly_likelihood"] for r in after] == [r["anomaly_likelihood"] for r in fresh]


def test_a_key_of_many_features_with_heavy_tails_keeps_about_its_budget() -> None:
    """What is believed of tails does not hold here, so what the key's own events were like has to; else it has five."""
    features, events, settled = 20, 6000, 2000
    subject = Detector(
        features=[f"f{i}" for i in range(features)], trees=5, sample_size=64, shingle_size=1, seed=1
    )
    x = np.exp(np.random.default_rng(7).normal(size=(events, features)))
    found = [
        subject.process(dict(zip(subject.parameters.features, row.tolist(), strict=True)), 300_000 * i)
        for i, row in enumerate(x)
    ]
    budget = 2 * (events - settled) * 300_000 / (7 * 24 * HOUR)

    assert sum(record["is_anomaly"] for record in found[settled:]) < 3 * budget
