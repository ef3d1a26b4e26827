"""The input: batches of messages, and the group's decisions about who reads which partition.

The client is owned by one thread. Its callbacks run inside ``read`` and ``close``; an exception that escapes one makes
the client drop messages it has already counted as read, so they are caught here and raised after the call returns.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition
from confluent_kafka.admin import AdminClient

from stream_rcf.errors import StreamRcfError, UsageError
from stream_rcf.kafka.client_configuration import client_configuration, consumer_configuration, new_client
from stream_rcf.kafka.failures import kafka_error
from stream_rcf.kafka.joining import (
    REJOIN_SECONDS,
    JoinNotice,
    is_name_still_held,
    longest_wait,
    require_own_name,
)
from stream_rcf.kafka.rights import denial, input_right, is_denial, reading_is_allowed
from stream_rcf.settings.model import Settings

logger = logging.getLogger(__name__)

# S: for committed offsets; a dead member's open transaction holds them back for some seconds.
OFFSETS_TIMEOUT = 15.0


MOST_BATCH_BYTES = 8 * 2**20  # of one batch of messages, keys not counted
MOST_AT_ONCE = 1000  # messages asked of the client at a time


class OffsetsTrimmed(StreamRcfError):
    """The position of a partition is no longer in the log."""

    def __init__(self, topic: str, partition: int, why: str) -> None:
        super().__init__(f"{topic}[{partition}]: {why}")
        self.topic = topic
        self.partition = partition


class AssignmentListener(Protocol):
    """What the service does when partitions come and go. Runs inside ``read`` or ``close``."""

    def on_assigned(self, partitions: Sequence[TopicPartition]) -> list[TopicPartition]:
        """Partitions that came; returns them with the offsets to read from. All start paused."""

    def on_revoked(self, partitions: Sequence[TopicPartition]) -> None:
        """Partitions about to go; commits are still possible."""

    def on_lost(self, partitions: Sequence[TopicPartition]) -> None:
        """Partitions that others may own already; nothing may be committed."""


class Source:
    """A consumer group member."""

    def __init__(self, settings: Settings, listener: AssignmentListener) -> None:
        self._incremental = settings.kafka.group_protocol == "consumer"
        self._listener = listener
        self._callback_failure: BaseException | None = None
        self._settings = settings
        self._configuration = consumer_configuration(settings, self._on_error, self._on_commit)
        self.consumer: Consumer = new_client(Consumer, self._configuration)
        self._topic = settings.kafka.input_topic
        self._admin: AdminClient | None = None
        self._notice = JoinNotice(longest_wait(settings, self._configuration.get("session.timeout.ms")))
        self._rejoin_at: float | None = None  # monotonic; set while the group refuses our name
        self._notes: dict[tuple[str, int], str] = {}  # what was committed beside the offsets, as last asked

    def subscribe(self) -> None:
        """Join the group. Raises ``UsageError`` for a topic or pattern that the client does not accept."""
        self._join()
        self._notice.began()

    def _join(self) -> None:
        try:
            self.consumer.subscribe(
                [self._topic], on_assign=self._on_assign, on_revoke=self._on_revoke, on_lost=self._on_lost
            )
        except KafkaException as failure:
            raise UsageError(f"kafka.input_topic {self._topic!r}: {describe(failure)}") from None

    def read(self, most: int, timeout: float, most_bytes: int = MOST_BATCH_BYTES) -> list[Message]:
        """Up to ``most`` messages: waits up to ``timeout`` seconds for the first, then takes what is already here.

        Ends early at about ``most_bytes``: with the message that passes them, or, where small messages give way to
        large ones, within the few hundred that were asked for at once. What is not taken stays in the client's queue,
        which is bounded itself.
        """
        self._notice.look()
        self._rejoin_if_due()
        first = self.consumer.poll(timeout)
        self._raise_callback_failure()
        if first is None:
            return []
        messages = [first]
        room = most_bytes - len(first)
        while len(messages) < most and room > 0:
            usual = max(1, (most_bytes - room) // len(messages))
            wanted = min(most - len(messages), MOST_AT_ONCE, max(1, room // usual))
            more = self.consumer.consume(wanted, 0)
            self._raise_callback_failure()
            messages += more
            room -= sum(map(len, more))
            if len(more) < wanted:
                break
        return [message for message in messages if message.error() is None or self._report(message)]

    def _report(self, message: Message) -> bool:
        """Deal with an error that came in place of a message; never keeps it."""
        error = message.error()
        if error is None:
            return True
        if error.code() in {KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE}:  # noqa: SLF001
            raise OffsetsTrimmed(message.topic() or "", message.partition() or 0, error.str())
        if is_denial(error):
            topic = message.topic()
            right = f"READ on topic {topic}" if topic else input_right(self._settings)
            raise denial(error, self._settings, right)
        if error.fatal() or error.code() == KafkaError._FATAL:  # noqa: SLF001
            self._on_fatal(error)
        else:
            logger.warning("Kafka consumer: %s", error.str(), extra={"context": {"error": error.name()}})
        return False

    def _on_fatal(self, error: KafkaError) -> None:
        """The client is of no more use: a new one where that can help, else the end."""
        require_own_name(error, self._settings)
        if not is_name_still_held(error):
            raise StreamRcfError(f"the Kafka consumer cannot go on: {error.str()} ({error.name()})")
        logger.warning(
            "kafka.group_instance_id %r is still held in the group, by a process that runs or by one that crashed, "
            "for up to %s; trying again every %.0f s",
            self._settings.kafka.group_instance_id,
            longest_wait(self._settings, None),
            REJOIN_SECONDS,
        )
        self._rejoin_at = time.monotonic() + REJOIN_SECONDS

    def _rejoin_if_due(self) -> None:
        """Replace the client that the group refused; until then it is polled as ever, and gives nothing."""
        if self._rejoin_at is None or time.monotonic() < self._rejoin_at:
            return
        self._rejoin_at = None
        self.consumer.close()
        self._raise_callback_failure()
        self.consumer = new_client(Consumer, self._configuration)
        self._join()

    def _raise_callback_failure(self) -> None:
        failure, self._callback_failure = self._callback_failure, None
        if failure is not None:
            raise failure

    def committed(self, partitions: Sequence[TopicPartition]) -> dict[tuple[str, int], int | None]:
        """The group's next offset of each partition, None where nothing was ever committed."""
        with reading_is_allowed(self._settings):
            answer = self.consumer.committed(list(partitions), timeout=OFFSETS_TIMEOUT)
            for entry in answer:
                if entry.error is not None:
                    raise KafkaException(entry.error)
        self._notes |= {(entry.topic, entry.partition): entry.metadata or "" for entry in answer}
        return {
            (entry.topic, entry.partition): entry.offset if entry.offset >= 0 else None for entry in answer
        }

    def committed_note(self, topic: str, partition: int) -> str:
        """What was committed beside the offset that ``committed`` last gave for the partition; ``""`` for nothing."""
        return self._notes.get((topic, partition), "")

    def watermarks(self, topic: str, partition: int) -> tuple[int, int]:
        """(first offset still in the log, offset after the last) as the broker says now."""
        with reading_is_allowed(self._settings):
            low, high = self.consumer.get_watermark_offsets(
                TopicPartition(topic, partition), timeout=OFFSETS_TIMEOUT
            )
        return low, high

    def partition_count(self, topic: str) -> int:
        """How many partitions the topic has now, as the broker says.

        Asked by a client of its own: the consumer's answer inside one of its callbacks leaves the read around it
        without the state that further callbacks need, and the process is aborted (confluent-kafka 2.16).
        """
        if self._admin is None:
            self._admin = new_client(AdminClient, {**client_configuration(self._settings), "log_level": 0})
        known = self._admin.list_topics(topic, timeout=OFFSETS_TIMEOUT).topics[topic]
        if known.error is not None:
            raise KafkaException(known.error)
        return len(known.partitions)

    def known_end(self, topic: str, partition: int) -> int | None:
        """The offset after the last, as of the latest fetch; None before the first."""
        _, high = self.consumer.get_watermark_offsets(TopicPartition(topic, partition), cached=True)
        return high if high >= 0 else None

    def position(self, topic: str, partition: int) -> int | None:
        """The next offset that would be read, None before the first read."""
        offset = self.consumer.position([TopicPartition(topic, partition)])[0].offset
        return offset if offset >= 0 else None

    def resume(self, topic: str, partition: int) -> None:
        """Let a partition's messages come."""
        self.consumer.resume([TopicPartition(topic, partition)])

    def pause(self, topic: str, partition: int) -> None:
        """Hold a partition's messages back."""
        self.consumer.pause([TopicPartition(topic, partition)])

    def reposition(self, partitions: Sequence[TopicPartition]) -> None:
        """Read assigned partitions again from the given offsets, paused. The group is not disturbed.

        Assigning anew drops all prefetched messages, which a seek right before a pause was seen not to.
        """
        if self._incremental:
            self.consumer.incremental_unassign([TopicPartition(p.topic, p.partition) for p in partitions])
            self.consumer.incremental_assign(list(partitions))
        else:
            moved = {(p.topic, p.partition) for p in partitions}
            if any((p.topic, p.partition) not in moved for p in self.consumer.assignment()):
                raise AssertionError("the classic protocol repositions all partitions or none")
            self.consumer.assign(list(partitions))
        self.consumer.pause([TopicPartition(p.topic, p.partition) for p in partitions])

    def close(self) -> None:
        """Leave the group; the listener hears of the revoked partitions first."""
        self.consumer.close()
        self._raise_callback_failure()

    def _on_assign(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        def assign() -> None:
            placed = self._listener.on_assigned(partitions)
            if self._incremental:
                consumer.incremental_assign(placed)
            else:
                consumer.assign(placed)
            if placed:
                consumer.pause([TopicPartition(p.topic, p.partition) for p in placed])

        self._notice.joined()
        self._guard("taking partitions over", assign)

    def _on_revoke(self, _consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self._guard("giving partitions up", lambda: self._listener.on_revoked(partitions))

    def _on_lost(self, _consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self._guard("losing partitions", lambda: self._listener.on_lost(partitions))

    def _guard(self, during: str, action: Callable[[], Any]) -> None:
        """Run a callback's work; keep what it raises for after the call."""
        try:
            action()
        except Exception as failure:  # noqa: BLE001 -- kept and raised by read or close
            logger.error("%s failed: %s", during, failure)
            if self._callback_failure is None:
                self._callback_failure = failure

    def _on_commit(self, error: KafkaError | None, partitions: list[TopicPartition]) -> None:
        """What became of a commit that nobody waited for. A failure is no loss: the next one covers it, or raises."""
        failed = error or next((entry.error for entry in partitions if entry.error is not None), None)
        if failed is not None:
            logger.warning(
                "committing offsets failed and will be repeated: %s",
                failed.str(),
                extra={"context": {"error": failed.name()}},
            )

    def _on_error(self, error: KafkaError) -> None:
        logger.warning("Kafka consumer: %s", error.str(), extra={"context": {"error": error.name()}})


def describe(failure: KafkaException) -> str:
    """What a client exception says, for a person. Raises ``StreamRcfError`` for one that no repetition can cure."""
    error = kafka_error(failure)
    if error.fatal():
        raise StreamRcfError(f"the Kafka client cannot go on: {error.str()} ({error.name()})") from None
    return f"{error.str()} ({error.name()})"
