"""Raw events on their way to records: added up by key over windows of event time, in the keys' own state."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from stream_rcf.core.event_arrays import plain_events
from stream_rcf.core.model import model_of
from stream_rcf.core.parameters import DetectorParameters
from stream_rcf.core.reasons import Reason
from stream_rcf.core.window_batch import windows_of
from stream_rcf.core.window_model import window_plan
from stream_rcf.pipeline.events import Event, Position
from stream_rcf.state.batch_keys import batch_done, blocks_of
from stream_rcf.state.key_table import KeyTable


class WindowedBatch(NamedTuple):
    """The windows that a batch of raw events closed: by the event that closed each, then by their time."""

    # What the detector scores: ``timestamp`` is the window's start, ``values`` are its aggregates.
    events: list[Event]
    tables: list[KeyTable]  # by window
    closed_by: list[int]  # by window: the index of the raw event that closed it
    # Raw events that are in no window, by index: late ones and duplicates.
    passed_over: list[tuple[int, Reason]]

    def sources(self, sources: Sequence[Position | None]) -> list[Position | None]:
        """Return where each window comes from: the position of the event that closed it, and its own start."""
        found = zip((sources[index] for index in self.closed_by), self.events, strict=True)
        return [source and source._replace(window=event.timestamp) for source, event in found]


class EventWindows:
    """Adds raw events up over the windows of one detector, for the thread that owns the keys.

    The result does not depend on how a stream is cut into batches. A window of a key is closed by that key's next event
    whose time is at or past the window's end plus the allowed lateness, and scored with it: a key that falls silent has
    its last window closed by its next event.
    """

    def __init__(self, parameters: DetectorParameters) -> None:
        self._model = model_of(parameters)
        self._plan = window_plan(parameters.features)

    def close(self, events: Sequence[Event], tables: Sequence[KeyTable]) -> WindowedBatch:
        """Add ``events[i]``, whose values are in the order of ``paths_of``, to the windows of its key in ``tables[i]``.

        Raises ``ReloadNeededError`` where a key cannot come back. No batch may be running.
        """
        if not events:
            return WindowedBatch([], [], [], [])
        blocks = blocks_of(self._model, [event.key for event in events], tables)
        values = np.array([event.values for event in events], np.float64)
        arrays = plain_events(
            values.reshape(len(events), self._model.windows.inputs),
            np.array([event.timestamp for event in events], np.int64),
        )
        if any(event.identity for event in events):
            arrays = arrays._replace(identities=np.array([event.identity for event in events], np.int64))
        found = windows_of(self._model, self._plan, blocks, arrays)
        batch_done(blocks, tables)
        closed_by = found.events.tolist()
        records = [
            Event(events[index].key, start, tuple(row))
            for index, start, row in zip(
                closed_by, found.timestamps.tolist(), found.values.tolist(), strict=True
            )
        ]
        refused = np.flatnonzero(found.refusals).tolist()
        return WindowedBatch(
            records,
            [tables[index] for index in closed_by],
            closed_by,
            [(index, Reason(int(found.refusals[index]))) for index in refused],
        )
