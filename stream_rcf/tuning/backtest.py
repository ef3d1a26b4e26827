"""One or two detectors over the same rows in one pass, and what each would have alerted on."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from stream_rcf.core.explanation import SHARE
from stream_rcf.core.parameters import DetectorParameters
from stream_rcf.errors import UsageError
from stream_rcf.files.columns import Columns
from stream_rcf.files.rows import Row
from stream_rcf.files.score_files import BATCH_ROWS
from stream_rcf.files.series import SeriesCollector
from stream_rcf.pipeline.encode import reason_text
from stream_rcf.pipeline.events import Event
from stream_rcf.pipeline.score_batch import ScoredBatch, score_batch
from stream_rcf.state.key_table import KeyTable
from stream_rcf.tuning.backtest_counts import Alert, BacktestCounts


@dataclass(frozen=True)
class Side:
    """Settings to try: by what they are called, and the alerts per key and week they allow (None: no budget)."""

    name: str
    parameters: DetectorParameters
    budget: float | None


@dataclass
class _Running:
    side: Side
    table: KeyTable
    places: list[int]  # of its features in the rows' values
    series: SeriesCollector | None
    scored: ScoredBatch | None = field(default=None)


class Backtest:
    """Feeds rows to every side and counts.

    ``columns`` name every feature that any side watches, and the label, if there is one, as the last feature.
    """

    def __init__(
        self, sides: Sequence[Side], columns: Columns, label: str | None, keep_series: bool = False
    ) -> None:
        gap = max(side.parameters.forest.shingle_size for side in sides)
        self.sides = tuple(sides)
        self.counts = BacktestCounts(len(sides), gap)
        self.rejected: Counter[str] = Counter()  # rows by error
        self.has_label = label is not None
        self._label = len(columns.features) - 1
        self._is_windowed = columns.is_windowed
        self._running = [
            _Running(
                side,
                KeyTable(side.parameters),
                [columns.features.index(name) for name in side.parameters.features],
                SeriesCollector() if keep_series else None,
            )
            for side in sides
        ]

    @property
    def series(self) -> list[SeriesCollector]:
        """What pictures are drawn of, by side; empty unless it was kept."""
        return [one.series for one in self._running if one.series is not None]

    def feed(self, rows: Iterable[Row]) -> None:
        """Score rows with every side. Raises ``UsageError`` for a label that is neither 0 nor 1."""
        remaining = iter(rows)
        while batch := list(itertools.islice(remaining, BATCH_ROWS)):
            accepted = [row for row in batch if isinstance(row.outcome, Event)]
            for row in batch:
                if not isinstance(row.outcome, Event):
                    self.rejected[row.outcome.error] += 1
            if accepted:
                self._score(accepted)

    def finish(self) -> BacktestCounts:
        """Return the counts; nothing may be fed afterwards."""
        self.counts.finish()
        return self.counts

    def _score(self, rows: list[Row]) -> None:
        for one in self._running:
            own = [_with_values(row, one.places) for row in rows]
            events = [row.outcome for row in own if isinstance(row.outcome, Event)]
            one.scored = score_batch(one.side.parameters, events, [one.table] * len(events))
            if one.series is not None:
                one.series.add(own, one.scored)
        for index, row in enumerate(rows):
            event = self.counts.events_of(row.key) + 1
            alerts = [self._alert(side, index, event, row.timestamp) for side in range(len(self._running))]
            self.counts.add(row.key, row.timestamp, self._is_labelled(row), alerts)

    def _alert(self, side: int, index: int, event: int, timestamp: int | None) -> Alert | None:
        one = self._running[side]
        scored = one.scored
        if scored is None or scored.grade[index] <= 0:
            return None
        shares = [row[SHARE] for row in scored.details[index]]
        most = max(range(len(shares)), key=shares.__getitem__)
        return Alert(
            event,
            timestamp,
            scored.score[index],
            scored.likelihood[index],
            scored.grade[index],
            one.side.parameters.features[most],
            shares[most],
            _said(self._running[1 - side].scored, index) if len(self._running) == 2 else "",
        )

    def _is_labelled(self, row: Row) -> bool:
        if not self.has_label or not isinstance(row.outcome, Event):
            return False
        label = row.outcome.values[self._label]
        if self._is_windowed and math.isnan(label):  # a window without events
            return False
        if label not in (0.0, 1.0):
            raise UsageError(f"the label of an event of {row.key!r} is {label:g}, but labels are 0 or 1")
        return label == 1.0


def _with_values(row: Row, places: Sequence[int]) -> Row:
    event = row.outcome
    if not isinstance(event, Event):
        return row
    values = tuple(event.values[place] for place in places)
    return Row(event._replace(values=values), row.key, row.timestamp)


def _said(scored: ScoredBatch | None, index: int) -> str:
    """Return what the other side said of an event: that it alerts too, or its reason, or how likely it found it."""
    if scored is None:
        return ""
    if scored.grade[index] > 0:
        return "alert"
    reason = reason_text(scored, index)
    return reason or f"likelihood {scored.likelihood[index]:.6f}, score {scored.score[index]:.3f}"
