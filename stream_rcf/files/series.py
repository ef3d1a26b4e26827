"""What a picture needs of a scored stream, kept as plain arrays until it is drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stream_rcf.files.rows import Row
from stream_rcf.pipeline.events import Event
from stream_rcf.pipeline.score_batch import ScoredBatch

Floats = NDArray[np.float64]


class Episode(NamedTuple):
    """Anomalies that belong together: the indices of the first, the last and the one of highest score."""

    first: int
    last: int
    peak: int


@dataclass(frozen=True)
class Series:
    """One key's events in order; every array has one entry an event, ``values`` one column a feature."""

    key: str
    times: NDArray[np.int64] | None  # epoch ms; None where the rows have no time
    rows: NDArray[np.int64]  # the event's place in the stream, from 1
    values: Floats
    scores: Floats  # 0 while there is none
    thresholds: Floats
    grades: Floats

    @property
    def anomalies(self) -> NDArray[np.intp]:
        """Return the indices of the anomalies."""
        return np.flatnonzero(self.grades > 0)

    def episodes(self, gap: int) -> list[Episode]:
        """Join anomalies that are at most ``gap`` events apart, in order."""
        anomalies = self.anomalies
        if not len(anomalies):
            return []
        parts = np.split(anomalies, np.flatnonzero(np.diff(anomalies) > gap) + 1)
        return [
            Episode(int(part[0]), int(part[-1]), int(part[np.argmax(self.scores[part])])) for part in parts
        ]


@dataclass
class SeriesCollector:
    """Gathers batches of a stream; about 50 bytes an event and 8 a feature."""

    _codes: dict[str, int] = field(default_factory=dict)  # key to the number it goes by in the arrays
    _batches: list[tuple[NDArray[np.int64], NDArray[np.int64], Floats, Floats]] = field(default_factory=list)
    _rows: int = 0
    _timed: bool = True

    def add(self, rows: Sequence[Row], scored: ScoredBatch) -> None:
        """Keep a batch; ``scored`` holds a result for each row that is an event, in order."""
        codes, times, places, values = [], [], [], []
        for place, row in enumerate(rows, start=self._rows + 1):
            if isinstance(row.outcome, Event):
                codes.append(self._codes.setdefault(row.key, len(self._codes)))
                times.append(row.outcome.timestamp)
                places.append(place)
                values.append(row.outcome.values)
                self._timed &= row.timestamp is not None
        self._rows += len(rows)
        if codes:
            results = np.array([scored.score, scored.threshold, scored.grade], np.float64).T
            self._batches.append(
                (np.array(codes, np.int64), np.array([times, places], np.int64).T, np.array(values), results)
            )

    @property
    def keys(self) -> int:
        """Return the number of keys seen."""
        return len(self._codes)

    def most_anomalous(self, limit: int) -> list[Series]:
        """Return up to ``limit`` keys: by highest grade, then number of anomalies, then highest score."""
        if not self._batches:
            return []
        codes, places, values, results = (np.concatenate(parts) for parts in zip(*self._batches, strict=True))
        scores, grades = results[:, 0], results[:, 2]
        highest_grade, highest_score = np.zeros(self.keys), np.zeros(self.keys)
        np.maximum.at(highest_grade, codes, grades)
        np.maximum.at(highest_score, codes, scores)
        anomalies = np.bincount(codes[grades > 0], minlength=self.keys)
        order = np.lexsort((-highest_score, -anomalies, -highest_grade))
        names = list(self._codes)
        chosen: list[Series] = []
        for code in order[:limit].tolist():
            index = np.flatnonzero(codes == code)
            times = places[index, 0] if self._timed else None
            chosen.append(Series(names[code], times, places[index, 1], values[index], *results[index].T))
        return chosen


def outline(x: Floats, y: Floats, columns: int) -> tuple[Floats, Floats]:
    """Thin a line to the lowest and highest point of each of ``columns`` strips: drawn, it looks the same.

    ``x`` need not be sorted; points stay in their order. A line that is short enough is kept as it is.
    """
    if len(x) <= 2 * columns:
        return x, y
    low, high = float(x.min()), float(x.max())
    strip = np.minimum(((x - low) / max(high - low, 1.0) * columns).astype(np.int64), columns - 1)
    order = np.lexsort((y, strip))
    starts = np.flatnonzero(np.diff(strip[order], prepend=-1))
    ends = np.append(starts[1:], len(order)) - 1
    kept = np.unique(np.concatenate((order[starts], order[ends])))
    return x[kept], y[kept]
