from __future__ import annotations

import pytest

from load_tests.soak import Soak, markdown, plain_data, soak
from load_tests.workload import Workload
from tests.support.broker import KafkaBroker

MEGABYTE = 2**20


def test_growth_is_that_of_all_but_the_models_from_the_second_third_to_the_last() -> None:
    resident = [size * MEGABYTE for size in (90, 95, 98, 100, 100, 100, 112, 114, 120)]
    models = [size * MEGABYTE for size in (20, 20, 20, 20, 20, 20, 30, 30, 30)]
    found = Soak(5, 60.0, 1000, resident, models)

    assert found.thirds == (75 * MEGABYTE, 80 * MEGABYTE, 84 * MEGABYTE)
    assert found.growth == pytest.approx(0.04)
    assert "90 MB at the beginning and 120 at the end, its models 20 and 30" in markdown(found)
    assert "75, 80, 84 MB; from the second to the last that is +4.0 %" in markdown(found)


def test_too_few_looks_say_nothing() -> None:
    with pytest.raises(ValueError, match="make the soak longer"):
        _ = Soak(5, 1.0, 10, [1, 2], [0, 0]).growth


def test_every_event_of_the_soak_is_scored_and_the_process_looked_at(broker: KafkaBroker) -> None:
    found = soak(broker, Workload(5, 100, 100), seconds=3.0, rate=200.0)

    assert 400 <= found.events <= 600
    assert len(found.resident) >= 1
    assert found.resident[0] > 20 * MEGABYTE, "a Python with its kernels"
    assert 0 < found.models[-1] < found.resident[-1]
    assert plain_data(found)["events"] == found.events
