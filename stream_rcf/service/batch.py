"""Batches of messages on their way: decoded, scored in one kernel call, published where they were not before.

One batch may be in flight: while its kernel runs in a thread of its own, the loop publishes the batch before it,
commits, and reads and decodes the one after it. Everything but the kernel stays in the loop's thread.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from functools import partial
from typing import Any

from stream_rcf.core.parameters import DetectorParameters
from stream_rcf.core.reasons import PASSED_OVER, Reason
from stream_rcf.kafka.dead_letters import DeadLetters
from stream_rcf.kafka.messages import NO_TIMESTAMP, Message, as_bytes
from stream_rcf.kafka.publishing import Publisher
from stream_rcf.kafka.schema_registry_reader import payload_reader
from stream_rcf.observe.metrics import Metrics
from stream_rcf.pipeline.copied_fields import CopiedFields
from stream_rcf.pipeline.decode import EventDecoder
from stream_rcf.pipeline.effects_judgement import with_effect_names
from stream_rcf.pipeline.encode import resolved_records
from stream_rcf.pipeline.events import Event, Position, Rejection
from stream_rcf.pipeline.score_batch import BatchScorer, ScoredBatch, with_rule_names
from stream_rcf.pipeline.windows import EventWindows
from stream_rcf.service.alert_records import alert_records
from stream_rcf.service.assignment import Assignment
from stream_rcf.service.batch_content import Batch
from stream_rcf.service.encoder import record_encoder
from stream_rcf.service.partition import Partition, PartitionState
from stream_rcf.settings.derived import event_schema
from stream_rcf.settings.model import Settings
from stream_rcf.settings.rule_sets import rule_set

logger = logging.getLogger(__name__)

_LIVE = PartitionState.LIVE  # looked up once for each event


class BatchProcessor:
    """Turns messages into scores, alerts and dead letters, and moves the partitions forward.

    A partition's ``next_offset`` moves when a message is taken; ``published`` says how far its outputs are. The two
    agree whenever nothing is in flight: after ``finish``, which everything that commits for good or saves must call.
    """

    def __init__(
        self,
        settings: Settings,
        parameters: DetectorParameters,
        assignment: Assignment,
        dead_letters: DeadLetters,
        metrics: Metrics,
    ) -> None:
        self._assignment = assignment
        self._dead_letters = dead_letters
        self._metrics = metrics
        reader = payload_reader(settings)
        self._decoder = EventDecoder(event_schema(settings), reader)
        self._scorer = BatchScorer(parameters, settings.forest.threads)
        self._encoder = record_encoder(settings, parameters)
        copied = settings.output.copy_fields
        self._copied = CopiedFields(copied, reader) if copied else None
        self._tells_resolved = settings.output.resolved
        self._features = parameters.features
        self._rules = rule_set(settings)
        self._windows = None if parameters.windows is None else EventWindows(parameters)
        self._record_ms = 0 if parameters.windows is None else parameters.windows.window_ms
        self._scores_topic = settings.kafka.scores_topic
        self._alerts_topic = settings.kafka.alerts_topic
        self._in_flight: Batch | None = None
        self._overlapping: set[tuple[str, int]] = set()  # partitions with events that a backfill has learned

    @property
    def is_in_flight(self) -> bool:
        """Whether a batch waits to be published."""
        return self._in_flight is not None

    @property
    def is_running(self) -> bool:
        """Whether a batch is in flight whose kernel is still at work."""
        batch = self._in_flight
        return batch is not None and batch.scoring is not None and not batch.scoring.is_done

    def published(self, partition: Partition) -> int:
        """The offset up to which everything of the partition is published: what may be committed."""
        if self._in_flight is None:
            return partition.next_offset
        return self._in_flight.published.get(partition.identity, partition.next_offset)

    def take(self, messages: Sequence[Message], publisher: Publisher) -> None:
        """Let every message of ours be learned in order, and publish the batch before, and this one if it is done.

        Messages of partitions that went away meanwhile, and those already learned, are passed over. Raises
        ``RegistryUnavailableError`` where an event's schema cannot be had now: then what is uncommitted must go.
        """
        batch = self._decode(messages)
        # While the kernel is at the batch before; which windows are closed is known only when that has landed.
        arrays = batch.arrays(self._rules) if self._windows is None else None
        before = self._land()
        if self._windows is not None:
            batch.close_windows(self._windows)
            arrays = batch.arrays(self._rules)
        batch.scoring = self._scorer.start(batch.events, batch.tables, arrays)
        self._in_flight = batch
        if before is not None:
            self._publish(before, publisher)
        if batch.scoring.is_done:
            self.finish(publisher)

    def finish(self, publisher: Publisher) -> None:
        """Publish what is in flight, when its kernel has ended."""
        landed = self._land()
        if landed is not None:
            self._publish(landed, publisher)

    def drop(self) -> None:
        """Wait for the kernel, and forget what was in flight: its partitions are rolled back or gone."""
        batch, self._in_flight = self._in_flight, None
        if batch is not None and batch.scoring is not None:
            failure = batch.scoring.wait()
            if failure is not None:
                logger.error("the kernel of a dropped batch had failed: %r", failure)

    def close(self) -> None:
        """Forget what is in flight and end the threads."""
        self.drop()
        self._scorer.close()

    def _decode(self, messages: Sequence[Message]) -> Batch:
        batch = Batch(len(messages))
        topic: str | None = None
        number: int | None = None
        partition: Partition | None = None  # of the messages of this stretch, if they may change its keys
        for message in messages:
            if message.partition() != number or message.topic() != topic:
                topic, number = message.topic(), message.partition()
                partition = self._begin_stretch(batch, topic or "", number or 0)
            offset = message.offset() or 0
            if partition is None or offset < partition.next_offset:
                continue
            is_live = partition.state is _LIVE or self._is_live(partition, offset)
            effects = (
                None if partition.feedback is None else partition.feedback.effects
            )  # before it ends a replay
            decoded = self._decode_one(message)
            partition.next_offset = offset + 1
            if not is_live and partition.still_to_replay == 0:
                partition.caught_up()  # the next event is news, whenever it comes
            if isinstance(decoded, Event):
                if partition.backfill is not None and self._was_learned(batch, partition, decoded, message):
                    batch.learned_before += is_live
                    batch.moves_offsets |= is_live
                    self._say_learned_before(partition, offset)
                    continue
                batch.events.append(decoded)
                if self._copied is not None:
                    batch.origins.append(message)
                if effects is not None:
                    batch.effects.append(effects)
                batch.tables.append(partition.table)
                position = Position(partition.topic, partition.number, offset)
                batch.sources.append(position if is_live else None)
                if partition.alert_digest is not None:
                    batch.digests.append(partition.alert_digest)
                    batch.positions.append(position)
            elif is_live:
                batch.rejected.append((message, decoded))
            if is_live:
                batch.moves_offsets = True
        return batch

    def _was_learned(self, batch: Batch, partition: Partition, event: Event, message: Message) -> bool:
        """Whether the event is one of the history whose models its key begins with: it is not to be learned twice.

        Only events before the first that is news are: what comes late after that is scored as ever. So it does not hang
        on how the stream is cut into batches, and a replay finds the same.
        """
        place = (partition.table, event.key)
        if partition.backfill is None or partition.table.knows(event.key) or place in batch.begun:
            return False
        kind, received_at = message.timestamp()
        if partition.backfill.has_learned(
            event.key, event.timestamp, -1 if kind == NO_TIMESTAMP else received_at
        ):
            return True
        batch.begun.add(place)
        return False

    def _say_learned_before(self, partition: Partition, offset: int) -> None:
        """Once for each partition."""
        if partition.identity in self._overlapping:
            return
        self._overlapping.add(partition.identity)
        logger.warning(
            "events are no later than the latest one of their key in checkpoint.backfill_url: they are taken to be"
            " learned already, and passed over until each key's first later one;"
            " stream_rcf_events_learned_before_total counts them",
            extra={
                "context": {"topic": partition.topic, "partition": partition.number, "first_offset": offset}
            },
        )

    def _begin_stretch(self, batch: Batch, topic: str, number: int) -> Partition | None:
        """The partition of the messages that come, if they may change its keys; notes where it stands."""
        partition = self._assignment.get(topic, number)
        if partition is None or not partition.accepts_events:
            return None
        batch.published.setdefault(partition.identity, max(partition.next_offset, partition.publish_from))
        return partition

    def _is_live(self, partition: Partition, offset: int) -> bool:
        """Whether the event is to be published; one behind the replay makes its partition live."""
        partition.reach(offset)
        if offset >= partition.publish_from:
            partition.caught_up()
        return partition.state is _LIVE

    def _decode_one(self, message: Message) -> Event | Rejection:
        kind, timestamp = message.timestamp()
        value: Any = message.value()
        key: Any = message.key()
        if type(value) is str or type(key) is str:  # where a producer in this process made the message
            value, key = as_bytes(value), as_bytes(key)
        return self._decoder.decode(value, key, -1 if kind == NO_TIMESTAMP else timestamp)

    def _land(self) -> Batch | None:
        """The batch that was in flight, whose kernel is waited for."""
        batch = self._in_flight
        if batch is None or batch.scoring is None:
            return None
        batch.scoring.settle()
        self._in_flight = None
        return batch

    def _publish(self, batch: Batch, publisher: Publisher) -> None:
        if batch.scoring is None:
            raise AssertionError("a batch that was not started cannot be published")
        scored = with_rule_names(batch.scoring.result(), batch.events, self._rules)
        scored = with_effect_names(scored, batch.events, batch.effects)
        if batch.moves_offsets:
            publisher.begin()  # even a dead letter moves the offset
        for message, rejection in batch.rejected:
            self._dead_letters.publish(publisher, message, rejection)
            self._metrics.dead_letter(rejection.error)
        fields = None if self._copied is None else partial(self._fields, batch)
        scores, alerts = self._encoder.encode(batch.events, batch.sources, scored, fields)
        resolved = resolved_records(batch.events, batch.sources, scored) if self._tells_resolved else {}
        topic, publish, times = self._scores_topic, publisher.publish, []
        for event, score in zip(batch.events, scores, strict=True):
            if score is not None:
                publish(topic, event.key.encode(), score)
                times.append(event.timestamp + self._record_ms)
        told = alert_records(batch, scored, self._features, alerts, resolved)
        for key, record in told.records:
            publish(self._alerts_topic, key, record)
        self._count_unscored(batch, scored)
        if batch.learned_before:
            self._metrics.learned_before(batch.learned_before)
        now = time.time() * 1000
        if times and (oldest := min(times)) < now:
            self._metrics.event_age((now - oldest) / 1000)
        self._metrics.held_alerts(told.held)
        self._metrics.batch(batch.messages, len(times), told.alerts, time.perf_counter() - batch.began)

    def _fields(self, batch: Batch, index: int) -> dict[str, object]:
        """What the alert of event ``index`` repeats of it."""
        value: Any = batch.origins[index].value()
        return {} if self._copied is None else self._copied.read(as_bytes(value))

    def _count_unscored(self, batch: Batch, scored: ScoredBatch) -> None:
        """Count the events that were passed over, by their reason."""
        for passed_over in batch.passed_over:
            self._metrics.passed_over(passed_over.name.lower())
        if max(scored.reason, default=0) < PASSED_OVER:
            return
        for reason, source in zip(scored.reason, batch.sources, strict=True):
            if reason >= PASSED_OVER and source is not None:
                self._metrics.passed_over(Reason(reason).name.lower())
