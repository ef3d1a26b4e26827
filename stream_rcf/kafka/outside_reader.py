"""A topic read once from outside: no group is joined, nothing is committed, and only committed records are seen."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from confluent_kafka import Consumer, KafkaError, KafkaException, Message

from stream_rcf.errors import StreamRcfError, UnreachableError
from stream_rcf.kafka.client_configuration import PRODUCER_ONLY, client_configuration, new_client
from stream_rcf.kafka.failures import kafka_error
from stream_rcf.kafka.first_contact import ask_brokers
from stream_rcf.kafka.rights import denial, is_denial
from stream_rcf.settings.model import Settings

CONTACT_SECONDS = 15.0  # for a broker to answer at all
IDLE_SECONDS = 0.5  # of waiting at a time, between two looks at the clock
AT_ONCE = 1000  # messages asked of the client at a time
NOT_JOINED = "stream-rcf-outside"  # the client asks for a group's name even where none is joined


def partitions_of(settings: Settings, topic: str) -> list[int] | None:
    """The numbers of a topic's partitions; None where there is no such topic, or we must not see it.

    Raises ``UnreachableError`` where no broker answers.
    """
    _, known = ask_brokers(settings, CONTACT_SECONDS)
    found = known.topics.get(topic)
    return None if found is None or found.error is not None else sorted(found.partitions)


@contextmanager
def outside_reader(settings: Settings, topic: str) -> Iterator[Consumer]:
    """A consumer that is yet to be assigned partitions of ``topic``; what it fails of is said of that topic."""
    consumer = new_client(
        Consumer,
        {
            **client_configuration(settings, PRODUCER_ONLY),
            "log_level": 0,
            "group.id": NOT_JOINED,
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
            "enable.partition.eof": True,
            "isolation.level": "read_committed",
            "auto.offset.reset": "earliest",
        },
    )
    try:
        yield consumer
    except KafkaException as failure:
        error = kafka_error(failure)
        if is_denial(error):
            raise denial(error, settings, f"READ on topic {topic}") from None
        raise UnreachableError(f"topic {topic} cannot be read: {error.str()}") from None
    finally:
        consumer.close()


def read_to_ends(
    consumer: Consumer, settings: Settings, topic: str, unfinished: set[int], seconds: float
) -> Iterator[Message]:
    """The messages of the ``unfinished`` partitions until none is left; whoever has enough of one may take it out.

    Transaction markers may hide an end from reading, so the client tells it. The client looks for its group's
    coordinator although it joins none: a refusal of that is no trouble. Raises ``UnreachableError`` after ``seconds``,
    ``AccessDenied`` where the topic must not be read, and ``StreamRcfError`` where the client gives up.
    """
    deadline = time.monotonic() + seconds
    while unfinished:
        if time.monotonic() > deadline:
            raise UnreachableError(
                f"topic {topic} could not be read to its end within {seconds:g} s: partitions "
                f"{', '.join(map(str, sorted(unfinished)))} of {settings.kafka.bootstrap_servers} give no more"
            )
        for message in consumer.consume(AT_ONCE, IDLE_SECONDS):
            error = message.error()
            if error is None:
                if message.partition() in unfinished:
                    yield message
            elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 -- the client publishes its local codes so
                unfinished.discard(message.partition() or 0)
            elif is_denial(error) and error.code() != KafkaError.GROUP_AUTHORIZATION_FAILED:
                raise denial(error, settings, f"READ on topic {topic}")
            elif error.fatal():
                raise StreamRcfError(f"topic {topic} cannot be read: {error.str()}")
