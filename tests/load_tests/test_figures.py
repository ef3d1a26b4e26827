from __future__ import annotations

import pytest

from load_tests.figures import Arrivals, Figure, paired_ratio


def test_median_spread_and_time_per_event() -> None:
    figure = Figure("service", (100.0, 400.0, 200.0))

    assert figure.median == 200.0
    assert figure.spread == 1.5
    assert figure.microseconds == 5000.0
    assert Figure("even", (100.0, 200.0)).median == 150.0


def test_a_single_repetition_is_no_figure() -> None:
    with pytest.raises(ValueError, match="a figure needs 2"):
        Figure("service", (100.0,))


def test_ratios_are_taken_within_each_repetition() -> None:
    service, bare = Figure("service", (10.0, 30.0, 20.0)), Figure("bare", (100.0, 100.0, 50.0))

    ratio = paired_ratio(service, bare)

    assert ratio.name == "service / bare"
    assert ratio.samples == (0.1, 0.3, 0.4)
    assert ratio.median == 0.3


def test_repetitions_that_do_not_pair_have_no_ratio() -> None:
    with pytest.raises(ValueError, match="a has 2 repetitions, b has 3"):
        paired_ratio(Figure("a", (1.0, 2.0)), Figure("b", (1.0, 2.0, 3.0)))


def test_a_rate_is_measured_between_two_records() -> None:
    # 100 records by second 10, then 100 a second, then 10 a second.
    arrivals = Arrivals([10.0, 11.0, 12.0, 22.0], [100, 200, 300, 400])

    assert arrivals.rate(100, 300) == 100.0
    assert arrivals.rate(300, 400) == 10.0
    assert arrivals.rate(150, 250) == 100.0
    assert arrivals.time_of(50) == 10.0
    assert arrivals.time_of(350) == 17.0


def test_records_that_never_arrived_or_arrived_at_once_have_no_rate() -> None:
    arrivals = Arrivals([1.0, 2.0], [1000, 1001])

    with pytest.raises(ValueError, match="only 1001 outputs arrived, not 2000"):
        arrivals.rate(0, 2000)
    with pytest.raises(ValueError, match="arrived at once"):
        arrivals.rate(0, 500)
    with pytest.raises(ValueError, match="only 0 outputs arrived"):
        Arrivals([], []).time_of(1)
