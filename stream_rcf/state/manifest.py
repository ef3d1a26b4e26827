"""The manifest of one checkpoint: which offset it stands at and which segments hold it, as checked JSON.

A manifest is the checkpoint: until it exists its segments mean nothing, and it is created only if its number
is free, so of two writers of one number exactly one wins. A segment's name says for which number it was written: once
that number is taken, a segment that no kept manifest names can never count any more.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass
from typing import Any, NamedTuple

import orjson

from stream_rcf.errors import CheckpointError
from stream_rcf.state.segments import Segment

FORMAT_VERSION = 2  # raise it whenever an older program could not read the manifest or what it names
MAXIMUM_MANIFEST_BYTES = 16 * 2**20  # a bound before reading; a manifest of 1,000 segments has 150 KB
_MANIFEST_NAME = re.compile(r"manifest-([0-9]{12,18})\.json")
_SEGMENT_NAME = re.compile(r"segment-([0-9]{12,18})-([0-9]{4,9})-[0-9a-f]{16}\.frames")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_FINGERPRINT = re.compile(r"[0-9a-zA-Z]{1,32}")


class PartitionId(NamedTuple):
    """Whose state a checkpoint is: one partition of one topic, as one consumer group reads it."""

    group: str
    topic: str
    partition: int

    def __str__(self) -> str:
        return f"{self.topic}[{self.partition}] of group {self.group}"


@dataclass(frozen=True, slots=True)
class Manifest:
    """A consistent cut: every key's state after exactly the events before ``offset``.

    ``offset`` is the next event to read; ``created_at`` is epoch milliseconds; ``previous`` is the number of
    the checkpoint it continues, ``None`` where the models began empty; ``segments`` are oldest first, and of
    the frames that name a key the newest counts. ``keys`` counts each key once. ``topic_partitions`` is how many
    partitions the topic had, 0 unknown.
    """

    partition: PartitionId
    number: int
    offset: int
    fingerprint: str
    created_at: int
    previous: int | None
    keys: int
    segments: tuple[Segment, ...]
    topic_partitions: int = 0

    @property
    def frames(self) -> int:
        """Frames in all segments, superseded ones included."""
        return sum(segment.frames for segment in self.segments)

    @property
    def bytes(self) -> int:
        """Size of all segments, superseded frames included."""
        return sum(segment.bytes for segment in self.segments)


class ManifestList(NamedTuple):
    """The checkpoints of one partition.

    ``manifests`` are newest first; ``problems`` has one sentence for each manifest that could not be read;
    ``newest_number`` counts unreadable ones too and is 0 where there is none.
    """

    manifests: list[Manifest]
    problems: list[str]
    newest_number: int


def manifest_name(number: int) -> str:
    """File name of a manifest; padded, so that a folder listing is in order of age."""
    return f"manifest-{number:012d}.json"


def manifest_number(name: str) -> int | None:
    """Return the number in a manifest's file name, ``None`` for any other file."""
    match = _MANIFEST_NAME.fullmatch(name)
    return int(match[1]) if match else None


def segment_name(number: int, part: int) -> str:
    """File name of the ``part``-th segment of the attempt to write checkpoint ``number``; no two are ever the same."""
    return f"segment-{number:012d}-{part:04d}-{secrets.token_hex(8)}.frames"


def segment_number(name: str) -> int | None:
    """Return the checkpoint that a segment was written for, ``None`` for any other file."""
    match = _SEGMENT_NAME.fullmatch(name)
    return int(match[1]) if match else None


def encode_manifest(manifest: Manifest) -> bytes:
    """Return the manifest as JSON with its own checksum; the same manifest always gives the same bytes."""
    document: dict[str, Any] = {
        "format": FORMAT_VERSION,
        "group": manifest.partition.group,
        "topic": manifest.partition.topic,
        "partition": manifest.partition.partition,
        "number": manifest.number,
        "offset": manifest.offset,
        "fingerprint": manifest.fingerprint,
        "created_at": manifest.created_at,
        "previous": manifest.previous,
        "keys": manifest.keys,
        "topic_partitions": manifest.topic_partitions,
        "segments": [segment._asdict() for segment in manifest.segments],
    }
    return orjson.dumps(document | {"checksum": _checksum(document)})


def decode_manifest(data: bytes, partition: PartitionId, number: int, where: str) -> Manifest:
    """Read back what ``encode_manifest`` wrote for this partition and number.

    ``where`` names the file in messages. Raises ``CheckpointError`` for anything else: bytes changed or
    missing, a field of another kind or range, the manifest of another partition, a newer format.
    """
    try:
        document = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise CheckpointError(f"{where} is corrupt: it is not JSON ({error})") from error
    if not isinstance(document, dict):
        raise CheckpointError(f"{where} is corrupt: it is not a JSON object")
    fields = _Fields(document, where)
    version = fields.integer("format", 1)
    if version > FORMAT_VERSION:
        raise CheckpointError(
            f"{where} has format {version}, but this program reads up to format {FORMAT_VERSION}:"
            f" upgrade stream-rcf"
        )
    if version < FORMAT_VERSION:
        raise CheckpointError(
            f"{where} has format {version}, which an older stream-rcf wrote and this one does not read"
        )
    is_as_written = orjson.dumps(document) == data  # JSON allows white space, a manifest has none
    if document.pop("checksum", None) != _checksum(document) or not is_as_written:
        raise CheckpointError(f"{where} is corrupt: its content differs from its checksum")
    manifest = Manifest(
        partition=PartitionId(fields.text("group"), fields.text("topic"), fields.integer("partition")),
        number=fields.integer("number"),
        offset=fields.integer("offset"),
        fingerprint=fields.text("fingerprint", _FINGERPRINT),
        created_at=fields.integer("created_at"),
        previous=None if document.get("previous") is None else fields.integer("previous"),
        keys=fields.integer("keys"),
        segments=tuple(_decode_segment(entry, where) for entry in fields.entries("segments")),
        topic_partitions=fields.integer("topic_partitions"),
    )
    if manifest.partition != partition or manifest.number != number:
        raise CheckpointError(
            f"{where} belongs elsewhere: it is checkpoint {manifest.number} of {manifest.partition},"
            f" found where checkpoint {number} of {partition} should be"
        )
    if len({segment.name for segment in manifest.segments}) != len(manifest.segments):
        raise CheckpointError(f"{where} names a segment twice")
    if any(segment.tail_bytes > segment.bytes for segment in manifest.segments):
        raise CheckpointError(f"{where} is corrupt: a segment is smaller than its index")
    return manifest


def _decode_segment(entry: object, where: str) -> Segment:
    if not isinstance(entry, dict):
        raise CheckpointError(f"{where} is corrupt: a segment is not a JSON object")
    fields = _Fields(entry, where)
    return Segment(
        name=fields.text("name", _SEGMENT_NAME),  # a strict pattern: a name can never lead out of the folder
        bytes=fields.integer("bytes"),
        frames=fields.integer("frames"),
        sha256=fields.text("sha256", _SHA256),
        tail_bytes=fields.integer("tail_bytes"),
        tail_sha256=fields.text("tail_sha256", _SHA256),
    )


def _checksum(document: dict[str, Any]) -> str:
    return hashlib.sha256(orjson.dumps(document)).hexdigest()


class _Fields:
    """Typed access to a decoded JSON object; the errors name the file and the field."""

    def __init__(self, document: dict[str, Any], where: str) -> None:
        self._document = document
        self._where = where

    def integer(self, name: str, minimum: int = 0) -> int:
        value = self._document.get(name)
        if type(value) is not int or value < minimum:  # not isinstance: true and false are integers to Python
            raise CheckpointError(
                f"{self._where} is corrupt: {name!r} is {value!r}, not an integer of at least {minimum}"
            )
        return value

    def text(self, name: str, pattern: re.Pattern[str] | None = None) -> str:
        value = self._document.get(name)
        if not isinstance(value, str) or (pattern is not None and not pattern.fullmatch(value)):
            raise CheckpointError(
                f"{self._where} is corrupt: {name!r} is {value!r}, which no writer of this program wrote"
            )
        return value

    def entries(self, name: str) -> list[object]:
        value = self._document.get(name)
        if not isinstance(value, list):
            raise CheckpointError(f"{self._where} is corrupt: {name!r} is not a list")
        return value
