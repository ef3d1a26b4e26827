"""One batch of messages: decode, score in one kernel call, publish what was not published before."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import orjson

from stream_rcf.core.parameters import DetectorParameters
from stream_rcf.kafka.dead_letters import DeadLetters
from stream_rcf.kafka.messages import NO_TIMESTAMP, Message
from stream_rcf.kafka.publisher import Publisher
from stream_rcf.kafka.schema_registry_reader import payload_reader
from stream_rcf.observe.metrics import Metrics
from stream_rcf.pipeline.decode import EventDecoder
from stream_rcf.pipeline.encode import RecordEncoder
from stream_rcf.pipeline.events import Event, Position, Rejection
from stream_rcf.pipeline.score_batch import score_batch
from stream_rcf.service.assignment import Assignment
from stream_rcf.service.partition import Partition, PartitionState
from stream_rcf.settings.model import Settings, event_schema
from stream_rcf.state.key_table import KeyTable


class BatchProcessor:
    """Turns messages into scores, alerts and dead letters, and moves the partitions forward."""

    def __init__(
        self,
        settings: Settings,
        parameters: DetectorParameters,
        assignment: Assignment,
        dead_letters: DeadLetters,
        metrics: Metrics,
    ) -> None:
        self._parameters = parameters
        self._threads = settings.forest.threads
        self._assignment = assignment
        self._dead_letters = dead_letters
        self._metrics = metrics
        self._decoder = EventDecoder(event_schema(settings), payload_reader(settings))
        self._encoder = RecordEncoder(parameters.features, parameters.fingerprint())
        self._scores_topic = settings.kafka.scores_topic
        self._alerts_topic = settings.kafka.alerts_topic

    def process(self, messages: Sequence[Message], publisher: Publisher) -> None:
        """Learn every message of ours in order, and publish for those of live partitions.

        Messages of partitions that went away meanwhile, and those already learned, are passed over. Raises
        ``RegistryUnavailableError`` where an event's schema cannot be had now: then what is uncommitted must go.
        """
        began = time.perf_counter()
        events: list[Event] = []
        tables: list[KeyTable] = []
        sources: list[Position | None] = []  # None: learned silently
        for message in messages:
            partition = self._assignment.get(message.topic() or "", message.partition() or 0)
            offset = message.offset() or 0
            if partition is None or not partition.accepts_events or offset < partition.next_offset:
                continue
            is_live = self._is_live(partition, offset)
            decoded = self._decode(message)
            partition.next_offset = offset + 1
            if partition.state is PartitionState.REPLAYING and partition.still_to_replay == 0:
                partition.caught_up()  # the next event is news, whenever it comes
            if isinstance(decoded, Event):
                events.append(decoded)
                tables.append(partition.table)
                sources.append(Position(partition.topic, partition.number, offset) if is_live else None)
            if is_live:
                publisher.begin()  # even a dead letter moves the offset
                if isinstance(decoded, Rejection):
                    self._dead_letters.publish(publisher, message, decoded)
                    self._metrics.dead_letter(decoded.error)
        anomalies = self._score_and_publish(events, tables, sources, publisher)
        published = sum(source is not None for source in sources)
        self._metrics.batch(len(messages), published, anomalies, time.perf_counter() - began)

    def _is_live(self, partition: Partition, offset: int) -> bool:
        if partition.state is PartitionState.REPLAYING and offset >= partition.publish_from:
            partition.caught_up()
        return partition.state is PartitionState.LIVE

    def _decode(self, message: Message) -> Event | Rejection:
        kind, timestamp = message.timestamp()
        return self._decoder.decode(
            _bytes(message.value()), _bytes(message.key()), -1 if kind == NO_TIMESTAMP else timestamp
        )

    def _score_and_publish(
        self,
        events: list[Event],
        tables: list[KeyTable],
        sources: list[Position | None],
        publisher: Publisher,
    ) -> int:
        scored = score_batch(self._parameters, events, tables, self._threads)
        now = time.time() * 1000
        oldest = now
        anomalies = 0
        for index, (event, source) in enumerate(zip(events, sources, strict=True)):
            if source is None:
                continue
            record: dict[str, Any] = self._encoder.score_record(event, source, scored, index)
            key = event.key.encode("utf-8")
            publisher.publish(self._scores_topic, key, orjson.dumps(record))
            oldest = min(oldest, event.timestamp)
            if record["is_anomaly"]:
                anomalies += 1
                alert = self._encoder.alert_record(record, source, scored.first_anomalous_timestamp[index])
                publisher.publish(self._alerts_topic, key, orjson.dumps(alert))
        if oldest < now:
            self._metrics.event_age((now - oldest) / 1000)
        return anomalies


def _bytes(value: Any) -> bytes | None:
    """What the client gave as bytes (it may give text where a producer in this process did)."""
    return value.encode("utf-8") if isinstance(value, str) else value
