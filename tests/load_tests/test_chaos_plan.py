"""The plan of a chaos run is a function of its seed, and complete."""

from __future__ import annotations

from collections import Counter

import pytest

from load_tests.chaos.extent import FULL, SHORT, Extent
from load_tests.chaos.faults import HARM, kinds_for
from load_tests.chaos.plan import Fault, make_plan, planned_seconds
from load_tests.chaos.world import Parts

EVERYTHING = Parts(with_go=True, storage="s3", protocol="classic")
LEAST = Parts(with_go=False, storage="file", protocol="classic")


def flat(plan: list[Fault]) -> list[Fault]:
    return [each for fault in plan for each in (fault, fault.nested) if each is not None]


@pytest.mark.parametrize("extent", [FULL, SHORT])
@pytest.mark.parametrize("parts", [EVERYTHING, LEAST])
def test_every_kind_happens_as_often_as_it_should(extent: Extent, parts: Parts) -> None:
    kinds = kinds_for(extent, parts)
    for seed in range(20):
        plan = flat(make_plan(seed, kinds, extent.rounds, extent.gap))
        assert Counter(fault.kind.name for fault in plan) == dict.fromkeys(kinds, extent.rounds)


def test_a_seed_always_gives_the_same_plan_and_another_one_another() -> None:
    kinds = kinds_for(FULL, LEAST)

    assert make_plan(7, kinds, 2, 4.0) == make_plan(7, kinds, 2, 4.0)
    orders = {tuple(fault.kind.name for fault in make_plan(seed, kinds, 2, 4.0)) for seed in range(10)}
    assert len(orders) == 10


def test_faults_happen_in_the_middle_of_others() -> None:
    plans = [make_plan(seed, kinds_for(FULL, LEAST), FULL.rounds, FULL.gap) for seed in range(10)]
    nested = [fault for plan in plans for fault in plan if fault.nested is not None]

    assert len(nested) >= 10
    for fault in nested:
        assert fault.kind.lasts
        assert fault.nested is not None
        assert fault.nested.kind.may_nest


def test_half_of_the_faults_wait_for_peace_and_none_in_the_middle_of_another() -> None:
    plan = [fault for seed in range(20) for fault in make_plan(seed, kinds_for(FULL, LEAST), 1, FULL.gap)]

    assert 0.4 < sum(fault.in_peace for fault in plan) / len(plan) < 0.6
    assert not any(fault.nested.in_peace for fault in plan if fault.nested is not None)


def test_sleeps_are_longer_than_what_they_must_outlast() -> None:
    for extent in (FULL, SHORT):
        kinds = kinds_for(extent, LEAST)
        for seed in range(20):
            for fault in flat(make_plan(seed, kinds, extent.rounds, extent.gap)):
                if fault.kind.name == "sleep_session":
                    assert fault.seconds > extent.session
                if fault.kind.name == "sleep_transaction":
                    assert fault.seconds > extent.transaction
                assert fault.gap <= extent.gap


def test_every_kind_has_its_harm_and_every_harm_its_kind() -> None:
    known = {**kinds_for(FULL, EVERYTHING), **kinds_for(FULL, LEAST)}

    assert known.keys() == HARM.keys()


def test_a_plan_s_length_is_that_of_its_gaps_and_lasting_faults() -> None:
    plan = make_plan(3, kinds_for(SHORT, LEAST), 1, 1.0)

    assert planned_seconds(plan) == sum(fault.gap + fault.seconds for fault in plan) > 0
