"""How long the outputs were late after a fault."""

from __future__ import annotations

from load_tests.chaos.recovery import Sample, recovery_seconds

PRODUCED = [Sample(0.0, (0, 0)), Sample(1.0, (10, 5)), Sample(2.0, (20, 10)), Sample(3.0, (30, 15))]


def test_it_is_over_when_every_partition_has_published_what_stood_there() -> None:
    published = [Sample(2.1, (20, 8)), Sample(2.5, (25, 9)), Sample(4.25, (26, 10)), Sample(5.0, (30, 15))]

    assert recovery_seconds(2.0, PRODUCED, published) == 2.25
    assert recovery_seconds(2.9, PRODUCED, published) == 4.25 - 2.9
    assert recovery_seconds(3.0, PRODUCED, published) == 2.0


def test_a_fault_that_disturbed_nothing_costs_what_a_sample_does() -> None:
    assert recovery_seconds(2.0, PRODUCED, [Sample(2.0, (20, 10))]) == 0.0


def test_what_was_published_before_does_not_count() -> None:
    published = [Sample(1.5, (99, 99)), Sample(2.75, (99, 99))]

    assert recovery_seconds(2.0, PRODUCED, published) == 0.75


def test_one_that_never_ends_is_not_a_number() -> None:
    assert recovery_seconds(2.0, PRODUCED, [Sample(9.0, (19, 10))]) is None
    assert recovery_seconds(2.0, PRODUCED, []) is None


def test_before_anything_was_produced_there_is_nothing_to_wait_for() -> None:
    assert recovery_seconds(-1.0, PRODUCED, []) == 0.0
