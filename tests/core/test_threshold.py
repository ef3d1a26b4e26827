"""The threshold against its slow twin, on scores of every kind, and where all scores are equal."""

from __future__ import annotations

import math

import numpy as np
import pytest

from stream_rcf.core.block import KeyBlock
from stream_rcf.core.detector import Detector
from stream_rcf.core.inspect import views
from stream_rcf.core.layout import CHANGE_STATISTIC, FALL_STATISTIC, SCORE_STATISTIC
from stream_rcf.core.model import model_of
from stream_rcf.core.parameters import DetectorParameters, ForestParameters, ThresholdParameters
from stream_rcf.core.threshold import grade_of, learn_score, threshold_and_span
from tests.oracle.naive_threshold import Judgement, NaiveThreshold, confidence

TOLERANCE = 1e-9  # relative
EVENTS = 700


def score_sequences() -> dict[str, list[float]]:
    """Scores a forest may give, and some it would not."""
    random = np.random.default_rng(20260101)
    usual = np.abs(random.normal(0.9, 0.15, EVENTS)) + 0.3
    spikes = usual.copy()
    spikes[40::37] += random.uniform(0.2, 5.0, len(spikes[40::37]))
    quiet = random.normal(0.55, 0.02, EVENTS)
    quiet[30::50] = random.uniform(0.5, 1.2, len(quiet[30::50]))
    loud = random.uniform(1.5, 8.0, EVENTS)
    step = np.where(np.arange(EVENTS) < 300, 0.7, 1.6) + random.normal(0, 0.01, EVENTS)
    falling = np.linspace(3.0, 0.4, EVENTS)
    return {
        "usual": usual.tolist(),
        "spikes": spikes.tolist(),
        "quiet": quiet.tolist(),
        "loud": loud.tolist(),
        "step": step.tolist(),
        "rising": falling[::-1].tolist(),
        "falling": falling.tolist(),
        "spike-at-once": [5.0, *usual[:40].tolist()],
    }


SEQUENCES = score_sequences()
THRESHOLDS = [
    pytest.param(ThresholdParameters(), id="defaults"),
    pytest.param(ThresholdParameters(score_differencing=0.0), id="changes-only"),
    pytest.param(ThresholdParameters(score_differencing=1.0), id="spread-only"),
    pytest.param(ThresholdParameters(z_factor=2.0, lower_threshold=1.0, anomaly_rate=0.05), id="eager"),
    pytest.param(ThresholdParameters(z_factor=5.0, initial_threshold=0.7), id="reluctant"),
]


class RealThreshold:
    """The kernels' threshold, fed with any scores."""

    def __init__(self, shingle_size: int, decay: float, threshold: ThresholdParameters) -> None:
        forest = ForestParameters(trees=1, sample_size=2, shingle_size=shingle_size, time_decay=decay)
        self.model = model_of(DetectorParameters(forest=forest, threshold=threshold))
        self.block = KeyBlock(self.model, key_seed=0)
        self.parts = views(self.block)

    def process(self, score: float) -> Judgement:
        """Judge a score against the past, then learn it; as `stream_rcf.core.process` does."""
        threshold, span, known = threshold_and_span(self.parts, self.model)
        grade = grade_of(score, threshold, span, known, self.model.lower_threshold)
        learn_score(self.parts, self.model, score)
        return Judgement(threshold if grade > 0 or score < threshold else score, grade)


def twin_of(shingle_size: int, decay: float, threshold: ThresholdParameters) -> NaiveThreshold:
    """The slow twin of these settings."""
    return NaiveThreshold(
        decay,
        shingle_size,
        threshold.z_factor,
        threshold.lower_threshold,
        threshold.initial_threshold,
        threshold.anomaly_rate,
        threshold.score_differencing,
    )


@pytest.mark.parametrize("name", list(SEQUENCES))
@pytest.mark.parametrize("shingle_size", [1, 8])
@pytest.mark.parametrize("threshold", THRESHOLDS)
def test_thresholds_and_grades_equal_the_twins(
    name: str, shingle_size: int, threshold: ThresholdParameters
) -> None:
    decay = 1 / 200
    real, twin = RealThreshold(shingle_size, decay, threshold), twin_of(shingle_size, decay, threshold)
    for event, score in enumerate(SEQUENCES[name]):
        expected, found = twin.process(score), real.process(score)
        assert found == pytest.approx(expected, rel=TOLERANCE, abs=TOLERANCE), f"score {event}"


@pytest.mark.parametrize("shingle_size", [1, 8])
def test_the_statistics_equal_the_twins(shingle_size: int) -> None:
    real = RealThreshold(shingle_size, 1 / 100, ThresholdParameters())
    twin = twin_of(shingle_size, 1 / 100, ThresholdParameters())
    for score in SEQUENCES["spikes"]:
        real.process(score)
        twin.process(score)
    for at, statistic in (
        (SCORE_STATISTIC, twin.primary),
        (CHANGE_STATISTIC, twin.secondary),
        (FALL_STATISTIC, twin.below_mean),
    ):
        weight, mean, squares = real.parts.floats[at : at + 3].tolist()
        assert weight == pytest.approx(math.fsum(statistic.weights()), rel=TOLERANCE)
        assert mean == pytest.approx(statistic.mean(), rel=TOLERANCE)
        assert math.sqrt(squares / weight) == pytest.approx(statistic.deviation(), rel=TOLERANCE)


def test_the_deviation_of_a_large_mean_keeps_its_digits() -> None:
    """Where the sums of squares of section 9 would have none left: Welford's form, as the section advises."""
    real, twin = RealThreshold(8, 1 / 100, ThresholdParameters()), twin_of(8, 1 / 100, ThresholdParameters())
    for event in range(300):
        score = 1.9 + 1e-7 * math.sin(event)
        real.process(score)
        twin.process(score)
    weight, _, squares = real.parts.floats[SCORE_STATISTIC : SCORE_STATISTIC + 3].tolist()
    assert math.sqrt(squares / weight) == pytest.approx(twin.primary.deviation(), rel=1e-6)


def test_before_ten_scores_the_initial_threshold_decides() -> None:
    real = RealThreshold(8, 1 / 100, ThresholdParameters())
    assert [real.process(1.0).threshold for _ in range(10)] == [1.5] * 10
    assert RealThreshold(8, 1 / 100, ThresholdParameters()).process(2.0) == Judgement(1.5, 1.0)
    # (1.55 - 0.8) / 0.8 is 18.75 twentieths, and 16 of them are grade 1.
    assert RealThreshold(8, 1 / 100, ThresholdParameters()).process(1.55) == Judgement(1.5, 1.0)


def test_an_initial_threshold_below_the_lower_one_does_not_lower_it() -> None:
    assert RealThreshold(8, 1 / 100, ThresholdParameters(initial_threshold=0.5)).process(0.7) == Judgement(
        0.8, 0.0
    )


def test_a_grade_is_a_multiple_of_a_sixteenth_and_full_at_four_fifths_of_the_span() -> None:
    grades = [grade_of(1.0 + 0.05 * k + 1e-12, 1.0, 1.0, True, 0.8) for k in range(25)]
    assert grades == [min(1.0, k / 16) for k in range(25)]
    assert grade_of(1.0 - 1e-12, 1.0, 1.0, True, 0.8) == 0.0


@pytest.mark.parametrize("shingle_size", [1, 8])
@pytest.mark.parametrize("score", [0.5, 0.4999999999999999, 0.7, 1.0, 1.3])
@pytest.mark.parametrize("decay", [1 / 2560, 0.02, 0.1])
def test_a_score_that_never_changes_is_never_high(score: float, shingle_size: int, decay: float) -> None:
    """All statistics say that nothing happens; the last bit of a mean must not say that something does."""
    real = RealThreshold(shingle_size, decay, ThresholdParameters())
    for _ in range(3000):
        real.process(score)
    for statistic in (SCORE_STATISTIC, CHANGE_STATISTIC, FALL_STATISTIC):
        real.parts.floats[statistic + 2] = 0.0  # where the decayed deviation arrives in the end
    assert [real.process(score).grade for _ in range(100)] == [0.0] * 100


@pytest.mark.parametrize("shingle_size", [1, 8])
@pytest.mark.parametrize(("sample_size", "decay"), [(256, 0.05), (2, 0.1), (64, None)])
def test_a_constant_stream_is_never_flagged_and_needs_no_reason(
    sample_size: int, shingle_size: int, decay: float | None
) -> None:
    detector = Detector(shingle_size=shingle_size, trees=2, sample_size=sample_size, time_decay=decay)
    warm_up = max(sample_size, shingle_size)
    records = [detector.process({"value": 5.0}, event) for event in range(9000)]
    assert not any(record["is_anomaly"] for record in records)
    assert {record["reason"] for record in records[warm_up:]} == {None}


def test_a_stranger_after_a_constant_is_flagged_in_full() -> None:
    detector = Detector(shingle_size=1, trees=20, sample_size=64, alert_budget=None)
    for event in range(2000):
        detector.process({"value": 5.0}, event)
    record = detector.process({"value": 6.0}, 2000)
    assert record["anomaly_score"] == pytest.approx(math.log2(65))
    assert record["anomaly_grade"] == 1.0


@pytest.mark.parametrize(
    ("sample_size", "shingle_size", "decay"), [(64, 8, None), (8, 1, 0.3), (256, 4, None)]
)
def test_confidence_equals_the_twins(sample_size: int, shingle_size: int, decay: float | None) -> None:
    detector = Detector(shingle_size=shingle_size, trees=1, sample_size=sample_size, time_decay=decay)
    forest = detector.parameters.forest
    for seen in range(1, 400):
        expected = confidence(forest.decay, seen, forest.output_after)
        found = detector.process({"value": float(seen)}, seen)["confidence"]
        assert found == pytest.approx(expected, rel=TOLERANCE, abs=1e-12)
        assert 0.0 <= found <= 1.0


def test_confidence_has_the_reference_documents_values() -> None:
    """Section 11.1, lambda = 1/2560 and 64 records of warm-up."""
    documented = {128: 0.506, 256: 0.759, 500: 0.883, 1000: 0.947}
    detector = Detector(shingle_size=1, trees=1, sample_size=256)
    found = [detector.process({"value": 1.0}, event)["confidence"] for event in range(1000)]
    assert {seen: round(found[seen - 1], 3) for seen in documented} == documented
    assert found[63] == 0.0


def test_without_decay_confidence_still_grows() -> None:
    detector = Detector(shingle_size=1, trees=1, sample_size=8, time_decay=0.0)
    found = [detector.process({"value": 1.0}, event)["confidence"] for event in range(100)]
    assert found[1] == 0.0
    assert found == sorted(found)
    assert found[99] == pytest.approx(0.98)
