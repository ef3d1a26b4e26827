"""The newest events of a topic, read once from outside: no group is joined and nothing is committed."""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from typing import NamedTuple

from confluent_kafka import Consumer, Message, TopicPartition

from stream_rcf.errors import StreamRcfError, UsageError
from stream_rcf.kafka.messages import as_bytes
from stream_rcf.kafka.outside_reader import outside_reader, partitions_of, read_to_ends
from stream_rcf.settings.model import Settings

ANSWER_SECONDS = 15.0  # for the ends of one partition
READ_SECONDS = 120.0  # for all events; a broker gives 20,000 within one or two
MOST_BYTES = 256 * 2**20  # of the values together, which are held in memory


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
    partitions = partitions_of(settings, topic)
    if partitions is None:
        raise UsageError(
            f"{topic}: there is no such topic on {settings.kafka.bootstrap_servers}, or we must not see it"
        )
    with outside_reader(settings, topic) as consumer:
        return _read(consumer, settings, topic, partitions, most)


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
    """Read on until each partition's end is reached, as far as it was known at the beginning."""
    unfinished = set(ends)
    room = MOST_BYTES
    for message in read_to_ends(consumer, settings, topic, unfinished, READ_SECONDS):
        room -= len(message)
        if room < 0:
            raise StreamRcfError(
                f"topic {topic}: its newest events hold more than {MOST_BYTES // 2**20} MB; ask for fewer by --events"
            )
        partition, offset = message.partition(), message.offset()
        if partition is None or offset is None:
            continue
        if offset < ends[partition]:
            events[partition].append(_event_of(message))
        if offset >= ends[partition] - 1:
            unfinished.discard(partition)


def _event_of(message: Message) -> TopicEvent:
    return TopicEvent(as_bytes(message.key()), as_bytes(message.value()), message.timestamp()[1])
