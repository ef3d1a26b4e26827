"""Rows of a file whose events are added up over windows: from here on, a row is a window."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from stream_rcf.core.parameters import DetectorParameters, ForestParameters
from stream_rcf.files.rows import Row
from stream_rcf.pipeline.events import Event
from stream_rcf.pipeline.windows import EventWindows
from stream_rcf.state.key_table import KeyTable

BATCH_ROWS = 4096  # taken at once where only the windows are wanted
# Of keys that are kept for their windows alone.
LEAST_FOREST = ForestParameters(trees=1, sample_size=2, shingle_size=1)


class RowWindows:
    """Turns the rows of one stream into the windows they close. Rows that are no events stay as they are."""

    def __init__(self, parameters: DetectorParameters) -> None:
        self._windows = EventWindows(parameters)
        self.events = 0  # taken so far
        self.passed_over: Counter[str] = Counter()  # of them in no window, by reason

    def close(self, rows: Sequence[Row], table: KeyTable) -> list[Row]:
        """Return the rows without events, and a row for each window, in the place of the event that closed it.

        Windows that are still open after the last row of all stay so: what comes after may belong to them.
        """
        places = [place for place, row in enumerate(rows) if isinstance(row.outcome, Event)]
        events = [row.outcome for row in rows if isinstance(row.outcome, Event)]
        closed = self._windows.close(events, [table] * len(events))
        self.events += len(events)
        self.passed_over.update(reason.name.lower() for _, reason in closed.passed_over)
        found = [(place, row) for place, row in enumerate(rows) if not isinstance(row.outcome, Event)]
        found += [
            (places[index], Row(event, event.key, event.timestamp))
            for event, index in zip(closed.events, closed.closed_by, strict=True)
        ]
        return [row for _, row in sorted(found, key=lambda one: one[0])]


class WindowsAlone:
    """The same for one stream of which nothing is scored here: only the windows of ``parameters`` are kept."""

    def __init__(self, parameters: DetectorParameters) -> None:
        forest = replace(LEAST_FOREST, dimensions=len(parameters.features))
        alone = replace(parameters, forest=forest, likelihood=None, forecast=None)
        self._table = KeyTable(alone)
        self._windows = RowWindows(alone)

    def rows(self, rows: Iterable[Row]) -> Iterator[Row]:
        """Yield what comes of the rows of one input, which goes on where the one before ended."""
        remaining = iter(rows)
        while batch := list(itertools.islice(remaining, BATCH_ROWS)):
            yield from self._windows.close(batch, self._table)
