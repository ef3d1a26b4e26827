from __future__ import annotations

import pytest

from stream_rcf.demo.history import LATEST_READINGS, STUCK_READINGS, History


def history(*usual: float) -> History:
    made = History()
    for value in usual:
        made.add({"cpu": value}, is_usual=True)
    return made


USUAL = [10.0 + i for i in range(10)]  # 10 to 19


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (25.0, "above its usual 10 to 19"),
        (3.0, "below its usual 10 to 19"),
        (15.0, "within its usual 10 to 19, but out of its pattern"),
    ],
)
def test_a_value_is_compared_with_the_usual_range(value: float, why: str) -> None:
    assert history(*USUAL).explain("cpu", value) == why


def test_anomalous_values_do_not_widen_the_range() -> None:
    made = history(*USUAL)
    made.add({"cpu": 500.0}, is_usual=False)

    assert made.explain("cpu", 100.0) == "above its usual 10 to 19"


def test_old_readings_are_forgotten() -> None:
    made = history(-1000.0, *[10.0 + i % 10 for i in range(LATEST_READINGS)])

    assert made.explain("cpu", -5.0) == "below its usual 10 to 19"


def test_a_value_that_does_not_move_is_called_stuck() -> None:
    made = history(*USUAL)
    for _ in range(STUCK_READINGS):
        made.add({"cpu": 15.0}, is_usual=False)

    assert made.explain("cpu", 15.0) == f"stuck: the same for {STUCK_READINGS} readings or more"
    assert made.explain("cpu", 15.1) == "within its usual 10 to 19, but out of its pattern"


def test_too_little_is_said_to_be_too_little() -> None:
    assert history(1.0, 2.0).explain("cpu", 9.0) == "unlike the little that was learned so far"
    assert History().explain("cpu", 9.0) == "unlike the little that was learned so far"
