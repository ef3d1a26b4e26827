from __future__ import annotations

import pytest

from load_tests.plan_check import PlanCheck, check_plan, markdown, plain_data
from load_tests.workload import Workload
from tests.support.broker import KafkaBroker

MEGABYTE = 2**20


def test_the_error_is_a_share_of_what_was_measured() -> None:
    planned = {"memory": 90.0 * MEGABYTE, "checkpoint": 220.0 * MEGABYTE, "speed": 1000.0}
    measured = {"memory": 100.0 * MEGABYTE, "checkpoint": 200.0 * MEGABYTE, "speed": 1000.0}
    found = PlanCheck(5, 240, planned, measured)

    assert [found.error(name) for name in planned] == pytest.approx([-0.1, 0.1, 0.0])
    assert "| 5 | 240 | memory, MB | 90.0 | 100.0 | -10.0 % |" in markdown([found])
    assert plain_data([found])[0]["measured"] == measured


def test_a_real_run_and_a_real_plan_are_put_side_by_side(broker: KafkaBroker) -> None:
    """How far apart they are is the benchmark's business; what a few young keys take is not much."""
    # About a second of events: fewer may all come in one read, which has no rate.
    found = check_plan(broker, Workload(30, 600, 11_400))

    assert set(found.planned) == set(found.measured) == {"memory", "checkpoint", "speed"}
    assert found.events_per_key == 400
    assert 0.7 < found.measured["checkpoint"] / found.planned["checkpoint"] < 1.3
    assert found.measured["speed"] > 0.0
