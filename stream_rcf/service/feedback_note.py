"""What is committed beside an input offset: where in the input messages of the feedback and control topics took effect.

So their moment is part of the same transaction as the outputs that they shaped. The broker keeps such a note with the
offset, up to ``offset.metadata.max.bytes`` (4,096 by default); it holds what happened since the older of the two kept
checkpoints, which hold the rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import NamedTuple

import orjson

from stream_rcf.errors import CheckpointError

FORMAT = 1
MOST_NOTE_CHARACTERS = 3_500  # of the broker's 4,096 bytes; it is ASCII
NOTHING_HEARD = "0" * 16  # the digest of no messages
DIGEST_BYTES = 8


class Positions(NamedTuple):
    """The offset of the next message to be heard of the feedback topic, and of the control topic."""

    feedback: int = 0
    control: int = 0

    def reaches(self, other: Positions) -> bool:
        """Whether everything before ``other`` lies before these too."""
        return self.feedback >= other.feedback and self.control >= other.control

    def merged(self, other: Positions) -> Positions:
        """The later of both, topic by topic."""
        return Positions(max(self.feedback, other.feedback), max(self.control, other.control))


class Application(NamedTuple):
    """Right before the event at ``offset``, or where it will be, what lies before ``heard`` took effect."""

    offset: int
    heard: Positions


class Note(NamedTuple):
    """``applications`` are those after ``base``, in their order; ``digest`` is of all messages up to the last."""

    topics: str  # which topics: see ``topics_digest``
    base: Positions
    applications: tuple[Application, ...]
    digest: str

    def encode(self) -> str:
        """As it is committed: short JSON, each application as differences from the one before."""
        before = Application(0, self.base)
        rows: list[list[int]] = []
        for one in self.applications:
            rows.append(
                [
                    one.offset - before.offset,
                    one.heard.feedback - before.heard.feedback,
                    one.heard.control - before.heard.control,
                ]
            )
            before = one
        document = {
            "feedback": FORMAT,
            "topics": self.topics,
            "base": list(self.base),
            "applied": rows,
            "digest": self.digest,
        }
        return orjson.dumps(document).decode("ascii")


def topics_digest(topics: Sequence[str]) -> str:
    """Four bytes that tell the feedback and control topics from others."""
    return blake2b("\0".join(topics).encode("utf-8"), digest_size=4).hexdigest()


def decode_note(text: str, where: str) -> Note | None:
    """Read back what ``encode`` gave; None where nothing was noted.

    Raises ``CheckpointError`` for what this program did not write: then nobody knows what shaped the outputs.
    """
    if not text:
        return None
    try:
        document = orjson.loads(text)
        if document["feedback"] != FORMAT:
            raise ValueError(f"its format is {document['feedback']}, and {FORMAT} is known")
        place = Application(0, _positions(document["base"]))
        applications: list[Application] = []
        for step in document["applied"]:
            offset, feedback, control = (_count(number) for number in step)
            heard = Positions(place.heard.feedback + feedback, place.heard.control + control)
            place = Application(place.offset + offset, heard)
            applications.append(place)
        digest = document["digest"]
        if len(bytes.fromhex(digest)) != DIGEST_BYTES or not isinstance(document["topics"], str):
            raise ValueError("its digests are none")
        return Note(document["topics"], _positions(document["base"]), tuple(applications), digest)
    except (ValueError, KeyError, TypeError) as problem:
        raise CheckpointError(
            f"{where}: what is committed beside the offset is no note of feedback that this program reads ({problem})"
        ) from problem


def _positions(pair: Sequence[object]) -> Positions:
    feedback, control = pair
    return Positions(_count(feedback), _count(control))


def _count(number: object) -> int:
    if type(number) is not int or number < 0:
        raise ValueError("a number in it is no offset")
    return number
