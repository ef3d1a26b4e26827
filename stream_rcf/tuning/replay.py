"""A sample scored by proposed settings: what would have been flagged of it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace

from stream_rcf.core.parameters import DetectorParameters
from stream_rcf.files.rows import NO_TIME, Row
from stream_rcf.files.score_files import BATCH_ROWS
from stream_rcf.files.series import SeriesCollector
from stream_rcf.pipeline.events import Event
from stream_rcf.pipeline.score_batch import score_batch
from stream_rcf.state.key_table import KeyTable
from stream_rcf.tuning.sample import KeySample, Sample
from stream_rcf.tuning.words import WEEK, count_of, figure

# Numbers in all points, about: scoring them takes half a minute at most. Keys beyond it are left out, but the first.
MOST_VALUES = 12_000_000
LEAST_DIMENSIONS = 50  # that a point counts as: a narrow one takes time too


@dataclass(frozen=True)
class Replayed:
    """The scored sample."""

    series: SeriesCollector
    alerts: int
    keys: int
    key_weeks: float  # of event time, of all kept keys; 0 where rows have no time

    def __str__(self) -> str:
        said = f"these settings would have raised {count_of(self.alerts, 'alert')} in {count_of(self.keys, 'key')}"
        if self.key_weeks <= 0:
            return said
        return f"{said} of the sample, {figure(self.alerts / self.key_weeks)} per key and week"


def replay(sample: Sample, parameters: DetectorParameters) -> Replayed:
    """Score the kept events, each key from nothing, as ``stream-rcf score`` would: of long samples some of the keys."""
    parameters = replace(parameters, forecast=None)  # forecasts take long, and change no score
    table = KeyTable(parameters)
    series = SeriesCollector()
    alerts, milliseconds = 0, 0
    keys = _some_of(sample, parameters.forest.point_dimensions)
    for key in keys:
        rows = _rows(key)
        while batch := list(itertools.islice(rows, BATCH_ROWS)):
            events = [row.outcome for row in batch if isinstance(row.outcome, Event)]
            scored = score_batch(parameters, events, [table] * len(events))
            series.add(batch, scored)
            alerts += sum(grade > 0 for grade in scored.grade)
        if key.times is not None:
            milliseconds += int(key.times.max() - key.times.min())
    return Replayed(series, alerts, len(keys), milliseconds / WEEK)


def _some_of(sample: Sample, dimensions: int) -> list[KeySample]:
    """Return as many keys as can be scored in bounded time, those with the most events first."""
    values = itertools.accumulate(len(key.values) * max(dimensions, LEAST_DIMENSIONS) for key in sample.keys)
    return [
        key
        for place, (key, total) in enumerate(zip(sample.keys, values, strict=True))
        if not place or total <= MOST_VALUES
    ]


def _rows(key: KeySample) -> Iterator[Row]:
    times = itertools.repeat(NO_TIME) if key.times is None else iter(key.times.tolist())
    for time, values in zip(times, key.values.tolist()):  # noqa: B905  # the times may be endless
        yield Row(Event(key.key, time, tuple(values)), key.key, None if key.times is None else time)
