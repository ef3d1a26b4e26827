"""What the tests of members that come and go share: a broker that notices quickly, a small forest, events."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.support.broker import KafkaBroker
from tests.support.feed import EventList
from tests.support.service import Service, Topics, assert_same_as_offline, make_events, offline_rows

EVENTS, KEYS, PARTITIONS = 20_000, 200, 6
FEED_SECONDS = 15.0
PROTOCOLS = ("classic", "consumer")
# In the newer protocol the broker decides the times. A crash is noticed after the session's.
QUICK_BROKER = {
    "group.consumer.min.session.timeout.ms": "1000",
    "group.consumer.session.timeout.ms": "6000",
    "group.consumer.min.heartbeat.interval.ms": "100",
    "group.consumer.heartbeat.interval.ms": "500",
}
# Long enough for a process to end and start again within it, on a machine that is busy with other tests too.
PATIENT_BROKER = {**QUICK_BROKER, "group.consumer.session.timeout.ms": "25000"}
SMALL_FOREST = {"trees": 5, "sample_size": 16, "shingle_size": 2}


class Stream:
    """Events, and what the offline run makes of them."""

    def __init__(self, folder: Path) -> None:
        self.events: EventList = make_events(EVENTS, KEYS, PARTITIONS, seed=20261127)
        self.values = [value for _, value, _, _ in self.events]
        self.rows = offline_rows(
            self.values, folder, *(f"forest.{name}={value}" for name, value in SMALL_FOREST.items())
        )

    def check(self, topics: Topics) -> None:
        """Fail unless the outputs are the offline run's, each once."""
        assert_same_as_offline(topics, self.values, self.rows)


class Stage:
    """Topics of one test, and services on them."""

    def __init__(self, broker: KafkaBroker, folder: Path, word: str, protocol: str) -> None:
        self.topics = Topics(broker, f"{word}-{protocol}", PARTITIONS)
        self._folder = folder
        self._protocol = protocol

    def start(self, name: str, **settings: object) -> Service:
        """A service that logs to the file ``name``."""
        environment = self.topics.environment(
            self._folder / "checkpoints",
            kafka__group_protocol=self._protocol,
            **{f"forest__{setting}": value for setting, value in SMALL_FOREST.items()},
            **settings,
        )
        return Service(environment, self._folder / name)


StageMaker = Callable[[str, str], Stage]
