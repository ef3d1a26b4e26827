"""What a partition that was taken over has heard of feedback and maintenance, by its checkpoint and its last commit."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Literal

import orjson

from stream_rcf.errors import CheckpointError
from stream_rcf.kafka.notice_topics import notice_topics
from stream_rcf.pipeline.effects import Effects
from stream_rcf.service.feedback_note import NOTHING_HEARD, Positions, decode_note, topics_digest
from stream_rcf.service.partition_feedback import PartitionFeedback, new_partition_feedback
from stream_rcf.settings.model import Settings
from stream_rcf.state.manifest import PartitionId
from stream_rcf.state.recovery import RecoveryPlan

logger = logging.getLogger(__name__)

OnUnusable = Literal["fail", "fresh"]
FIELDS = ("feedback_topic", "control_topic")
WAY_OUT = (
    "Bring back what is missing, or set checkpoint.on_unusable=fresh: models are kept then, what was in effect is let"
    " go of, and what is in the topics now takes effect from here on"
)


def feedback_of_plan(
    settings: Settings, partition: PartitionId, plan: RecoveryPlan, note: str, end: int
) -> PartitionFeedback | None:
    """What a partition has heard at its plan's beginning, and its replay will; None where people may say nothing.

    ``end``: of its input, if anything may have been published of that. At least once, outputs may come again and must
    be the same, while nobody knows how far they came: nothing new takes effect before there. A transaction leaves none.
    """
    document = "" if plan.checkpoint is None else plan.checkpoint.feedback
    if not settings.kafka.takes_feedback:
        if document or note:
            logger.warning(
                "%s: kafka.feedback_topic and kafka.control_topic are empty now: what they said is let go of",
                partition,
            )
        return None
    feedback = open_partition_feedback(
        notice_topics(settings),
        len(settings.events.features),
        document,
        note,
        str(partition),
        settings.checkpoint.on_unusable,
    )
    feedback.fence = end if settings.kafka.delivery == "at_least_once" else 0
    return feedback


def open_partition_feedback(
    topics: Sequence[str],
    dimensions: int,
    document: str,
    note: str,
    where: str,
    on_unusable: OnUnusable,
) -> PartitionFeedback:
    """What took effect up to the checkpoint that holds ``document``, and what will in a replay up to ``note``.

    ``topics``: feedback and control, as the settings name them now. ``where``: the partition, for messages.
    Raises ``CheckpointError`` where nobody knows what took effect and ``on_unusable`` is ``fail``.
    """
    try:
        return _open(topics, dimensions, document, note, where)
    except CheckpointError as problem:
        return begin_anew(topics, dimensions, f"{where}: {problem}", on_unusable)


def begin_anew(
    topics: Sequence[str], dimensions: int, problem: str, on_unusable: OnUnusable
) -> PartitionFeedback:
    """A partition that has heard of nothing, where the settings allow that; else raises ``CheckpointError``."""
    if on_unusable == "fail":
        raise CheckpointError(f"{problem}. {WAY_OUT}")
    logger.error("%s. What is in the topics now takes effect from here on", problem)
    return new_partition_feedback(topics, dimensions)


def _open(
    topics: Sequence[str], dimensions: int, document: str, note_text: str, where: str
) -> PartitionFeedback:
    note = decode_note(note_text, where)
    if not document:
        effects, heard, digest, before = Effects(dimensions), Positions(), NOTHING_HEARD, list(topics)
    else:
        fields = _fields(document)
        effects = Effects.from_document(dimensions, fields, "its checkpoint")
        heard, digest, before = _heard(fields.get("heard")), _text(fields.get("digest")), _names(fields)
    if note is not None and not heard.reaches(note.base):
        raise CheckpointError(
            "its checkpoint is older than what is noted: nobody knows when that took effect which lies before offset"
            f" {note.base.feedback} of kafka.feedback_topic and {note.base.control} of kafka.control_topic"
        )
    has_due = note is not None and any(not heard.reaches(one.heard) for one in note.applications)
    others = topics_digest(before) != topics_digest(topics) or (
        note is not None and note.topics != topics_digest(topics)
    )
    if not others:
        return PartitionFeedback(topics, effects, heard, digest, note)
    if has_due:
        raise CheckpointError(
            f"feedback took effect since its checkpoint, from other topics than kafka.feedback_topic {topics[0]!r} and"
            f" kafka.control_topic {topics[1]!r}: set them back, and change them after an orderly stop"
        )
    return _moved(topics, before, effects, heard, digest, where)


def _moved(
    topics: Sequence[str],
    before: Sequence[str],
    effects: Effects,
    heard: Positions,
    digest: str,
    where: str,
) -> PartitionFeedback:
    """The settings name other topics now: those are heard from their beginning, and what is in effect stays."""
    kept = [position if old == new else 0 for position, old, new in zip(heard, before, topics, strict=True)]
    for field, old, new in zip(FIELDS, before, topics, strict=True):
        if old != new:
            logger.warning(
                "%s: kafka.%s was %r and is %r now; what it said stays in effect", where, field, old, new
            )
    return PartitionFeedback(topics, effects, Positions(*kept), digest, None)


def _fields(document: str) -> Mapping[str, object]:
    try:
        fields = orjson.loads(document)
    except orjson.JSONDecodeError as error:
        raise CheckpointError(f"its checkpoint is corrupt: its feedback is not JSON ({error})") from error
    if not isinstance(fields, dict):
        raise CheckpointError("its checkpoint is corrupt: its feedback is not an object")
    return fields


def _heard(value: object) -> Positions:
    if isinstance(value, list) and len(value) == len(FIELDS):
        feedback, control = value
        if type(feedback) is int and type(control) is int and min(feedback, control) >= 0:
            return Positions(feedback, control)
    raise CheckpointError("its checkpoint is corrupt: nobody knows how much feedback it has heard")


def _text(value: object) -> str:
    if not isinstance(value, str) or len(value) != len(NOTHING_HEARD) or set(value) - set("0123456789abcdef"):
        raise CheckpointError("its checkpoint is corrupt: the digest of its feedback is none")
    return value


def _names(fields: Mapping[str, object]) -> list[str]:
    names = fields.get("topics")
    if not isinstance(names, list) or len(names) != len(FIELDS) or not all(isinstance(n, str) for n in names):
        raise CheckpointError("its checkpoint is corrupt: its feedback names no topics")
    return names
