"""The whole path on a real broker: 20,000 events in, undisturbed, killed, and with a second replica; one answer."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.broker import KafkaBroker
from tests.support.feed import EventList, feed
from tests.support.service import (
    Service,
    Topics,
    assert_same_as_offline,
    make_events,
    offline_rows,
    wait_for_outputs,
)

EVENTS, KEYS, PARTITIONS = 20_000, 200, 4
KILLS = 10
FEED_SECONDS = 40.0  # so that there always is something in flight to lose
STALLS, STALL_SECONDS = 8, 2.5  # longer than the session, shorter than the transaction's time-out
FAST_SESSION = '{"session.timeout.ms": "1500", "heartbeat.interval.ms": "200"}'
BY_BUDGET = {"detector__decision": "budget"}  # the default, which the tests' topics change


@pytest.fixture(scope="module")
def quick_broker() -> Iterator[KafkaBroker]:
    """A broker that lets members time out after a second, so that a killed one is replaced soon."""
    with KafkaBroker({"group.min.session.timeout.ms": "500"}) as running:
        yield running


@pytest.fixture(scope="module")
def events() -> EventList:
    return make_events(EVENTS, KEYS, PARTITIONS, seed=20261125)


@pytest.fixture(scope="module")
def rows(events: EventList, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, str]]:
    return offline_rows(
        [value for _, value, _, _ in events], tmp_path_factory.mktemp("offline"), "detector.decision=budget"
    )


@pytest.mark.parametrize("delivery", ["exactly_once", "at_least_once"])
def test_scores_are_those_of_the_offline_run(
    delivery: str, quick_broker: KafkaBroker, events: EventList, rows: list[dict[str, str]], tmp_path: Path
) -> None:
    topics = Topics(quick_broker, f"calm-{delivery.replace('_', '-')}")
    quick_broker.produce(topics.events, events)
    with Service(
        topics.environment(tmp_path / "checkpoints", **BY_BUDGET, kafka__delivery=delivery), tmp_path / "log"
    ) as service:
        wait_for_outputs(topics, EVENTS, [service])
        assert service.stop() == 0
    assert_same_as_offline(topics, [value for _, value, _, _ in events], rows)


def test_ten_kills_change_nothing(
    quick_broker: KafkaBroker, events: EventList, rows: list[dict[str, str]], tmp_path: Path
) -> None:
    topics = Topics(quick_broker, "killed")
    environment = topics.environment(tmp_path / "checkpoints", **BY_BUDGET, kafka__properties=FAST_SESSION)
    moments = random.Random(11)
    feeding = feed(topics, events, FEED_SECONDS)
    for attempt in range(KILLS):
        with Service(environment, tmp_path / f"log-{attempt}") as service:
            if attempt % 3:  # every third one dies while it starts, loads or replays
                service.wait_for("partition loaded")
            time.sleep(moments.uniform(0.0, 3.0))
            assert service.process.poll() is None, service.log.read_text()[-3000:]
            service.kill()
    feeding.join()
    with Service(environment, tmp_path / "log-last") as service:
        wait_for_outputs(topics, EVENTS, [service])
        assert service.stop() == 0
    assert_same_as_offline(topics, [value for _, value, _, _ in events], rows)


@pytest.mark.parametrize("protocol", ["classic", "consumer"])
def test_a_replica_that_joins_and_leaves_changes_nothing(
    protocol: str, quick_broker: KafkaBroker, events: EventList, rows: list[dict[str, str]], tmp_path: Path
) -> None:
    topics = Topics(quick_broker, f"replica-{protocol}")
    environment = topics.environment(tmp_path / "checkpoints", **BY_BUDGET, kafka__group_protocol=protocol)
    feeding = feed(topics, events, FEED_SECONDS / 2)
    with Service(environment, tmp_path / "log-first") as first:
        first.wait_for("partition loaded")
        with Service(environment, tmp_path / "log-second") as second:
            second.wait_for("partition loaded")  # it got a share
            time.sleep(2.0)
            assert second.stop() == 0
        feeding.join()
        wait_for_outputs(topics, EVENTS, [first])
        assert first.stop() == 0
    assert_same_as_offline(topics, [value for _, value, _, _ in events], rows)


def test_a_process_that_sleeps_past_its_session_and_wakes_changes_nothing(
    quick_broker: KafkaBroker, events: EventList, rows: list[dict[str, str]], tmp_path: Path
) -> None:
    """Alone: it loses its partitions to nobody, in the middle of a transaction that the broker still accepts."""
    topics = Topics(quick_broker, "sleeper")
    environment = topics.environment(
        tmp_path / "checkpoints", kafka__properties=FAST_SESSION, kafka__commit_interval_ms=300, **BY_BUDGET
    )
    feeding = feed(topics, events, FEED_SECONDS)
    moments = random.Random(5)
    with Service(environment, tmp_path / "log") as service:
        service.wait_for("partition loaded")
        for _ in range(STALLS):
            time.sleep(moments.uniform(0.3, 1.5))
            service.process.send_signal(signal.SIGSTOP)
            time.sleep(STALL_SECONDS)
            service.process.send_signal(signal.SIGCONT)
        feeding.join()
        wait_for_outputs(topics, EVENTS, [service])
        assert service.stop() == 0
        lost = sum("partitions lost" in str(entry["message"]) for entry in service.messages())
    assert lost >= 2, "the stalls of this test must be long enough to be noticed"
    assert_same_as_offline(topics, [value for _, value, _, _ in events], rows)


def test_a_zombie_that_finds_its_partitions_taken_changes_nothing(
    quick_broker: KafkaBroker, events: EventList, rows: list[dict[str, str]], tmp_path: Path
) -> None:
    topics = Topics(quick_broker, "zombie")
    environment = topics.environment(tmp_path / "checkpoints", **BY_BUDGET, kafka__properties=FAST_SESSION)
    feeding = feed(topics, events, FEED_SECONDS / 2)
    with Service(environment, tmp_path / "log-sleeper") as sleeper:
        sleeper.wait_for("partition loaded")
        time.sleep(3.0)
        sleeper.process.send_signal(signal.SIGSTOP)
        with Service(environment, tmp_path / "log-heir") as heir:
            heir.wait_for("partition loaded")
            time.sleep(2.0)
            sleeper.process.send_signal(signal.SIGCONT)
            feeding.join()
            wait_for_outputs(topics, EVENTS, [sleeper, heir])
            assert sleeper.stop() == 0
            assert heir.stop() == 0
    assert_same_as_offline(topics, [value for _, value, _, _ in events], rows)
