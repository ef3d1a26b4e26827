"""The detector of one key: forest, threshold, reasons and attribution together, against both slow twins."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable

import numpy as np
import pytest

from stream_rcf.core.detector import Detector
from stream_rcf.core.incident import RESOLVED_AFTER
from stream_rcf.core.parameters import ThresholdParameters
from stream_rcf.errors import CheckpointError, UsageError
from tests.oracle.naive_forest import NaiveForest
from tests.oracle.naive_threshold import NaiveThreshold, confidence

TOLERANCE = 1e-9  # relative
FEATURES = ("cpu", "memory")


def spiky(count: int, seed: int = 5) -> np.ndarray:
    """Two quiet features, with a spike in one of them now and then, sometimes for several records."""
    random = np.random.default_rng(seed)
    x = random.normal(size=(count, 2)) * 0.2 + np.sin(np.arange(count) / 5)[:, None]
    for start in range(count // 4, count, 60):
        x[start : start + 1 + start % 3, start % 2] += random.choice([-6.0, 6.0])
    return x


def row(values: np.ndarray) -> dict[str, float]:
    """A record by feature."""
    return dict(zip(FEATURES, values.tolist(), strict=True))


def twin_shares(twin: NaiveForest, record: np.ndarray) -> list[float]:
    """Shares per feature of the shingled record that has most of the attribution, the newest of equals."""
    by_record = twin.attribution(record).sum(axis=1).reshape(-1, 2)[::-1]
    heaviest = by_record[by_record.sum(axis=1).argmax()]
    return [float(share) for share in heaviest / heaviest.sum()]


@pytest.mark.parametrize("shingle_size", [1, 4])
@pytest.mark.parametrize("key", ["", "host-1"])
def test_every_field_equals_the_twins(shingle_size: int, key: str) -> None:
    decay, sample_size = 0.02, 24
    detector = Detector(FEATURES, shingle_size, 5, sample_size, decay, seed=3, key=key, alert_budget=None)
    forest = NaiveForest(5, sample_size, 2, shingle_size, decay, 3, key)
    threshold = NaiveThreshold(decay, shingle_size)
    anomalies, started, latest = 0, 0, -RESOLVED_AFTER
    for event, record in enumerate(spiky(500)):
        shares = twin_shares(forest, record) if forest.score(record) > 0 else None
        score = forest.process(record)
        judgement = threshold.process(score)
        found = detector.process(row(record), timestamp=1000 * event)
        assert found["anomaly_score"] == pytest.approx(score, rel=TOLERANCE, abs=0.0)
        assert found["threshold"] == pytest.approx(judgement.threshold, rel=TOLERANCE)
        assert found["anomaly_grade"] == judgement.grade
        assert found["is_anomaly"] == (judgement.grade > 0)
        assert found["confidence"] == pytest.approx(confidence(decay, event + 1, 6), rel=TOLERANCE, abs=1e-12)
        assert found["model"]["events_seen"] == event + 1
        assert found["reason"] == expected_reason(
            event, shingle_size, score, judgement.threshold, judgement.grade
        )
        if judgement.grade > 0:
            anomalies += 1
            started = started if event - latest <= RESOLVED_AFTER else 1000 * event
            latest = event
            assert list(found["relevant_attribution"].values()) == pytest.approx(shares, rel=TOLERANCE)
            assert found["first_anomalous_timestamp"] == started
        else:
            assert found["relevant_attribution"] is None
            assert "first_anomalous_timestamp" not in found
    assert anomalies >= 8


def expected_reason(
    event: int, shingle_size: int, score: float, threshold: float, grade: float
) -> str | None:
    """Why there is no score, or why a high one was not flagged."""
    if event < shingle_size - 1:
        return "shingle_filling"
    if score == 0:
        return "warming_up"
    return "below_first_grade" if grade == 0 and score >= threshold else None


def test_a_high_score_below_the_first_grade_says_so() -> None:
    detector = Detector(FEATURES, 1, 5, 24, 0.02, seed=3)
    reasons = [detector.process(row(record), 0) for record in spiky(3000)]
    short_of_a_grade = [record for record in reasons if record["reason"] == "below_first_grade"]
    assert short_of_a_grade
    for record in short_of_a_grade:
        assert record["threshold"] == record["anomaly_score"]
        assert not record["is_anomaly"]


def test_the_record_has_the_fields_of_the_contract() -> None:
    record = Detector(["value"]).process({"value": 12.5, "ignored": 1.0}, timestamp=1767225600000)
    assert record == {
        "key": "",
        "timestamp": 1767225600000,
        "values": {"value": 12.5},
        "anomaly_score": 0.0,
        "anomaly_likelihood": 0.0,
        "threshold": 1.5,
        "anomaly_grade": 0.0,
        "is_anomaly": False,
        "confidence": 0.0,
        "expected_values": None,
        "relevant_attribution": None,
        "reason": "shingle_filling",
        "source": None,
        "model": {"events_seen": 1, "fingerprint": Detector(["value"]).parameters.fingerprint()},
    }


def test_a_spike_is_attributed_to_its_feature() -> None:
    detector = Detector(FEATURES, shingle_size=4, trees=30, sample_size=64)
    for record in np.random.default_rng(2).normal(size=(300, 2)):
        detector.process(row(record), 0)
    shares = detector.process({"cpu": 0.0, "memory": 30.0}, 0)["relevant_attribution"]
    assert shares["memory"] > 0.9
    assert sum(shares.values()) == pytest.approx(1.0)


def test_the_same_key_and_seed_give_the_same_bits_and_another_key_others() -> None:
    def scores(seed: int, key: str) -> list[float]:
        detector = Detector(FEATURES, 2, 5, 16, seed=seed, key=key)
        return [detector.process(row(record), 0)["anomaly_score"] for record in spiky(60)]

    assert scores(1, "a") == scores(1, "a")
    assert scores(1, "a") != scores(1, "b")
    assert scores(1, "a") != scores(2, "a")


@pytest.mark.parametrize(
    "values", [{"cpu": 1.0}, {"cpu": 1.0, "memory": float("nan")}, {"cpu": 1e39, "memory": 0.0}]
)
def test_a_bad_record_is_refused_and_changes_nothing(values: dict[str, float]) -> None:
    detector = Detector(FEATURES, 2, 2, 8)
    for record in spiky(20):
        detector.process(row(record), 0)
    before = detector.to_bytes()
    with pytest.raises(UsageError, match=r"memory|nan|1e\+39"):
        detector.process(values, 0)
    assert detector.to_bytes() == before


def test_a_saved_detector_continues_with_the_same_records() -> None:
    x = spiky(200)
    detector, restored = Detector(FEATURES, 3, 4, 16, seed=5), Detector(FEATURES, 3, 4, 16, seed=5)
    for event, record in enumerate(x[:120]):
        detector.process(row(record), event)
    restored.restore(detector.to_bytes())
    for event, record in enumerate(x[120:], start=120):
        assert restored.process(row(record), event) == detector.process(row(record), event)


def test_restoring_something_else_is_refused_and_changes_nothing() -> None:
    detector = Detector(FEATURES, 3, 4, 16)
    detector.process(row(spiky(1)[0]), 0)
    before = detector.to_bytes()
    with pytest.raises(CheckpointError):
        detector.restore(b"nonsense")
    with pytest.raises(CheckpointError):
        detector.restore(Detector(FEATURES, 3, 4, 17).to_bytes())
    assert detector.to_bytes() == before


def test_features_must_be_a_list_of_different_names() -> None:
    with pytest.raises(UsageError, match="list of names"):
        Detector("value")
    with pytest.raises(UsageError, match="without repetition"):
        Detector(["a", "a"])


def test_a_higher_z_factor_flags_less() -> None:
    def flagged(z_factor: float) -> int:
        detector = Detector(
            FEATURES, 1, 10, 32, threshold=ThresholdParameters(z_factor=z_factor), alert_budget=None
        )
        return sum(detector.process(row(record), 0)["is_anomaly"] for record in spiky(600))

    assert flagged(2.0) > flagged(4.0)


@pytest.mark.parametrize(
    "copied", [copy.copy, copy.deepcopy, lambda found: pickle.loads(pickle.dumps(found))]
)
def test_a_copy_goes_on_by_itself(copied: Callable[[Detector], Detector]) -> None:
    x = spiky(300)
    ours = Detector(FEATURES, 4, 5, 24, seed=3, key="a")
    for event, record in enumerate(x[:200]):
        ours.process(row(record), 1000 * event)
    other = copied(ours)
    expected = [ours.process(row(record), 1000 * event) for event, record in enumerate(x[200:], 200)]
    assert [other.process(row(record), 1000 * event) for event, record in enumerate(x[200:], 200)] == expected
