"""What a backfill says of itself: the saved models of all keys after a history, from which a service goes on.

As with checkpoints, the document is the backfill: until it exists its segments mean nothing, and it is created only if
its number is free. A newer number replaces the older ones.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from stream_rcf.errors import CheckpointError
from stream_rcf.state.sealed_document import FINGERPRINT, MAXIMUM_DOCUMENT_BYTES, seal, unseal
from stream_rcf.state.segments import LEAST_TIME, Segment

FORMAT_VERSION = 1  # raise it whenever an older program could not read the document or what it names
MAXIMUM_BYTES = MAXIMUM_DOCUMENT_BYTES
_NAME = re.compile(r"backfill-([0-9]{12,18})\.json")


@dataclass(frozen=True, slots=True)
class BackfillDocument:
    """One backfill.

    ``fingerprint`` is that of the models' settings, which ``settings`` tells by name (``model_settings``).
    ``created_at`` and ``latest_event``, the latest of all keys, are epoch milliseconds. Each key is in one segment.
    """

    number: int
    fingerprint: str
    settings: Mapping[str, str]
    created_at: int
    keys: int
    latest_event: int
    segments: tuple[Segment, ...]

    @property
    def bytes(self) -> int:
        """Size of all segments."""
        return sum(segment.bytes for segment in self.segments)

    @property
    def identity(self) -> str:
        """64 hexadecimal digits that differ between any two backfills, by their content and the time they were made."""
        return hashlib.sha256(encode_backfill(self)).hexdigest()


def backfill_name(number: int) -> str:
    """File name of a document; padded, so that a folder listing is in order of age."""
    return f"backfill-{number:012d}.json"


def backfill_number(name: str) -> int | None:
    """The number in a document's file name, ``None`` for any other file."""
    match = _NAME.fullmatch(name)
    return int(match[1]) if match else None


def encode_backfill(document: BackfillDocument) -> bytes:
    """The document as JSON with its own checksum; the same document always gives the same bytes."""
    content: dict[str, Any] = {
        "format": FORMAT_VERSION,
        "number": document.number,
        "fingerprint": document.fingerprint,
        "settings": dict(document.settings),
        "created_at": document.created_at,
        "keys": document.keys,
        "latest_event": document.latest_event,
        "segments": [segment._asdict() for segment in document.segments],
    }
    return seal(content)


def decode_backfill(data: bytes, number: int, where: str) -> BackfillDocument:
    """Read back what ``encode_backfill`` wrote; ``where`` names the file in messages.

    Raises ``CheckpointError`` for anything else.
    """
    fields = unseal(data, FORMAT_VERSION, FORMAT_VERSION, where)
    document = BackfillDocument(
        number=fields.integer("number"),
        fingerprint=fields.text("fingerprint", FINGERPRINT),
        settings=fields.texts("settings"),
        created_at=fields.integer("created_at"),
        keys=fields.integer("keys"),
        latest_event=fields.integer("latest_event", LEAST_TIME),
        segments=fields.segments("segments"),
    )
    if document.number != number:
        raise CheckpointError(f"{where} belongs elsewhere: it is backfill {document.number}, not {number}")
    return document
