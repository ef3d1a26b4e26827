"""Scoring a batch: many keys, many tables, one call, and the same numbers however the stream is cut."""

from __future__ import annotations

import random

import pytest

from stream_rcf.core.detector import Detector
from stream_rcf.core.explanation import DIRECTION, EXPECTED, LOWER, SHARE, UPPER
from stream_rcf.core.parameters import DetectorParameters, ForestParameters, LikelihoodParameters
from stream_rcf.core.reasons import Reason
from stream_rcf.pipeline.events import Event
from stream_rcf.pipeline.score_batch import ScoredBatch, score_batch
from stream_rcf.state.key_table import KeyTable

FEATURES = ("cpu", "memory")
PARAMETERS = DetectorParameters(
    FEATURES,
    ForestParameters(trees=5, sample_size=32, dimensions=2, shingle_size=3, seed=4),
    likelihood=LikelihoodParameters(alert_budget=0.0),  # so that few events are enough for anomalies
)


def stream(count: int, keys: int = 5, seed: int = 6) -> list[Event]:
    generator = random.Random(seed)
    return [
        Event(
            f"key-{generator.randrange(keys)}",
            1000 * i,
            (generator.gauss(0, 1) + 40.0 * (generator.random() < 0.02), generator.gauss(5, 1)),
        )
        for i in range(count)
    ]


def run(
    events: list[Event], sizes: list[int], tables: list[KeyTable] | None = None, threads: int = 1
) -> ScoredBatch:
    """Score in batches of the given sizes, and put the results together again."""
    table = KeyTable(PARAMETERS)
    every = tables or [table] * len(events)
    joined = ScoredBatch([], [], [], [], [], [], [], [], [], [], [], {})
    start = 0
    for size in sizes:
        part = score_batch(PARAMETERS, events[start : start + size], every[start : start + size], threads)
        for whole, piece in zip(joined[:-4], part[:-4], strict=True):
            whole.extend(piece)
        joined.resolved.extend(start + i for i in part.resolved)
        joined.details.update({start + i: details for i, details in part.details.items()})
        start += size
    assert start == len(events)
    return joined


def test_no_events_no_results() -> None:
    assert score_batch(PARAMETERS, [], []) == ScoredBatch([], [], [], [], [], [], [], [], [], [], [], {})


@pytest.mark.parametrize("seed", range(5))
def test_any_batching_gives_the_same_bits(seed: int) -> None:
    events = stream(500)
    generator = random.Random(seed)
    sizes: list[int] = []
    while sum(sizes) < 500:
        sizes.append(min(generator.choice([1, 2, 3, 17, 100]), 500 - sum(sizes)))
    assert run(events, sizes) == run(events, [500]) == run(events, [1] * 500)


@pytest.mark.parametrize("threads", [2, 4])
def test_any_number_of_threads_gives_the_same_bits(threads: int) -> None:
    events = stream(2000, keys=40)
    assert run(events, [500] * 4, threads=threads) == run(events, [500] * 4)


def test_each_key_is_scored_as_if_it_were_alone() -> None:
    events = stream(500)
    scored = run(events, [50] * 10)
    detectors: dict[str, Detector] = {}
    for i, event in enumerate(events):
        detector = detectors.setdefault(
            event.key, Detector(FEATURES, 3, 5, 32, seed=4, key=event.key, alert_budget=None)
        )
        record = detector.process(dict(zip(FEATURES, event.values, strict=True)), event.timestamp)
        assert record["anomaly_score"] == scored.score[i]
        assert record["threshold"] == scored.threshold[i]
        assert record["anomaly_grade"] == scored.grade[i]
        assert record["confidence"] == scored.confidence[i]
        assert record["anomaly_likelihood"] == scored.likelihood[i]
        assert record["reason"] == Reason(scored.reason[i]).text
        assert record["model"]["events_seen"] == scored.events_seen[i]
        assert record["is_anomaly"] == (i in scored.details)
        if record["is_anomaly"]:
            assert record["first_anomalous_timestamp"] == scored.first_anomalous_timestamp[i]
            assert list(record["relevant_attribution"].values()) == [row[SHARE] for row in scored.details[i]]
            assert list(record["expected_values"].values()) == [row[EXPECTED] for row in scored.details[i]]
    assert len(scored.details) > 3


def test_one_key_in_two_tables_is_two_models() -> None:
    events = stream(200, keys=1)
    doubled = [event for event in events for _ in range(2)]
    first, second = KeyTable(PARAMETERS), KeyTable(PARAMETERS)
    both = run(doubled, [400], [first, second] * 200)
    alone = run(events, [200])
    assert both.score[::2] == both.score[1::2] == alone.score
    assert both.events_seen[::2] == list(range(1, 201))
    assert first.pack("key-0") == second.pack("key-0")


def test_results_are_plain_python_in_the_order_of_the_events() -> None:
    events = stream(300)
    scored = run(events, [300])
    for numbers in scored[:5]:
        assert len(numbers) == 300
        assert all(type(number) is float for number in numbers)
    for integers in scored[5:10]:
        assert len(integers) == 300
        assert all(type(number) is int for number in integers)
    assert list(scored.details) == [i for i, grade in enumerate(scored.grade) if grade > 0]
    for details in scored.details.values():
        shares = [row[SHARE] for row in details]
        assert len(shares) == 2
        assert all(row[LOWER] <= row[EXPECTED] <= row[UPPER] for row in details)
        assert all(abs(row[DIRECTION]) == 1.0 for row in details)
        assert sum(shares) == pytest.approx(1.0)
        assert all(share >= 0 for share in shares)
    assert all(0 <= grade <= 1 for grade in scored.grade)
    assert all(0 <= confidence <= 1 for confidence in scored.confidence)
    assert all(0 <= likelihood <= 1 for likelihood in scored.likelihood)
    assert max(scored.likelihood) > 0.5


def test_the_spiking_feature_is_blamed() -> None:
    table = KeyTable(PARAMETERS)
    generator = random.Random(1)
    calm = [Event("k", i, (generator.gauss(0, 1), generator.gauss(0, 1))) for i in range(200)]
    score_batch(PARAMETERS, calm, [table] * 200)
    scored = score_batch(PARAMETERS, [Event("k", 200, (0.0, 80.0))], [table])
    assert scored.grade[0] > 0
    assert scored.details[0][1][SHARE] > 0.7


def test_there_is_a_reason_until_there_is_a_score() -> None:
    scored = run(stream(60, keys=1), [60])
    assert scored.reason[:2] == [Reason.SHINGLE_FILLING] * 2
    assert scored.reason[2:8] == [Reason.WARMING_UP] * 6
    assert scored.score[:8] == [0.0] * 8
    assert scored.score[8] > 0


def test_the_lists_must_match() -> None:
    with pytest.raises(ValueError, match="zip"):
        score_batch(PARAMETERS, stream(2), [KeyTable(PARAMETERS)])
