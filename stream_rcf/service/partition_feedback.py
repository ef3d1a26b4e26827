"""Feedback and maintenance of one partition: what is in effect, since where in its input, and what a replay repeats.

What takes effect when is decided once, between two batches of a live partition, and committed with the input offset
(``feedback_note``). A replay from a checkpoint reads the same messages again, and lets them take effect at the same
offsets; a digest over all of them shows when they are not the same any more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import orjson

from stream_rcf.errors import CheckpointError
from stream_rcf.pipeline.effects import Effects
from stream_rcf.service.feedback_note import (
    MOST_NOTE_CHARACTERS,
    NOTHING_HEARD,
    Application,
    Note,
    Positions,
    topics_digest,
)
from stream_rcf.service.heard import Heard, Hearing, chained, notices_of

# Of messages since the older kept checkpoint, which a replay holds in memory: beyond, new ones wait for the next one.
MOST_REPLAYED_BYTES = 32 * 2**20
ROOM_FOR_ONE = 60  # characters that one more application may take


class FeedbackLostError(CheckpointError):
    """Messages that took effect are not in their topic any more, so that a replay cannot repeat what they did."""


@dataclass
class _Due:
    """An application that the replay has still to come to, and its messages as far as they were read."""

    application: Application
    begin: Positions
    feedback: list[Heard] = field(default_factory=list)
    control: list[Heard] = field(default_factory=list)


class PartitionFeedback:
    """One partition's effects. Made by ``open_partition_feedback``; for the thread that owns the consumer."""

    def __init__(
        self, topics: Sequence[str], effects: Effects, heard: Positions, digest: str, note: Note | None
    ) -> None:
        """``effects`` are those of the checkpoint, where ``heard`` and ``digest`` say what they are of."""
        self.effects = effects
        self.dropped = 0  # effects let go of to stay within the bounds
        self.heard = heard  # what took effect
        self.listened = heard  # what was read, whether there was a message or not
        self.fence = 0  # no message takes effect before this offset of the input
        self.waiting_since: float | None = None  # monotonic, of its replay
        self._topics = tuple(topics)
        self._digest = digest
        self._noted_digest = digest if note is None else note.digest
        self._checkpoints = [heard]  # what the kept ones have heard, at most two, older first
        self._applications = [] if note is None else list(note.applications)
        self._base = heard if note is None else note.base
        self._bytes: dict[Application, int] = {}
        self._due: list[_Due] = []
        before = heard
        for application in self._applications:
            if not heard.reaches(application.heard):
                self._due.append(_Due(application, before))
                before = application.heard
        self._wanted = before
        self._is_checked = not self._due
        self._note = self._encoded()

    # -- a replay -----------------------------------------------------------------------------------------------------

    @property
    def is_collected(self) -> bool:
        """Whether everything that the replay needs was read."""
        return self._is_checked

    def collect(self, hearing: Hearing, is_over: bool) -> None:
        """Take what the replay needs of what was read; ``is_over``: no more will come.

        Raises ``FeedbackLostError`` when it turns out not to be what took effect.
        """
        for due in self._due:
            due.feedback += (
                one
                for one in hearing.feedback
                if due.begin.feedback <= one.offset < due.application.heard.feedback
            )
            due.control += (
                one
                for one in hearing.control
                if due.begin.control <= one.offset < due.application.heard.control
            )
        self.listened = self.listened.merged(hearing.end)
        if not is_over and not self.listened.reaches(self._wanted):
            return
        digest = self._digest
        for due in self._due:
            messages = [*due.feedback, *due.control]
            self._bytes[due.application] = sum(one.size for one in messages)
            digest = chained(digest, messages)
        if digest != self._noted_digest:
            raise FeedbackLostError(
                f"messages up to offset {self._wanted.feedback} of kafka.feedback_topic and {self._wanted.control} of"
                f" kafka.control_topic had taken effect, and those that are there now are not the same: they were"
                f" deleted by retention or compaction, or a topic was made anew"
            )
        self._is_checked = True

    def reach(self, offset: int) -> None:
        """The replay is about to learn the event at ``offset``: let what took effect before it do so again."""
        while self._due and self._due[0].application.offset <= offset:
            due = self._due.pop(0)
            self._apply([*due.feedback, *due.control], due.application.heard)
        if not self._due:
            self.listened = self.heard

    # -- a live partition ---------------------------------------------------------------------------------------------

    @property
    def has_room(self) -> bool:
        """Whether one more application can be noted; else messages wait for the next checkpoint."""
        return (
            len(self._note) + ROOM_FOR_ONE <= MOST_NOTE_CHARACTERS
            and sum(self._bytes.values()) < MOST_REPLAYED_BYTES
        )

    def news_in(self, hearing: Hearing) -> list[Heard]:
        """What of it has not taken effect, if nothing before it is missing."""
        if not self.listened.reaches(hearing.begin):
            return []
        return hearing.between(self.listened, hearing.end)

    def hear(self, hearing: Hearing, offset: int) -> list[Heard]:
        """Let what is new take effect right before the input ``offset``, and note it; what that was, in order."""
        messages = self.news_in(hearing)
        if self.listened.reaches(hearing.begin):
            self.listened = self.listened.merged(hearing.end)
        if messages:
            heard = self.heard.merged(hearing.end)
            application = Application(offset, heard)
            self._applications.append(application)
            self._bytes[application] = sum(one.size for one in messages)
            self._apply(messages, heard)
            self._note = self._encoded()
        return messages

    def _apply(self, messages: Sequence[Heard], heard: Positions) -> None:
        self.effects, dropped = self.effects.after(notices_of(messages))
        self.dropped += dropped
        self._digest = chained(self._digest, messages)
        self.heard = heard

    @property
    def note(self) -> str:
        """What is to be committed beside the input offset; nothing while nothing was heard."""
        return self._note if self.heard != Positions() else ""

    def _encoded(self) -> str:
        digest = self._digest if not self._due else self._noted_digest
        return Note(topics_digest(self._topics), self._base, tuple(self._applications), digest).encode()

    # -- checkpoints --------------------------------------------------------------------------------------------------

    def document(self) -> str:
        """What a checkpoint made now says; nothing while nothing was heard."""
        if self.heard == Positions():
            return ""
        document = {
            "topics": list(self._topics),
            "heard": list(self.heard),
            "digest": self._digest,
            **self.effects.document(),
        }
        return orjson.dumps(document).decode("utf-8")

    def saved(self, heard: Positions) -> None:
        """A checkpoint stands that had heard so much: what even the one before it holds needs no note any more."""
        self._base = self._checkpoints[-1].merged(self._base)
        self._checkpoints = [self._checkpoints[-1], heard]
        self._applications = [one for one in self._applications if not self._base.reaches(one.heard)]
        self._bytes = {one: size for one, size in self._bytes.items() if one in self._applications}
        self._note = self._encoded()


def new_partition_feedback(topics: Sequence[str], dimensions: int) -> PartitionFeedback:
    """Of a partition that has heard of nothing."""
    return PartitionFeedback(topics, Effects(dimensions), Positions(), NOTHING_HEARD, None)
