"""The feedback and the control topic, of one partition each, read whole by every process: no group shares them out.

Only committed messages are seen. The client is polled by the thread that owns it, and never waits for long: while these
topics cannot be read, the stream goes on without news.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from stream_rcf.errors import StreamRcfError
from stream_rcf.kafka.client_configuration import PRODUCER_ONLY, client_configuration, new_client
from stream_rcf.kafka.failures import kafka_error
from stream_rcf.kafka.rights import denial, is_denial
from stream_rcf.settings.model import Settings

logger = logging.getLogger(__name__)

ANSWER_SECONDS = 2.0  # for where a topic begins and ends; the loop waits so long
AT_ONCE = 500  # messages asked of the client at a time
MOST_MESSAGES = 5_000  # of one reading: what takes effect at one moment of the input
MOST_BYTES = 4 * 2**20  # of one reading, but for the message that passes them
QUEUE_KILOBYTES = 4_096  # prefetched


class NoticesUnreadableError(StreamRcfError):
    """The topics cannot be read now; asking again later may help."""


class NoticeTopics:
    """The topics by their number: 0 feedback, 1 control; ``""`` where a topic is not named, which has no messages."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.topics = notice_topics(settings)
        self._consumer = new_client(
            Consumer,
            {
                "queued.max.messages.kbytes": QUEUE_KILOBYTES,
                **client_configuration(settings, (*PRODUCER_ONLY, "queued.", "group.", "session.")),
                # The client asks for a group's name where none is joined; this one we may read anyhow.
                "group.id": settings.kafka.group_id,
                "enable.auto.commit": False,
                "enable.auto.offset.store": False,
                "enable.partition.eof": True,
                "isolation.level": "read_committed",
                "auto.offset.reset": "error",
                "error_cb": _on_error,
            },
        )
        self._unfinished: set[str] = set()

    def begin(self, starts: Sequence[int]) -> list[tuple[int, int]]:
        """Read from these offsets on, or from where the topics begin now; (begin, end) of each as the broker has it.

        Raises ``NoticesUnreadableError`` where nobody answers, ``AccessDenied`` where reading is forbidden.
        """
        ends: list[tuple[int, int]] = []
        places: list[TopicPartition] = []
        for topic, start in zip(self.topics, starts, strict=True):
            if not topic:
                ends.append((0, start))
                continue
            try:
                low, high = self._consumer.get_watermark_offsets(
                    TopicPartition(topic, 0), timeout=ANSWER_SECONDS
                )
            except KafkaException as failure:
                raise self._refused(kafka_error(failure), topic) from None
            ends.append((low, high))
            places.append(TopicPartition(topic, 0, min(max(start, low), high)))
        self._consumer.assign(places)
        self._unfinished = {place.topic for place in places}
        return ends

    @property
    def is_at_end(self) -> bool:
        """Whether everything that was there since ``begin`` has been read."""
        return not self._unfinished

    def read(self, seconds: float) -> list[Message]:
        """What comes within ``seconds`` and is here already, up to the bounds.

        Raises ``NoticesUnreadableError`` where the place to read from is gone: ``begin`` again.
        """
        messages: list[Message] = []
        size = 0
        while len(messages) < MOST_MESSAGES and size < MOST_BYTES:
            # The client waits for all that were asked for, so it is asked for one until one is here.
            more = self._consumer.consume(1 if seconds > 0.0 and not messages else AT_ONCE, seconds)
            seconds = 0.0
            kept = [message for message in more if self._is_message(message)]
            messages += kept
            size += sum(map(len, kept))
            if not more:
                break
        return messages

    def _is_message(self, message: Message) -> bool:
        error = message.error()
        if error is None:
            return True
        if error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 -- the client publishes its local codes so
            self._unfinished.discard(message.topic() or "")
            return False
        if error.code() in {KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE}:  # noqa: SLF001 -- as above
            raise NoticesUnreadableError(f"the place in topic {message.topic()} is gone: {error.str()}")
        if is_denial(error) and error.code() != KafkaError.GROUP_AUTHORIZATION_FAILED:
            raise denial(error, self._settings, f"READ on topic {message.topic()}")
        if error.fatal():
            raise StreamRcfError(
                f"the client for the feedback and control topics cannot go on: {error.str()}"
            )
        logger.warning("feedback and control: %s", error.str(), extra={"context": {"error": error.name()}})
        return False

    def _refused(self, error: KafkaError, topic: str) -> StreamRcfError:
        if is_denial(error):
            return denial(error, self._settings, f"READ on topic {topic}")
        return NoticesUnreadableError(f"topic {topic} cannot be read: {error.str()}")

    def close(self) -> None:
        """Let the client go."""
        self._consumer.close()


def notice_topics(settings: Settings) -> tuple[str, str]:
    """The feedback and the control topic; ``""`` for one that is not named."""
    return settings.kafka.feedback_topic, settings.kafka.control_topic


def _on_error(error: KafkaError) -> None:
    logger.warning("feedback and control: %s", error.str(), extra={"context": {"error": error.name()}})
