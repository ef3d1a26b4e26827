from __future__ import annotations

from itertools import islice

import pytest

from stream_rcf.demo.host_metrics import (
    NOISE_SHARE,
    QUIET_READINGS,
    READINGS_PER_DAY,
    STEP_MS,
    HostMetrics,
    Reading,
)

START = 1_767_225_600_000


def readings(keys: int, count: int, features: int = 1, seed: int = 0) -> list[Reading]:
    return list(islice(HostMetrics(keys, features, START, seed=seed), count))


def test_hosts_take_turns_and_each_moves_on_by_one_step() -> None:
    first = readings(keys=3, count=9)

    assert [reading.key for reading in first[:3]] == [reading.key for reading in first[3:6]]
    assert len({reading.key for reading in first}) == 3
    assert [reading.number for reading in first] == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    times = [reading.timestamp for reading in first]
    assert times == sorted(set(times))
    assert times[3] - times[0] == STEP_MS


def test_the_same_seed_gives_the_same_readings_and_another_one_others() -> None:
    assert readings(5, 500, 2, seed=3) == readings(5, 500, 2, seed=3)
    assert readings(5, 500, 2, seed=3) != readings(5, 500, 2, seed=4)


def test_a_quiet_host_repeats_its_day_up_to_its_noise() -> None:
    values = [reading.values[0] for reading in readings(1, 2 * READINGS_PER_DAY)]
    swing = max(values) - min(values)

    differences = [abs(values[i] - values[i + READINGS_PER_DAY]) for i in range(READINGS_PER_DAY)]

    assert 2 * READINGS_PER_DAY < QUIET_READINGS
    assert swing > 0
    assert max(differences) < 8 * NOISE_SHARE * swing


def test_planted_anomalies_are_on_record_and_marked_in_the_readings() -> None:
    metrics = HostMetrics(4, 2, START)
    marked = {reading.planted for reading in islice(metrics, 4 * 1000) if reading.planted is not None}

    assert len(metrics.planted) > 10
    assert marked == set(metrics.planted)
    assert min(anomaly.first for anomaly in metrics.planted) >= QUIET_READINGS


def test_a_flat_line_repeats_the_reading_before_it() -> None:
    by_key: dict[str, list[Reading]] = {}
    for reading in readings(4, 4 * 2000):
        by_key.setdefault(reading.key, []).append(reading)
    flat = [
        (host, reading)
        for host in by_key.values()
        for reading in host
        if reading.planted is not None and reading.planted.kind == "flat line"
    ]

    assert len(flat) > 16
    assert all(reading.values == host[reading.number - 1].values for host, reading in flat)


@pytest.mark.parametrize("keys", [1, 7, 20])
def test_a_timestamp_leads_back_to_its_reading(keys: int) -> None:
    metrics = HostMetrics(keys, 1, START)

    assert all(metrics.reading_at(reading.timestamp) == reading.number for reading in islice(metrics, 500))
