from __future__ import annotations

import random
from itertools import pairwise

import pytest

from stream_rcf.demo.anomalies import KINDS, READINGS, Anomaly, AnomalyPlan, changed


def plan(seed: int = 1, every: int = 30, quiet: int = 100) -> AnomalyPlan:
    return AnomalyPlan("host", features=2, every=every, quiet=quiet, generator=random.Random(seed))


def anomalies_until(reading: int, of: AnomalyPlan) -> list[Anomaly]:
    found: list[Anomaly] = []
    for number in range(reading):
        anomaly = of.advance(number)
        if anomaly.covers(number) and anomaly not in found:
            found.append(anomaly)
    return found


def test_the_first_readings_are_quiet_and_every_kind_comes_after_them_at_the_known_rate() -> None:
    found = anomalies_until(20_000, plan())

    assert found[0].first >= 100
    assert {anomaly.kind for anomaly in found} == set(KINDS)
    assert {anomaly.feature for anomaly in found} == {0, 1}
    assert all(anomaly.last - anomaly.first + 1 == READINGS[anomaly.kind] for anomaly in found)
    assert all(earlier.last < later.first for earlier, later in pairwise(found))
    assert 20_000 / 60 < len(found) < 20_000 / 25  # 30 readings between, and 8 within on average


def test_the_same_seed_plans_the_same() -> None:
    assert anomalies_until(2000, plan(seed=7)) == anomalies_until(2000, plan(seed=7))
    assert anomalies_until(2000, plan(seed=7)) != anomalies_until(2000, plan(seed=8))


def test_an_anomaly_covers_its_readings_and_the_slack_after_them() -> None:
    anomaly = Anomaly("host", 0, "drop", 10, 12)

    assert [number for number in range(20) if anomaly.covers(number)] == [10, 11, 12]
    assert [number for number in range(20) if anomaly.covers(number, slack=3)] == [10, 11, 12, 13, 14, 15]


@pytest.mark.parametrize(
    ("kind", "expected"), [("spike", 125.0), ("drop", 85.0), ("level shift", 115.0), ("flat line", 97.0)]
)
def test_what_each_kind_does_to_a_reading(kind: str, expected: float) -> None:
    assert kind in KINDS
    assert changed(kind, value=100.0, swing=10.0, held=97.0) == expected
