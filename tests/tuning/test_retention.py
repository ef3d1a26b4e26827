from __future__ import annotations

import pytest

from stream_rcf.tuning.retention import propose_sample_size, propose_time_decay
from stream_rcf.tuning.words import MINUTE, SECOND


@pytest.mark.parametrize(
    ("shingle_size", "period", "size"),
    [
        (1, None, 256),
        (8, None, 256),
        (48, 48, 512),
        (24, 24, 256),
        (288, 288, 1024),
        (8, 288, 256),
        (12, 12, 256),
    ],
)
def test_a_shingle_that_follows_a_period_wants_more_points(
    shingle_size: int, period: int | None, size: int
) -> None:
    assert propose_sample_size(shingle_size, period).value == size


@pytest.mark.parametrize(
    ("sample_size", "period", "step_ms", "decay", "why"),
    [
        (256, None, None, 0.000391, "10 times the sample, as by default"),
        (512, 48, 30 * MINUTE, 0.000195, "10 times the sample"),
        (256, 288, 5 * MINUTE, 0.000248, "14 periods of P"),
        (256, None, MINUTE, 9.92e-05, "7 days"),
        (256, 60, SECOND, 1.65e-06, "7 days"),
        (256, None, 100, 1e-06, "the most of a past that 256 points can stand for"),
    ],
)
def test_the_past_is_several_periods_and_days(
    sample_size: int, period: int | None, step_ms: float | None, decay: float, why: str
) -> None:
    proposal = propose_time_decay(sample_size, period, "P", step_ms)
    assert proposal.value == decay
    assert why in proposal.reason
