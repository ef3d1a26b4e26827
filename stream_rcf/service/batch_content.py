"""What is known of a batch of messages between its decoding and its publishing."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from stream_rcf.core.event_arrays import EventArrays
from stream_rcf.core.reasons import Reason
from stream_rcf.kafka.messages import Message
from stream_rcf.pipeline.alert_digest import AlertDigest
from stream_rcf.pipeline.effects import Effects
from stream_rcf.pipeline.effects_judgement import with_effects
from stream_rcf.pipeline.events import Event, Position, Rejection
from stream_rcf.pipeline.rules import RuleSet
from stream_rcf.pipeline.score_batch import RunningBatch, arrays_of
from stream_rcf.pipeline.windows import EventWindows
from stream_rcf.state.key_table import KeyTable


@dataclass(slots=True)
class Batch:
    """What is known of a batch between its decoding and its publishing; over windows, its events become those."""

    messages: int
    began: float = field(default_factory=time.perf_counter)
    events: list[Event] = field(default_factory=list)
    tables: list[KeyTable] = field(default_factory=list)
    sources: list[Position | None] = field(default_factory=list)  # by event; None: learned silently
    origins: list[Message] = field(default_factory=list)  # by event, where alerts repeat fields of it
    effects: list[Effects] = field(default_factory=list)  # by event, where people may give feedback
    # By event, where alerts may be held back: what does that in its partition, and where it lies, live or not.
    digests: list[AlertDigest] = field(default_factory=list)
    positions: list[Position] = field(default_factory=list)
    rejected: list[tuple[Message, Rejection]] = field(default_factory=list)  # of live partitions
    passed_over: list[Reason] = field(default_factory=list)  # events of live partitions that are in no window
    begun: set[tuple[KeyTable, str]] = field(default_factory=set)  # keys whose first event is in it
    learned_before: int = 0  # events of live partitions that a backfill has learned
    # Where its partitions stood before it.
    published: dict[tuple[str, int], int] = field(default_factory=dict)
    moves_offsets: bool = False  # it holds messages of live partitions
    scoring: RunningBatch | None = None

    def arrays(self, rules: RuleSet | None) -> EventArrays | None:
        """The events side by side, with what rules and people say of them; None where there are no events."""
        if not self.events:
            return None
        arrays = arrays_of(self.events, rules)
        return with_effects(arrays, self.events, self.effects) if self.effects else arrays

    def close_windows(self, windows: EventWindows) -> None:
        """Let the events be the windows that they close."""
        closed, sources = windows.close(self.events, self.tables), self.sources
        self.passed_over = [reason for index, reason in closed.passed_over if sources[index] is not None]
        self.events, self.tables, self.sources = closed.events, closed.tables, closed.sources(sources)
        self.origins = [self.origins[index] for index in closed.closed_by] if self.origins else []
        self.effects = [self.effects[index] for index in closed.closed_by] if self.effects else []
        if self.digests:
            self.digests = [self.digests[index] for index in closed.closed_by]
            found = closed.sources(self.positions)
            self.positions = [position for position in found if position is not None]
