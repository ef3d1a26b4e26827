from __future__ import annotations

import pytest

from load_tests.soak import Soak, markdown, plain_data, soak
from load_tests.workload import Workload
from tests.support.broker import KafkaBroker

MEGABYTE = 2**20


def test_growth_is_from_the_second_third_to_the_last() -> None:
    found = Soak(5, 60.0, 1000, [size * MEGABYTE for size in (50, 60, 70, 100, 100, 100, 101, 103, 110)])

    assert found.thirds == (60 * MEGABYTE, 100 * MEGABYTE, 103 * MEGABYTE)
    assert found.growth == pytest.approx(0.03)
    assert "60, 100, 103 MB; at most 110 MB" in markdown(found)


def test_too_few_looks_say_nothing() -> None:
    with pytest.raises(ValueError, match="make the soak longer"):
        _ = Soak(5, 1.0, 10, [1, 2]).growth


def test_every_event_of_the_soak_is_scored_and_the_process_looked_at(broker: KafkaBroker) -> None:
    found = soak(broker, Workload(5, 100, 100), seconds=3.0, rate=200.0)

    assert 400 <= found.events <= 600
    assert len(found.resident) >= 1
    assert found.resident[0] > 20 * MEGABYTE, "a Python with its kernels"
    assert plain_data(found)["events"] == found.events
