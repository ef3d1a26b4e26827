"""JSON documents that carry their own checksum, whose fields are looked at before any is believed."""

from __future__ import annotations

import hashlib
import re
from typing import Any

import orjson

from stream_rcf.errors import CheckpointError
from stream_rcf.state.segments import Segment

MAXIMUM_DOCUMENT_BYTES = 16 * 2**20  # a bound before reading; one that names 1,000 segments has 150 KB
SEGMENT_NAME = re.compile(r"segment-([0-9]{12,18})-([0-9]{4,9})-[0-9a-f]{16}\.frames")
SHA256 = re.compile(r"[0-9a-f]{64}")
FINGERPRINT = re.compile(r"[0-9a-zA-Z]{1,32}")


def seal(document: dict[str, Any]) -> bytes:
    """The document as JSON with its checksum; the same document always gives the same bytes."""
    return orjson.dumps(document | {"checksum": checksum_of(document)})


def checksum_of(document: dict[str, Any]) -> str:
    """SHA-256 of what ``seal`` writes beside it."""
    return hashlib.sha256(orjson.dumps(document)).hexdigest()


def unseal(data: bytes, oldest: int, newest: int, where: str) -> Fields:
    """Read back what ``seal`` wrote, whose ``format`` must be from ``oldest`` to ``newest``.

    ``where`` names the object in messages. Raises ``CheckpointError`` for anything else.
    """
    try:
        document = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise CheckpointError(f"{where} is corrupt: it is not JSON ({error})") from error
    if not isinstance(document, dict):
        raise CheckpointError(f"{where} is corrupt: it is not a JSON object")
    fields = Fields(document, where)
    version = fields.integer("format", 1)
    if version > newest:
        raise CheckpointError(
            f"{where} has format {version}, but this program reads up to format {newest}: upgrade stream-rcf"
        )
    if version < oldest:
        raise CheckpointError(
            f"{where} has format {version}, which an older stream-rcf wrote and this one does not read"
        )
    is_as_written = orjson.dumps(document) == data  # JSON allows white space, a sealed document has none
    if document.pop("checksum", None) != checksum_of(document) or not is_as_written:
        raise CheckpointError(f"{where} is corrupt: its content differs from its checksum")
    return fields


class Fields:
    """Typed access to a decoded JSON object; the errors name the object it is in, and the field."""

    def __init__(self, document: dict[str, Any], where: str) -> None:
        self._document = document
        self._where = where

    def has(self, name: str) -> bool:
        """Whether the field is there."""
        return name in self._document

    def integer(self, name: str, minimum: int = 0) -> int:
        """A whole number of at least ``minimum``."""
        value = self._document.get(name)
        if type(value) is not int or value < minimum:  # not isinstance: true and false are integers to Python
            raise CheckpointError(
                f"{self._where} is corrupt: {name!r} is {value!r}, not an integer of at least {minimum}"
            )
        return value

    def integer_or_none(self, name: str, minimum: int = 0) -> int | None:
        """The same, or ``None`` where the field is null or absent."""
        return None if self._document.get(name) is None else self.integer(name, minimum)

    def text(self, name: str, pattern: re.Pattern[str] | None = None) -> str:
        """A text, all of which fits ``pattern`` where there is one."""
        value = self._document.get(name)
        if not isinstance(value, str) or (pattern is not None and not pattern.fullmatch(value)):
            raise CheckpointError(
                f"{self._where} is corrupt: {name!r} is {value!r}, which no writer of this program wrote"
            )
        return value

    def texts(self, name: str) -> dict[str, str]:
        """Texts by name."""
        value = self._document.get(name)
        if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
            raise CheckpointError(f"{self._where} is corrupt: {name!r} is not a map of texts")
        return dict(value)

    def segments(self, name: str) -> tuple[Segment, ...]:
        """What is said of segments, no two of one name."""
        value = self._document.get(name)
        if not isinstance(value, list):
            raise CheckpointError(f"{self._where} is corrupt: {name!r} is not a list")
        segments = tuple(_segment(entry, self._where) for entry in value)
        if len({segment.name for segment in segments}) != len(segments):
            raise CheckpointError(f"{self._where} names a segment twice")
        if any(segment.tail_bytes > segment.bytes for segment in segments):
            raise CheckpointError(f"{self._where} is corrupt: a segment is smaller than its index")
        return segments


def _segment(entry: object, where: str) -> Segment:
    if not isinstance(entry, dict):
        raise CheckpointError(f"{where} is corrupt: a segment is not a JSON object")
    fields = Fields(entry, where)
    return Segment(
        name=fields.text("name", SEGMENT_NAME),  # a strict pattern: a name can never lead out of the folder
        bytes=fields.integer("bytes"),
        frames=fields.integer("frames"),
        sha256=fields.text("sha256", SHA256),
        tail_bytes=fields.integer("tail_bytes"),
        tail_sha256=fields.text("tail_sha256", SHA256),
    )
