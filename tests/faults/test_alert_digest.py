"""A storm of alerts on the real broker, and a service that dies in its middle: the bytes of an undisturbed run."""

from __future__ import annotations

import random
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from tests.support.broker import KafkaBroker
from tests.support.service import START_OF_EVENTS, Service, Topics, wait_for_outputs

KEYS, PARTITIONS = 24, 2
TURNS = 180  # of all keys, a second of event time each
STORMS = ((60, 75), (130, 145))  # turns in which every key is far off, now up, now down
STAGES = (
    64,
    69,
    137,
)  # turns up to which a service is fed before it is killed: twice in the first storm, in the second
SETTINGS = {
    "output__digest_keys": 6,
    "output__digest_seconds": 20,
    "output__resolved": "true",
    "forest__trees": 10,
    "forest__sample_size": 32,
    "forest__shingle_size": 1,
}
FAST_SESSION = '{"session.timeout.ms": "1500", "heartbeat.interval.ms": "200"}'


@pytest.fixture(scope="module")
def broker() -> Iterator[KafkaBroker]:
    """A broker that lets members time out after a second, so that a killed one is replaced soon."""
    with KafkaBroker({"group.min.session.timeout.ms": "500"}) as running:
        yield running


def turn_events(first: int, end: int) -> list[tuple[bytes, bytes, int, int]]:
    """The events of these turns, of every key one in each."""
    events = []
    for turn in range(first, end):
        generator = random.Random(turn)
        is_storm = any(begin <= turn < over for begin, over in STORMS)
        for number in range(KEYS):
            at = START_OF_EVENTS + 1000 * turn + 30 * number
            value = generator.gauss(10.0 * number, 1.0) + (is_storm * generator.choice([-1, 1, 2]) * 50.0)
            document = {"timestamp": at, "value": value}
            events.append((f"host-{number}".encode(), orjson.dumps(document), number % PARTITIONS, at))
    return events


@pytest.fixture(scope="module")
def calm(broker: KafkaBroker, tmp_path_factory: pytest.TempPathFactory) -> Topics:
    """What a service makes of the same events that nothing happens to."""
    topics, folder = Topics(broker, "storm-calm", PARTITIONS), tmp_path_factory.mktemp("calm")
    broker.produce(topics.events, turn_events(0, TURNS))
    with Service(topics.environment(folder / "checkpoints", **SETTINGS), folder / "log") as service:
        wait_for_outputs(topics, KEYS * TURNS, [service])
        assert service.stop() == 0
    return topics


def by_key(topics: Topics, topic: str, *, may_repeat: bool = False) -> dict[bytes, list[bytes]]:
    """What was published in its order for each key; at least once, what came again the same is one.

    The name of the input, which is the test's own and stands in every record, is another.
    """
    found: dict[bytes, list[bytes]] = defaultdict(list)
    for record in topics.broker.read_all(topic):
        key, value = (
            (part or b"").replace(topics.events.encode(), b"input") for part in (record.key, record.value)
        )
        found[key].append(value)
    return {key: list(dict.fromkeys(values)) if may_repeat else values for key, values in found.items()}


def assert_same_as_undisturbed(topics: Topics, calm: Topics, *, may_repeat: bool = False) -> None:
    for topic, other in ((topics.scores, calm.scores), (topics.alerts, calm.alerts)):
        assert by_key(topics, topic, may_repeat=may_repeat) == by_key(calm, other)


def test_both_storms_are_two_records_in_each_partition(calm: Topics) -> None:
    alerts = [orjson.loads(value) for values in by_key(calm, calm.alerts).values() for value in values]
    statuses = [alert["status"] for alert in alerts]
    assert statuses.count("digest_opened") == statuses.count("digest_closed") >= len(STORMS) * PARTITIONS
    held = sum(alert["held_alerts"] for alert in alerts if alert["status"] == "digest_closed")
    anomalies = sum(
        orjson.loads(record.value or b"")["is_anomaly"] for record in calm.broker.read_all(calm.scores)
    )
    told = statuses.count("opened") + statuses.count("continuing")
    assert held + told == anomalies
    assert held > 5 * told


@pytest.mark.parametrize(
    ("delivery", "interval"), [("exactly_once", 1), ("exactly_once", 3600), ("at_least_once", 3600)]
)
def test_killed_in_the_middle_of_a_storm_it_says_the_same(
    delivery: str, interval: int, broker: KafkaBroker, calm: Topics, tmp_path: Path
) -> None:
    """With a checkpoint that holds the storm, and with none since the beginning, so that all of it is replayed."""
    topics = Topics(broker, f"storm-{delivery.replace('_', '-')}-{interval}", PARTITIONS)
    environment = topics.environment(
        tmp_path / "checkpoints",
        **SETTINGS,
        kafka__delivery=delivery,
        kafka__properties=FAST_SESSION,
        kafka__batch_size=50,
        checkpoint__interval_seconds=interval,
    )
    fed = 0
    for attempt, until in enumerate(STAGES):
        broker.produce(topics.events, turn_events(fed, until))
        fed = until
        with Service(environment, tmp_path / f"log-{attempt}") as service:
            wait_for_outputs(topics, KEYS * fed, [service])
            if interval < 10:
                for number in range(PARTITIONS):
                    service.wait_for("checkpoint written", partition=number, offset=fed * KEYS // PARTITIONS)
            service.kill()
    broker.produce(topics.events, turn_events(fed, TURNS))
    with Service(environment, tmp_path / "log-last") as service:
        wait_for_outputs(topics, KEYS * TURNS, [service])
        if delivery == "at_least_once":
            service.wait_for("partition loaded", times=PARTITIONS)
            wait_until_scored(topics)
        assert service.stop() == 0
        replayed = sum(int(str(entry["replay"])) for entry in service.said("partition loaded"))
    assert (replayed > 0) is (interval > 10), "the storm comes from a replay, or from a checkpoint"
    assert_same_as_undisturbed(topics, calm, may_repeat=delivery == "at_least_once")


def wait_until_scored(topics: Topics) -> None:
    """Wait until every event has a score; some may have several."""
    deadline = time.monotonic() + 60
    while True:
        scores = {record.value for record in topics.broker.read_all(topics.scores)}
        if len(scores) == KEYS * TURNS:
            return
        assert time.monotonic() < deadline, f"{len(scores)} events have scores"
        time.sleep(0.5)


def test_handed_over_in_the_middle_of_a_storm_it_says_the_same(
    broker: KafkaBroker, calm: Topics, tmp_path: Path
) -> None:
    topics = Topics(broker, "storm-handover", PARTITIONS)
    environment = topics.environment(tmp_path / "checkpoints", **SETTINGS, kafka__properties=FAST_SESSION)
    with Service(environment, tmp_path / "log-first") as first:
        broker.produce(topics.events, turn_events(0, 66))
        wait_for_outputs(topics, KEYS * 66, [first])
        with Service(environment, tmp_path / "log-second") as second:
            second.wait_for("partition loaded")
            broker.produce(topics.events, turn_events(66, 135))
            wait_for_outputs(topics, KEYS * 135, [first, second])
            assert first.stop() == 0
            broker.produce(topics.events, turn_events(135, TURNS))
            wait_for_outputs(topics, KEYS * TURNS, [second])
            assert second.stop() == 0
    assert_same_as_undisturbed(topics, calm)
