"""What the tests of the client's side share: settings for a broker, a group's topics, reading back what stands."""

from __future__ import annotations

import time
from collections.abc import Callable
from uuid import uuid4

from stream_rcf.settings.model import Settings
from tests.support.broker_client import BrokerClient

PATIENCE_SECONDS = 60.0  # for the broker, on two cores that do other things too


def unique(word: str) -> str:
    """A name that no other test and no earlier run on the same broker has."""
    return f"{word}-{uuid4().hex[:8]}"


def kafka_settings(bootstrap: str, word: str, **kafka: object) -> Settings:
    """Settings whose topics and group are named by ``word``."""
    names: dict[str, object] = {
        "bootstrap_servers": bootstrap,
        "group_id": f"{word}-group",
        "input_topic": f"{word}-events",
        "scores_topic": f"{word}-scores",
        "alerts_topic": f"{word}-alerts",
        "dead_letter_topic": f"{word}-dead",
    }
    return Settings(kafka={**names, **kafka})  # type: ignore[arg-type] # -- pydantic takes a mapping


def create_all(broker: BrokerClient, settings: Settings, partitions: int = 1) -> None:
    """Create the topics that the settings name."""
    kafka = settings.kafka
    for topic in (kafka.input_topic, kafka.scores_topic, kafka.alerts_topic, kafka.dead_letter_topic):
        broker.create_topic(topic, partitions)


def values_of(broker: BrokerClient, topic: str) -> list[bytes | None]:
    """What a reader of committed records sees."""
    return [record.value for record in broker.read_all(topic)]


def wait_until(condition: Callable[[], bool], what: str, seconds: float = PATIENCE_SECONDS) -> None:
    """Ask until the condition holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what}: not within {seconds:g} s"
        time.sleep(0.02)
