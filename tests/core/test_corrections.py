"""What makes of an unlikely event no alert: each correction where it is right, and none where it would be wrong."""

from __future__ import annotations

import numpy as np
import pytest

from stream_rcf.core.detector import Detector
from stream_rcf.core.parameters import DetectorParameters, ForestParameters, LikelihoodParameters
from stream_rcf.core.reasons import ALL_CORRECTIONS, Correction
from stream_rcf.pipeline.events import Event
from stream_rcf.pipeline.score_batch import score_batch
from stream_rcf.state.key_table import KeyTable

FIVE_MINUTES = 300_000


def process(x: np.ndarray, **arguments: object) -> list[dict[str, object]]:
    """The records of one key, one feature."""
    detector = Detector(seed=1, **arguments)
    return [
        detector.process({"value": float(value)}, FIVE_MINUTES * i) for i, value in enumerate(np.ravel(x))
    ]


def alerts(records: list[dict[str, object]], start: int = 0) -> list[int]:
    return [i for i, record in enumerate(records) if record["is_anomaly"] and i >= start]


def reasons(records: list[dict[str, object]], start: int) -> set[object]:
    return {record["reason"] for record in records[start:]}


def noise(count: int, seed: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=count)


def test_the_echo_of_a_spike_in_its_shingle_is_no_second_alert() -> None:
    x = noise(1500)
    x[1400] += 14.0
    found = process(x)
    assert alerts(found, 1390) == [1400]
    assert found[1401]["anomaly_score"] > found[1401]["threshold"], (
        "the score says so, the correction does not"
    )
    assert found[1401]["reason"] in {"anomaly_in_shingle", "within_budget", "already_alerted"}


@pytest.mark.parametrize("apart", [1, 3, 6])
def test_a_second_and_different_anomaly_inside_the_shingle_is_found(apart: int) -> None:
    x = noise(1500)
    x[1400] += 14.0
    x[1400 + apart] -= 14.0
    found = process(x)
    assert alerts(found, 1390) == [1400, 1400 + apart]
    assert found[1400 + apart]["direction"] == {"value": "below"}
    assert found[1400 + apart]["incident_id"] == found[1400]["incident_id"]
    assert (found[1400]["status"], found[1400 + apart]["status"]) == ("opened", "continuing")


def test_a_new_level_is_a_drift_after_a_while() -> None:
    x = noise(1700)
    x[1500:] += 12.0
    found = process(x)
    assert 1 <= len(alerts(found, 1490)) <= 4
    assert "already_alerted" in reasons(found[:1515], 1500)
    assert "drift" in reasons(found, 1520)


def test_the_last_bits_of_a_constant_feature_are_noise() -> None:
    x = np.full(900, 20.0, np.float32)
    x[800] = np.nextafter(np.float32(20.0), np.float32(21.0))
    found = process(x)
    assert alerts(found) == []
    assert found[800]["anomaly_likelihood"] > 0.999
    assert found[800]["reason"] == "noise"
    x[800] = 20.5
    assert alerts(process(x)) == [800], "a constant that changes is an anomaly, however little that is"


def test_what_comes_every_day_is_soon_known_and_says_nothing() -> None:
    day, days = 288, 14
    x = noise(day * days) * 0.1
    x[100::day] += 30.0
    found = process(x)
    assert alerts(found)[:1] == [100]
    assert len(alerts(found, 3 * day)) == 0


def test_a_correction_may_be_left_out() -> None:
    x = noise(1700)
    x[1500:] += 12.0
    forest = ForestParameters(seed=1)
    kept, free = (
        DetectorParameters(forest=forest, likelihood=LikelihoodParameters(corrections=corrections))
        for corrections in (int(ALL_CORRECTIONS), int(ALL_CORRECTIONS & ~Correction.REPEATED))
    )
    assert len({kept.fingerprint(), free.fingerprint()}) == 2
    counts = []
    for parameters in (kept, free):
        table = KeyTable(parameters)
        events = [Event("k", FIVE_MINUTES * i, (float(value),)) for i, value in enumerate(x)]
        counts.append(len(score_batch(parameters, events, [table] * len(events)).details))
    assert counts[0] < 10 < counts[1]
