"""The newest events of a topic, read once from outside: no group is joined and nothing is committed."""

from __future__ import annotations

import heapq
import time
from collections.abc import Mapping
from typing import NamedTuple

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from stream_rcf.errors import StreamRcfError, UnreachableError, UsageError
from stream_rcf.kafka.client_configuration import PRODUCER_ONLY, client_configuration, new_client
from stream_rcf.kafka.failures import kafka_error
from stream_rcf.kafka.first_contact import ask_brokers
from stream_rcf.kafka.rights import denial, is_denial
from stream_rcf.settings.model import Settings

CONTACT_SECONDS = 15.0  # for a broker to answer at all
ANSWER_SECONDS = 15.0  # for the ends of one partition
READ_SECONDS = 120.0  # for all events; a broker gives 20,000 within one or two
IDLE_SECONDS = 0.5  # of waiting at a time, between two looks at the clock
AT_ONCE = 1000  # messages asked of the client at a time
MOST_BYTES = 256 * 2**20  # of the values together, which are held in memory
NOT_JOINED = "stream-rcf-newest"  # the client asks for a group's name even where none is joined


class TopicEvent(NamedTuple):
    """One message as the service would get it."""

    key: bytes | None
    value: bytes | None
    timestamp: int  # epoch ms; negative where the message has none


class Newest(NamedTuple):
    """The newest events of a topic: those of each partition in order, partitions merged by time."""

    events: list[TopicEvent]
    partitions: int
    stored: int  # offsets in the topic: at least as many as there are events


def newest_events(settings: Settings, topic: str, most: int) -> Newest:
    """Return up to ``most`` of the newest committed events, shared out evenly over the partitions.

    Raises ``UnreachableError`` where no broker answers or reading takes longer than ``READ_SECONDS``, ``UsageError``
    where the topic does not exist, ``AccessDenied`` where it must not be read, and ``StreamRcfError`` where the events
    are too large to be held.
    """
    _, known = ask_brokers(settings, CONTACT_SECONDS)
    found = known.topics.get(topic)
    if found is None or found.error is not None:
        raise UsageError(
            f"{topic}: there is no such topic on {settings.kafka.bootstrap_servers}, or we must not see it"
        )
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
        return _read(consumer, settings, topic, sorted(found.partitions), most)
    except KafkaException as failure:
        error = kafka_error(failure)
        if is_denial(error):
            raise denial(error, settings, f"READ on topic {topic}") from None
        raise UnreachableError(f"topic {topic} cannot be read: {error.str()}") from None
    finally:
        consumer.close()


def _read(consumer: Consumer, settings: Settings, topic: str, partitions: list[int], most: int) -> Newest:
    ends: dict[int, tuple[int, int]] = {}
    for partition in partitions:
        ends[partition] = consumer.get_watermark_offsets(
            TopicPartition(topic, partition), timeout=ANSWER_SECONDS
        )
    stored = {partition: max(0, high - low) for partition, (low, high) in ends.items()}
    wanted = share_out(stored, most)
    starts = [
        TopicPartition(topic, partition, ends[partition][1] - count)
        for partition, count in wanted.items()
        if count > 0
    ]
    events: dict[int, list[TopicEvent]] = {place.partition: [] for place in starts}
    if starts:
        consumer.assign(starts)
        _read_to_ends(consumer, settings, topic, {one: ends[one][1] for one in events}, events)
    # Each partition's events stay in their order, whatever their times say.
    merged = list(heapq.merge(*events.values(), key=lambda event: event.timestamp))
    return Newest(merged, len(partitions), sum(stored.values()))


def share_out(stored: Mapping[int, int], most: int) -> dict[int, int]:
    """Return how many events to take of each partition: equally many, and more where others have fewer."""
    wanted: dict[int, int] = {}
    left = most
    # The smallest first: what it cannot give is shared by the others.
    for place, (partition, count) in enumerate(sorted(stored.items(), key=lambda item: (item[1], item[0]))):
        fair = -(-left // (len(stored) - place))
        wanted[partition] = min(count, fair, left)
        left -= wanted[partition]
    return wanted


def _read_to_ends(
    consumer: Consumer,
    settings: Settings,
    topic: str,
    ends: Mapping[int, int],
    events: dict[int, list[TopicEvent]],
) -> None:
    """Read on until each partition's end is reached, which transaction markers may hide from reading.

    The client looks for its group's coordinator although it joins none, so that a refusal of that is no trouble.
    """
    deadline = time.monotonic() + READ_SECONDS
    unfinished = set(ends)
    room = MOST_BYTES
    while unfinished:
        if time.monotonic() > deadline:
            raise UnreachableError(
                f"topic {topic} could not be read to its end within {READ_SECONDS:g} s: partitions "
                f"{', '.join(map(str, sorted(unfinished)))} of {settings.kafka.bootstrap_servers} give no more"
            )
        for message in consumer.consume(AT_ONCE, IDLE_SECONDS):
            partition = message.partition()
            if partition is None or partition not in unfinished:
                continue
            error = message.error()
            if error is None:
                room -= len(message)
                if room < 0:
                    raise StreamRcfError(
                        f"topic {topic}: its newest events hold more than {MOST_BYTES // 2**20} MB; ask for fewer by "
                        "--events"
                    )
                offset = message.offset()
                if offset is not None and offset < ends[partition]:
                    events[partition].append(_event_of(message))
                if offset is not None and offset >= ends[partition] - 1:
                    unfinished.discard(partition)
            elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 -- the client publishes its local codes so
                unfinished.discard(partition)
            elif is_denial(error) and error.code() != KafkaError.GROUP_AUTHORIZATION_FAILED:
                raise denial(error, settings, f"READ on topic {topic}")
            elif error.fatal():
                raise StreamRcfError(f"topic {topic} cannot be read: {error.str()}")


def _event_of(message: Message) -> TopicEvent:
    return TopicEvent(_bytes(message.key()), _bytes(message.value()), message.timestamp()[1])


def _bytes(value: str | bytes | None) -> bytes | None:
    return value.encode("utf-8") if isinstance(value, str) else value
