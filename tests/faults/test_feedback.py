"""Feedback and maintenance on a real broker: in effect where the log says, and the same bytes whatever happens."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.feedback_support import (
    PARTITIONS,
    Listeners,
    Told,
    expected,
    maintenance,
    not_an_anomaly,
    published,
    reasons,
    told_by,
    word_of,
)
from tests.support.broker import KafkaBroker
from tests.support.service import Service, wait_for_outputs

STAGE = 1500  # events


@pytest.fixture
def topics(broker: KafkaBroker, request: pytest.FixtureRequest) -> Listeners:
    return Listeners(broker, word_of(request.node.name))


def scored(topics: Listeners, *services: Service) -> None:
    """Send a stage of events, and wait until they are scored."""
    topics.send_events(STAGE)
    wait_for_outputs(topics, topics.sent, services)


def tell(topics: Listeners, *services: Service, times: int = PARTITIONS) -> None:
    """Give feedback on the alerts so far of half of the keys, and wait until it takes effect."""
    before = sum(len(service.said("feedback in effect")) for service in services)
    topics.say(*(not_an_anomaly(alert) for alert in topics.alerts_of() if str(alert["key"]) < "host-4"))
    services[0].wait_for("feedback in effect", times=before + times)


@pytest.mark.parametrize("delivery", ["exactly_once", "at_least_once"])
def test_killed_after_the_commit_and_before_the_checkpoint_it_says_the_same(
    topics: Listeners, tmp_path: Path, delivery: str
) -> None:
    environment = topics.environment(tmp_path / "checkpoints", kafka__delivery=delivery)
    with Service(environment, tmp_path / "log-0") as first:
        scored(topics, first)
        tell(topics, first)
        scored(topics, first)
        first.kill()
    with Service(environment, tmp_path / "log-1") as second:
        scored(topics, second)
        topics.announce(maintenance("patch", "host-*", 3 * STAGE, 3 * STAGE + STAGE // 2))
        second.wait_for("feedback in effect", times=PARTITIONS)
        scored(topics, second)
        second.kill()
    with Service(environment, tmp_path / "log-2") as third:
        scored(topics, third)
        assert third.stop() == 0
    told = told_by([first, second, third])
    assert {number: len(entries) for number, entries in told.items()} == {0: 2, 1: 2}
    outputs = published(topics, may_repeat=delivery == "at_least_once")
    assert outputs == expected(topics, environment, told)
    assert {"rule:feedback", "rule:maintenance patch"} <= reasons(outputs[topics.scores])
    shifted = {
        number: [Told(one.offset - 200, one.heard) for one in entries] for number, entries in told.items()
    }
    assert outputs != expected(topics, environment, shifted), "another moment gives other bytes"
