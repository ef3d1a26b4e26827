"""What the tests of the publishers start from."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from stream_rcf.kafka.publisher import TransactionalPublisher
from tests.kafka.stage import Stage, joined
from tests.kafka.support import create_all, kafka_settings, unique
from tests.support.broker import KafkaBroker


@pytest.fixture
def stage(broker: KafkaBroker) -> Iterator[Stage]:
    settings = kafka_settings(broker.bootstrap, unique("publisher"))
    create_all(broker, settings)
    consumer = joined(settings)
    yield Stage(broker, settings, consumer)
    consumer.close()


@pytest.fixture
def own_stage() -> Iterator[Stage]:
    """The same on a broker of the test's own, to be harmed."""
    with KafkaBroker() as broker:
        settings = kafka_settings(broker.bootstrap, unique("publisher"))
        create_all(broker, settings)
        consumer = joined(settings)
        yield Stage(broker, settings, consumer)
        consumer.close()


@pytest.fixture
def publish(stage: Stage) -> Iterator[Callable[..., TransactionalPublisher]]:
    """Makes transactional publishers that are closed at the end."""
    made: list[TransactionalPublisher] = []

    def make(name: str = "") -> TransactionalPublisher:
        publisher = TransactionalPublisher(stage.settings, name or unique("id"))
        made.append(publisher)
        return publisher

    yield make
    for publisher in made:
        publisher.close()
