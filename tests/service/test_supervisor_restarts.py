"""When a dead worker is started again."""

from __future__ import annotations

import pytest

from stream_rcf.service.supervisor_restarts import (
    EARLY_SECONDS,
    FIRST_DELAY_SECONDS,
    LONGEST_DELAY_SECONDS,
    MOST_EARLY_DEATHS,
    Restarts,
)


@pytest.mark.parametrize("code", [-9, 0, 1, 3])
def test_early_deaths_are_answered_ever_later_and_then_not_at_all(code: int) -> None:
    restarts = Restarts()
    delays = [restarts.delay_after(code, 1.0) for _ in range(MOST_EARLY_DEATHS)]
    assert delays == [FIRST_DELAY_SECONDS * factor for factor in (1, 2, 4, 8)] + [None]


def test_a_worker_that_lived_for_a_while_begins_anew() -> None:
    restarts = Restarts()
    for _ in range(MOST_EARLY_DEATHS - 1):
        restarts.delay_after(1, 1.0)
    assert restarts.delay_after(1, EARLY_SECONDS) == FIRST_DELAY_SECONDS
    for _ in range(100):
        assert restarts.delay_after(-11, EARLY_SECONDS + 1) == FIRST_DELAY_SECONDS


def test_no_wait_is_longer_than_the_longest() -> None:
    assert FIRST_DELAY_SECONDS * 2 ** (MOST_EARLY_DEATHS - 2) <= LONGEST_DELAY_SECONDS


def test_wrong_settings_are_not_tried_twice() -> None:
    assert Restarts().delay_after(2, 1e6) is None
