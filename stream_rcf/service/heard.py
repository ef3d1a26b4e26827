"""Messages of the feedback and control topics on their way from the topics to the partitions' effects."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b

from stream_rcf.kafka.messages import Message
from stream_rcf.pipeline.events import Rejection
from stream_rcf.pipeline.notices import Notice
from stream_rcf.service.feedback_note import DIGEST_BYTES, Positions


@dataclass(frozen=True, slots=True)
class Heard:
    """One message: where it lies, what it says or why it says nothing, and what tells it from another in its place."""

    offset: int
    content: Notice | Rejection
    digest: bytes
    size: int  # bytes
    origin: Message


@dataclass(frozen=True, slots=True)
class Hearing:
    """What was read at once of both topics: all that lies between ``begin`` and ``end``, in order."""

    begin: Positions
    end: Positions
    feedback: Sequence[Heard]
    control: Sequence[Heard]

    def between(self, begin: Positions, end: Positions) -> list[Heard]:
        """What of it lies between two places: first of the feedback topic, then of the control topic."""
        return [
            *(one for one in self.feedback if begin.feedback <= one.offset < end.feedback),
            *(one for one in self.control if begin.control <= one.offset < end.control),
        ]


def digest_of(topic: int, offset: int, value: bytes) -> bytes:
    """Eight bytes that tell a message from any other; ``topic`` is 0 for feedback and 1 for control."""
    return blake2b(bytes([topic]) + offset.to_bytes(8, "little") + value, digest_size=DIGEST_BYTES).digest()


def chained(digest: str, messages: Iterable[Heard]) -> str:
    """The digest of everything heard, after further messages."""
    for message in messages:
        digest = blake2b(bytes.fromhex(digest) + message.digest, digest_size=DIGEST_BYTES).hexdigest()
    return digest


def notices_of(messages: Iterable[Heard]) -> Iterator[Notice]:
    """What the messages say, without those that say nothing."""
    for message in messages:
        if not isinstance(message.content, Rejection):
            yield message.content
