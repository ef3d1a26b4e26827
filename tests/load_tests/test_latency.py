from __future__ import annotations

import pytest

from load_tests.latency import Latency, measure_delivery, plain_data
from load_tests.workload import Workload
from tests.support.broker import KafkaBroker


def test_percentiles_are_of_the_events() -> None:
    latency = Latency("exactly_once", 100.0, [float(i) for i in range(101)])

    assert (latency.median, latency.percentile(95), latency.percentile(99)) == (50.0, 95.0, 99.0)
    data = plain_data([latency])["exactly_once"]
    assert data == {
        "events_per_second": 100.0,
        "events": 101,
        "median": 50.0,
        "p95": 95.0,
        "p99": 99.0,
        "most": 100.0,
    }


@pytest.mark.parametrize("delivery", ["exactly_once", "at_least_once"])
def test_every_event_of_the_stream_is_met(broker: KafkaBroker, delivery: str) -> None:
    """How long they take is the benchmark's business; here each is found, after the backlog and the warm-up."""
    latency = measure_delivery(broker, delivery, Workload(5, 100, 100), 3.0, rate=100.0, warm_seconds=1.0)

    assert latency.rate == 100.0
    assert 0 < len(latency.milliseconds) < 300, "those after the warm-up"
    assert min(latency.milliseconds) >= 0.0
