from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from stream_rcf.tuning.budget import propose_budget, propose_decision
from stream_rcf.tuning.sample import Sample
from stream_rcf.tuning.words import HOUR, MINUTE, SECOND
from tests.tuning.support import key_sample, sample


def keys(count: int, step_ms: int | None = 5 * MINUTE) -> Sample:
    return replace(sample(key_sample(np.zeros(200), step_ms)), key_count=count)


@pytest.mark.parametrize(
    ("count", "budget", "said"),
    [
        (1, 2.0, "with 1 key about 2 alerts a week."),
        (40, 2.0, "with 40 keys about 80 alerts a week."),
        (60, 1.0, "with 60 keys about 60 alerts a week (the default of 2 would be about 120 alerts)."),
        (
            1000,
            0.1,
            "with 1,000 keys about 100 alerts a week (the default of 2 would be about 2,000 alerts).",
        ),
        (
            3000,
            0.02,
            "with 3,000 keys about 60 alerts a week (the default of 2 would be about 6,000 alerts).",
        ),
    ],
)
def test_the_budget_is_what_people_can_look_at(count: int, budget: float, said: str) -> None:
    proposal = propose_budget(keys(count))
    assert proposal.value == budget
    assert proposal.reason.endswith(said)


def test_what_the_rate_of_events_makes_of_it_counts() -> None:
    slow = propose_budget(keys(500, HOUR))
    assert slow.value == 2.0, "slow keys have few alerts whatever the budget"
    assert "at an event every 1 hour at most 0.168, as a week counts as 2,000 events at least" in slow.reason
    assert slow.reason.endswith("with 500 keys about 84 alerts a week.")
    fast = propose_budget(keys(1000, SECOND))
    assert fast.value == 0.1
    assert "at an event every 1 second up to 0.605, as nothing rarer than 1 event in 1,000,000" in fast.reason


def test_without_times_a_share_of_the_events_may_alert() -> None:
    assert "no times, so the budget is for every 2,000 events" in propose_decision(keys(1, None)).reason
    assert propose_decision(keys(1)).value == "budget"
    assert "at an event" not in propose_budget(keys(1, None)).reason


def test_more_keys_than_were_told_apart() -> None:
    many = replace(keys(1000), counts_all_keys=False)
    assert "with more than 1,000 keys" in propose_budget(many).reason
