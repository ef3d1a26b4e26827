from __future__ import annotations

import numpy as np
import pytest

from stream_rcf.core.parameters import ForestParameters
from stream_rcf.tuning.shingle import _fitting, choose_shingle
from tests.tuning.support import key_sample, nab_sample, sample, wave

FOREST = ForestParameters()


def test_the_taxis_shingle_is_a_day() -> None:
    choice = choose_shingle(nab_sample("realKnownCause/nyc_taxi.csv"), FOREST, False)
    assert (choice.shingle_size, choice.period, choice.period_in_words) == (48, 48, "48 events = 1 day")
    assert choice.proposal.name == "forest.shingle_size"
    assert "values repeat every 48 events = 1 day" in choice.proposal.reason
    assert "with shingle 48" in choice.proposal.reason


def test_independent_values_are_judged_one_by_one() -> None:
    choice = choose_shingle(nab_sample("artificialNoAnomaly/art_noisy.csv"), FOREST, False)
    assert (choice.shingle_size, choice.period) == (1, None)
    assert "no value depends on those before" in choice.proposal.reason


def test_without_a_period_the_default_stays_unless_single_events_are_measured_to_do_better() -> None:
    random = np.random.default_rng(2)
    steps = np.repeat(random.normal(size=300), random.integers(3, 9, 300))  # levels that last some events
    usual = choose_shingle(sample(key_sample(steps + 0.01 * random.normal(size=len(steps)))), FOREST, False)
    assert (usual.shingle_size, usual.period) == (8, None)
    assert "the default, which finds planted stretches no worse" in usual.proposal.reason
    single = choose_shingle(
        nab_sample("realKnownCause/machine_temperature_system_failure.csv"), FOREST, False
    )
    assert (single.shingle_size, single.period) == (1, None)
    assert "found best with the shortest" in single.proposal.reason


def test_a_short_sample_keeps_the_default() -> None:
    walk = np.cumsum(np.random.default_rng(1).normal(size=150))
    assert choose_shingle(sample(key_sample(walk)), FOREST, False).shingle_size == 8
    periodic = choose_shingle(sample(key_sample(wave(150, 24))), FOREST, False)
    assert (periodic.shingle_size, periodic.period) == (8, 24)
    assert "too short to measure" in periodic.proposal.reason


def test_a_constant_series_keeps_the_default() -> None:
    assert choose_shingle(sample(key_sample(np.ones(200))), FOREST, False).shingle_size == 8


@pytest.mark.parametrize(
    ("period", "features", "candidate", "note"),
    [
        (48, 1, 48, ""),
        (
            400,
            1,
            200,
            "longer than the 300 events that a point of 1 feature has room for, so that half of it",
        ),
        (401, 1, 200, "half of it is tried"),
        (2016, 1, 288, "1/7 of it is tried"),
        (
            48,
            10,
            24,
            "longer than the 30 events that a point of 10 features has room for, so that half of it",
        ),
        (24, 40, 7, "so that a short one is tried"),
    ],
)
def test_a_period_that_does_not_fit_gives_way_to_a_part_of_it(
    period: int, features: int, candidate: int, note: str
) -> None:
    found = _fitting(period, features)
    assert found[0] == candidate
    assert note in found[1]


def test_many_features_leave_room_for_fewer_events() -> None:
    columns = np.column_stack([wave(600, 24, seed=seed) for seed in range(40)])
    choice = choose_shingle(sample(key_sample(columns)), ForestParameters(dimensions=40), False)
    assert choice.shingle_size * 40 <= 300
    assert "a point of 40 features has room for" in choice.proposal.reason
