"""When windows close and what they are then: each rule by an example that a person can follow."""

from __future__ import annotations

import math

import numpy as np
import pytest

from stream_rcf.core.reasons import Reason
from tests.core.window_support import WindowedKey, raw, window_parameters
from tests.oracle.naive_windows import LARGEST_FLOAT32

COUNTED = ("count", "sum(a)")


def key(features: tuple[str, ...] = COUNTED, **shape: int) -> WindowedKey:
    """One with windows of 10 ms."""
    return WindowedKey(window_parameters(features, **shape))


def closed(found: WindowedKey) -> list[tuple[int, tuple[float, ...]]]:
    return [(window.start, window.values) for window in found.closed]


def test_a_window_closes_with_the_first_event_at_or_past_its_end() -> None:
    one = key()
    assert one.add([raw(0, 2.0), raw(9, 3.0)]) == []
    (window,) = one.add([raw(10, 7.0)])
    assert (window.start, window.values, window.closed_by) == (0, (2.0, 5.0), 2)
    assert one.add([raw(19)]) == [], "what closed a window is in the next one"
    assert one.add([raw(20)])[0].values == (2.0, 8.0)


def test_each_aggregate() -> None:
    one = key(("count", "sum(a)", "mean(a)", "min(a)", "max(a)", "p50(a)", "p99(a)"))
    one.add([raw(n % 10, float(value)) for n, value in enumerate([5, -1, 4, 0, 2])])
    (window,) = one.add([raw(10)])
    assert window.values == (5.0, 10.0, 2.0, -1.0, 5.0, 2.0, 5.0)


def test_windows_lie_where_the_epoch_puts_them_before_1970_too() -> None:
    one = key()
    one.add([raw(-11), raw(-10), raw(-1), raw(0), raw(1), raw(10)])
    assert closed(one) == [(-20, (1.0, 1.0)), (-10, (2.0, 2.0)), (0, (2.0, 2.0))]


def test_without_lateness_an_event_is_late_when_its_window_is_closed_and_no_earlier() -> None:
    one = key()
    one.add([raw(15), raw(11), raw(9), raw(20)])
    assert one.refused(Reason.LATE_EVENT) == [2]
    assert closed(one) == [(10, (2.0, 2.0))]


def test_lateness_keeps_windows_open_so_much_longer() -> None:
    one = key(lateness=15)
    one.add([raw(5), raw(12), raw(24), raw(9)])
    assert closed(one) == [], "the first ends at 10 and stays open until an event at 25"
    one.add([raw(25), raw(9), raw(10)])
    assert closed(one) == [(0, (2.0, 2.0))]
    assert one.refused(Reason.LATE_EVENT) == [5]
    one.add([raw(100)])
    assert closed(one)[1:3] == [(10, (2.0, 2.0)), (20, (2.0, 2.0))]


def test_windows_before_the_first_event_are_those_of_late_ones_alone() -> None:
    one = key(lateness=30)
    one.add([raw(35), raw(12), raw(100)])
    assert closed(one)[:3] == [(10, (1.0, 1.0)), (20, (0.0, 0.0)), (30, (1.0, 1.0))]


def test_an_empty_window_counts_0_up_to_a_number() -> None:
    one = key(empty_windows=3)
    one.add([raw(0), raw(35)])
    assert closed(one) == [(0, (1.0, 1.0)), (10, (0.0, 0.0)), (20, (0.0, 0.0))]
    one.add([raw(1000), raw(1010)])
    assert closed(one)[3:] == [
        (30, (1.0, 1.0)),
        *((time, (0.0, 0.0)) for time in (40, 50, 60)),
        (1000, (1.0, 1.0)),
    ]


def test_an_empty_window_is_left_out_where_nothing_would_be_0() -> None:
    one = key(("mean(a)", "max(a)"))
    one.add([raw(0), raw(50), raw(60)])
    assert [window.start for window in one.closed] == [0, 50]


def test_what_is_not_known_of_an_empty_window_is_missing() -> None:
    one = key(("count", "p99(a)"), empty_windows=1)
    one.add([raw(0), raw(20)])
    assert closed(one)[0] == (0, (1.0, 1.0))
    empty = closed(one)[1]
    assert empty[:1] == (10,)
    assert empty[1][0] == 0.0
    assert math.isnan(empty[1][1])


def test_a_pause_of_centuries_costs_no_more_than_a_short_one() -> None:
    one = key(empty_windows=5, lateness=20)
    one.add([raw(0), raw(10), raw(10**15)])
    assert len(one.closed) == 2 + 5
    assert one.add([raw(10**15 + 25)]) == []


def test_an_event_without_a_number_is_counted_and_adds_nothing() -> None:
    one = key(("count", "sum(a)", "mean(a)", "min(a)"))
    one.add([raw(0, None), raw(1, 6.0), raw(10, None), raw(20)])
    assert one.closed[0].values == (2.0, 6.0, 6.0, 6.0)
    assert one.closed[1].values[:2] == (1.0, 0.0)
    assert all(math.isnan(value) for value in one.closed[1].values[2:])


def test_a_duplicate_is_counted_once_across_windows() -> None:
    one = key(remembered_ids=2)
    one.add([raw(0, identity=7), raw(1, identity=7), raw(10, identity=8), raw(11, identity=7), raw(20)])
    assert one.refused(Reason.DUPLICATE_EVENT) == [1, 3]
    assert closed(one) == [(0, (1.0, 1.0)), (10, (1.0, 1.0))]


def test_a_late_event_is_not_remembered_and_a_duplicate_moves_no_time() -> None:
    one = key(remembered_ids=4)
    one.add(
        [
            raw(15, identity=1),
            raw(3, identity=2),
            raw(16, identity=2),
            raw(99, identity=1),
            raw(17, identity=3),
        ]
    )
    assert one.refused(Reason.LATE_EVENT) == [1]
    assert one.refused(Reason.DUPLICATE_EVENT) == [3]
    assert one.add([raw(20)])[0].values == (3.0, 3.0)


def test_a_key_that_begins_anew_forgets_what_was_open() -> None:
    one = key(retire_after=50, remembered_ids=4)
    one.add([raw(0), raw(10, identity=1), raw(60)])
    assert [window.start for window in one.closed] == [0, 10, 20, 30, 40, 50], "50 ms apart is no pause"
    del one.closed[:]
    one.add([raw(129, identity=1), raw(130)])
    assert closed(one) == [(120, (1.0, 1.0))], "the one from 60 on was open, and no empty ones led here"
    assert not one.refused(Reason.DUPLICATE_EVENT)


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_sum_stays_within_what_a_record_can_hold(sign: float) -> None:
    one = key(("sum(a)", "mean(a)"))
    one.add([raw(0, sign * LARGEST_FLOAT32)] * 3)
    assert one.add([raw(10)])[0].values == (sign * LARGEST_FLOAT32, sign * LARGEST_FLOAT32)


def test_more_windows_than_there_is_room_for_at_first_are_all_returned() -> None:
    one = key(empty_windows=100)
    one.add([raw(10 * 50 * n) for n in range(40)])
    assert [window.start for window in one.closed] == list(range(0, 10 * 50 * 39, 10))
    assert np.array([window.closed_by for window in one.closed]).tolist() == sorted(
        window.closed_by for window in one.closed
    )
