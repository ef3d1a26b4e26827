from __future__ import annotations

import pytest

from load_tests.breakdown import breakdown_of

SECONDS = {
    "read": 0.1,
    "decode": 0.2,
    "prepare": 0.3,
    "wait for the kernel": 1.7,
    "kernel": 3.0,
    "encode: records": 0.3,
    "encode: bytes": 0.1,
    "produce": 0.2,
    "commit": 0.4,
    "checkpoint": 0.3,
    "batch in all": 3.5,
}


def test_steps_add_up_to_the_whole() -> None:
    breakdown = breakdown_of(events=10_000, elapsed=5.0, seconds=SECONDS)

    assert breakdown.total == 500.0
    assert sum(breakdown.steps.values()) == pytest.approx(breakdown.total)
    assert breakdown.steps["wait for the kernel"] == 170.0
    assert breakdown.kernel == 300.0
    assert breakdown.steps["encode"] == pytest.approx(40.0)
    assert breakdown.steps["rest of the batch"] == pytest.approx(70.0)
    assert breakdown.steps["rest of the loop"] == pytest.approx(70.0)


def test_a_run_that_counted_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="counted no events"):
        breakdown_of(events=0, elapsed=0.0, seconds=SECONDS)
