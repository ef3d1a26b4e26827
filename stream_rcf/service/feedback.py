"""Feedback and control messages on their way into partitions: read by every process, taking effect between two batches.

A partition hears everything in order, whether it is about its keys or not, so that nothing hangs on who owns what. What
a live partition has not heard yet takes effect where it stands, and is committed there and then. One that replays first
gets what took effect before. Who lags behind what was read makes the reading begin again from there.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from typing import Any

from stream_rcf.kafka.dead_letters import DeadLetters
from stream_rcf.kafka.messages import as_bytes
from stream_rcf.kafka.notice_topics import NoticesUnreadableError, NoticeTopics
from stream_rcf.kafka.publishing import Publisher
from stream_rcf.observe.metrics import Metrics
from stream_rcf.pipeline.events import Rejection
from stream_rcf.pipeline.notices import NOTICE_KINDS, read_control, read_feedback
from stream_rcf.service.feedback_note import Positions
from stream_rcf.service.feedback_opening import begin_anew
from stream_rcf.service.heard import Heard, Hearing, digest_of
from stream_rcf.service.partition import Partition, PartitionState
from stream_rcf.service.partition_feedback import FeedbackLostError, PartitionFeedback
from stream_rcf.settings.model import Settings

logger = logging.getLogger(__name__)

# Between readings while there is nothing to catch up with: each that finds something is a commit.
HEARING_SECONDS = 0.5
WAIT_SECONDS = 0.02  # for messages, of one reading while something is to be caught up with
RETRY_SECONDS = 2.0  # after the topics could not be read
# At a topic's end, before what should be there is taken to be gone: a new leader may lag a moment.
LOST_SECONDS = 10.0
# Of a partition without a replay, until it has heard what was said before it was taken over.
HOLD_SECONDS = 10.0
REPORTER = 0  # the partition that publishes what could not be read, and counts: one of each input topic

_CONTENT = (read_feedback, read_control)  # by topic


class Feedback:
    """For the thread that owns the consumer, between two batches."""

    def __init__(
        self,
        settings: Settings,
        dead_letters: DeadLetters,
        metrics: Metrics,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._source = NoticeTopics(settings)
        self._features = settings.events.features
        self._on_unusable = settings.checkpoint.on_unusable
        self._dead_letters = dead_letters
        self._metrics = metrics
        self._clock = clock
        self._read: Positions | None = None  # where reading stands; None before it begins
        self._next_reading = 0.0
        self._held: dict[Partition, float] = {}  # until when, at most

    # -- partitions that come -----------------------------------------------------------------------------------------

    def is_ready(self, partition: Partition) -> bool:
        """Whether its replay may begin: what took effect in it has been read."""
        return _of(partition).is_collected

    def hold(self, partition: Partition) -> bool:
        """Whether the partition, which was just loaded, should wait for what was said before it was taken over."""
        if (
            partition.state is not PartitionState.LIVE
            or not _may_hear(partition)
            or self._has_caught_up(partition)
        ):
            return False
        self._held[partition] = self._clock() + HOLD_SECONDS
        return True

    def released(self) -> list[Partition]:
        """Those that need wait no longer."""
        over: list[Partition] = []
        for partition, until in list(self._held.items()):
            is_late = self._clock() >= until
            if not partition.accepts_events or is_late or self._has_caught_up(partition):
                del self._held[partition]
                if partition.accepts_events:
                    over.append(partition)
                    if is_late:
                        logger.warning(
                            "%r goes on without waiting for feedback and maintenance any longer", partition
                        )
        return over

    def _has_caught_up(self, partition: Partition) -> bool:
        return (
            self._read is not None and self._source.is_at_end and _of(partition).listened.reaches(self._read)
        )

    @property
    def is_busy(self) -> bool:
        """Whether somebody waits for what is being read."""
        return bool(self._held) and self._clock() >= self._next_reading

    # -- reading ------------------------------------------------------------------------------------------------------

    def read(self, partitions: Iterable[Partition]) -> Hearing | None:
        """Read on where it is time; what was read, if it holds news for a live partition: then ``apply`` must follow.

        Raises ``CheckpointError`` where a replay needs what is not there any more.
        """
        everyone = list(partitions)
        waiting = [one for one in everyone if _is_waiting(one)]
        is_hurried = bool(waiting or self._held)
        if not is_hurried and self._clock() < self._next_reading:
            return None
        listening = [one for one in everyone if _may_hear(one)]
        if not waiting and not listening:
            return None
        try:
            return self._hear(waiting, listening, WAIT_SECONDS if is_hurried else 0.0)
        except NoticesUnreadableError as failure:
            logger.warning("%s; trying again", failure)
            self._read = None
            self._next_reading = self._clock() + RETRY_SECONDS
            return None

    def _hear(self, waiting: list[Partition], listening: list[Partition], seconds: float) -> Hearing | None:
        everyone = [*waiting, *listening]
        is_new = any(
            _of(one).waiting_since is None for one in waiting
        )  # the end that was seen may not be its end
        if self._read is None and self._clock() < self._next_reading:
            return None
        if self._read is None or is_new or not all(_of(one).listened.reaches(self._read) for one in everyone):
            self._begin(everyone)
            for one in waiting:
                _of(one).waiting_since = _of(one).waiting_since or self._clock()
        hearing = self._next(seconds)
        for partition in waiting:
            self._collect(partition, hearing)
        has_news = any(_of(one).news_in(hearing) for one in listening)
        if not has_news:
            for partition in listening:
                _of(partition).hear(hearing, partition.next_offset)
        is_behind = hearing.begin != hearing.end  # more may wait
        self._next_reading = self._clock() + (
            0.0 if is_behind and not self._source.is_at_end else HEARING_SECONDS
        )
        return hearing if has_news else None

    def _begin(self, everyone: list[Partition]) -> None:
        """Read from where the one stands that has heard the least."""
        listened = [_of(one).listened for one in everyone]
        start = Positions(min(one.feedback for one in listened), min(one.control for one in listened))
        ends = self._source.begin(start)
        first = Positions(*(low for low, _ in ends))
        for topic, place, (low, high) in zip(self._source.topics, start, ends, strict=True):
            if 0 < place < low or place > high:
                logger.error(
                    "topic %s now has the offsets from %s to before %s, but %s was to be heard next: what lay between"
                    " is not heard",
                    topic,
                    low,
                    high,
                    place,
                )
        for partition in everyone:
            _of(partition).listened = _of(partition).listened.merged(first)
        self._read = start.merged(first)

    def _next(self, seconds: float) -> Hearing:
        begin = self._read or Positions()
        heard: tuple[list[Heard], list[Heard]] = ([], [])
        for message in self._source.read(seconds):
            topic = self._source.topics.index(message.topic() or "")
            offset, value = message.offset() or 0, as_bytes(message.value())
            content = _CONTENT[topic](value, self._features)
            digest = digest_of(topic, offset, b"" if value is None else value)
            heard[topic].append(Heard(offset, content, digest, len(message), message))
        ends = [
            messages[-1].offset + 1 if messages else before
            for before, messages in zip(begin, heard, strict=True)
        ]
        self._read = begin.merged(Positions(*ends))
        return Hearing(begin, self._read, *heard)

    def _collect(self, partition: Partition, hearing: Hearing) -> None:
        feedback = _of(partition)
        if not feedback.listened.reaches(hearing.begin):
            return
        waited = self._clock() - (feedback.waiting_since or 0.0)
        try:
            feedback.collect(hearing, self._source.is_at_end and waited >= LOST_SECONDS)
        except FeedbackLostError as lost:
            topics, dimensions = self._source.topics, len(self._features)
            partition.feedback = begin_anew(topics, dimensions, f"{partition!r}: {lost}", self._on_unusable)

    # -- taking effect ------------------------------------------------------------------------------------------------

    def apply(self, hearing: Hearing, partitions: Iterable[Partition], publisher: Publisher) -> None:
        """Let what was read take effect in every live partition where it stands; ``publisher`` is open.

        Nothing may be in flight, and a commit must follow before anything else is published.
        """
        for partition in partitions:
            if not _may_hear(partition):
                continue
            feedback = _of(partition)
            dropped, before = feedback.dropped, feedback.heard
            messages = feedback.hear(hearing, partition.next_offset)
            if not messages:
                continue
            if feedback.dropped > dropped:
                self._metrics.feedback_dropped(feedback.dropped - dropped)
                logger.warning(
                    "%r keeps no more feedback: the oldest was let go of (%s)",
                    partition,
                    feedback.dropped - dropped,
                )
            kinds = [_kind(message) for message in messages]
            logger.info(
                "feedback in effect",
                extra={
                    "context": {
                        "topic": partition.topic,
                        "partition": partition.number,
                        "offset": partition.next_offset,
                        "heard_from": list(before),
                        "heard_to": list(feedback.heard),
                        **{kind: kinds.count(kind) for kind in dict.fromkeys(kinds)},
                    }
                },
            )
            if not feedback.has_room:
                logger.warning("%r hears no more feedback until its next two checkpoints stand", partition)
            if partition.number == REPORTER:
                self._report(messages, publisher)

    def _report(self, messages: list[Heard], publisher: Publisher) -> None:
        for message in messages:
            self._metrics.feedback_message(_kind(message))
            if isinstance(message.content, Rejection):
                origin: Any = message.origin
                self._dead_letters.publish(publisher, origin, message.content)
                self._metrics.dead_letter(message.content.error)

    def close(self) -> None:
        """Let the client go."""
        self._source.close()


def _of(partition: Partition) -> PartitionFeedback:
    if partition.feedback is None:
        raise AssertionError(f"{partition!r} was taken over without its feedback")
    return partition.feedback


def _is_waiting(partition: Partition) -> bool:
    """Whether its replay cannot begin before something was read."""
    return partition.state is PartitionState.LOADING and not _of(partition).is_collected


def _may_hear(partition: Partition) -> bool:
    """Whether news may take effect in it."""
    if partition.state is not PartitionState.LIVE:
        return False
    feedback = _of(partition)
    return feedback.has_room and partition.next_offset >= feedback.fence


def _kind(message: Heard) -> str:
    content = message.content
    return "rejected" if isinstance(content, Rejection) else NOTICE_KINDS[type(content)]
