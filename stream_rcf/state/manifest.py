"""The manifest of one checkpoint: which offset it stands at and which segments hold it, as checked JSON.

A manifest is the checkpoint: until it exists its segments mean nothing, and it is created only if its number
is free, so of two writers of one number exactly one wins. A segment's name says for which number it was written: once
that number is taken, a segment that no kept manifest names can never count any more.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from typing import Any, NamedTuple

from stream_rcf.errors import CheckpointError
from stream_rcf.state.sealed_document import (
    FINGERPRINT,
    MAXIMUM_DOCUMENT_BYTES,
    SEGMENT_NAME,
    SHA256,
    seal,
    unseal,
)
from stream_rcf.state.segments import Segment

FORMAT_VERSION = 2  # raise it whenever an older program could not read the manifest or what it names
# Of one that names a backfill: a program that knows nothing of backfills would let its keys begin from nothing.
BACKFILL_FORMAT_VERSION = 3
# Of one that holds feedback: an older program would let go of what people told the service, and not say so.
FEEDBACK_FORMAT_VERSION = 4
MAXIMUM_MANIFEST_BYTES = MAXIMUM_DOCUMENT_BYTES
_MANIFEST_NAME = re.compile(r"manifest-([0-9]{12,18})\.json")


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
    partitions the topic had, 0 unknown. ``backfill`` is the identity of the backfill whose model a key begins with
    that has had no event before ``offset``, ``""`` where such a key begins empty. ``feedback`` is a document of what
    feedback and maintenance amount to there (``service/partition_feedback.py``), ``""`` for none; ``alert_digest`` is
    one of the alerts up to there (``pipeline/alert_digest.py``).
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
    backfill: str = ""
    feedback: str = ""
    alert_digest: str = ""

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
    match = SEGMENT_NAME.fullmatch(name)
    return int(match[1]) if match else None


def encode_manifest(manifest: Manifest) -> bytes:
    """Return the manifest as JSON with its own checksum; the same manifest always gives the same bytes."""
    document: dict[str, Any] = {
        "format": _format_of(manifest),
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
    if manifest.backfill:
        document["backfill"] = manifest.backfill
    if manifest.feedback:
        document["feedback"] = manifest.feedback
    if (
        manifest.alert_digest
    ):  # in any format: without it an older program does what it knows, one alert for each
        document["alert_digest"] = manifest.alert_digest
    return seal(document)


def _format_of(manifest: Manifest) -> int:
    """The oldest format that says all of it, so that older programs read what they can."""
    if manifest.feedback:
        return FEEDBACK_FORMAT_VERSION
    return BACKFILL_FORMAT_VERSION if manifest.backfill else FORMAT_VERSION


def decode_manifest(data: bytes, partition: PartitionId, number: int, where: str) -> Manifest:
    """Read back what ``encode_manifest`` wrote for this partition and number.

    ``where`` names the file in messages. Raises ``CheckpointError`` for anything else: bytes changed or
    missing, a field of another kind or range, the manifest of another partition, a newer format.
    """
    fields = unseal(data, FORMAT_VERSION, FEEDBACK_FORMAT_VERSION, where)
    version = fields.integer("format")
    manifest = Manifest(
        partition=PartitionId(fields.text("group"), fields.text("topic"), fields.integer("partition")),
        number=fields.integer("number"),
        offset=fields.integer("offset"),
        fingerprint=fields.text("fingerprint", FINGERPRINT),
        created_at=fields.integer("created_at"),
        previous=fields.integer_or_none("previous"),
        keys=fields.integer("keys"),
        segments=fields.segments("segments"),
        topic_partitions=fields.integer("topic_partitions"),
        backfill=fields.text("backfill", SHA256)
        if version == BACKFILL_FORMAT_VERSION
        or (version > BACKFILL_FORMAT_VERSION and fields.has("backfill"))
        else "",
        feedback=fields.text("feedback") if version == FEEDBACK_FORMAT_VERSION else "",
        alert_digest=fields.text("alert_digest") if fields.has("alert_digest") else "",
    )
    if manifest.partition != partition or manifest.number != number:
        raise CheckpointError(
            f"{where} belongs elsewhere: it is checkpoint {manifest.number} of {manifest.partition},"
            f" found where checkpoint {number} of {partition} should be"
        )
    return manifest
