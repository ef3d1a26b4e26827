"""Rows, files and detectors that the tests of files share."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from stream_rcf.core.parameters import DetectorParameters, ForestParameters, LikelihoodParameters
from stream_rcf.files.columns import Columns, Wanted
from stream_rcf.files.rows import Row, RowDecoder
from stream_rcf.files.score_files import Scoring
from stream_rcf.pipeline.event_errors import EventError
from stream_rcf.pipeline.events import Event, Rejection
from stream_rcf.pipeline.score_batch import ScoredBatch

SERIES = "a-file"  # the key of rows without one
MAX_BYTES = 1000
NAB = Path(__file__).resolve().parents[2] / ".." / "shared" / "nab" / "data"
SMALL_FOREST = ForestParameters(trees=5, sample_size=16, shingle_size=2)
BY_THRESHOLD = LikelihoodParameters(alert_budget=0.0)  # so that a few events are enough for anomalies


def nab_file(name: str) -> Path:
    """Return a file of the NAB corpus, and say where it should be if it is not there."""
    path = NAB / name
    assert path.is_file(), f"the NAB data is missing: it should lie beside the repository, at {path}"
    return path


def decoder_of(columns: Columns) -> RowDecoder:
    return RowDecoder(columns, MAX_BYTES, SERIES)


def scoring(wanted: Wanted | None = None, said: list[str] | None = None) -> Scoring:
    report = [].append if said is None else said.append
    return Scoring(
        wanted or Wanted(),
        DetectorParameters(forest=SMALL_FOREST, likelihood=BY_THRESHOLD),
        MAX_BYTES,
        report,
    )


def error_of(row: Row) -> str:
    assert isinstance(row.outcome, Rejection)
    assert row.outcome.error in set(EventError)
    return row.outcome.error


def event_of(row: Row) -> Event:
    assert isinstance(row.outcome, Event)
    return row.outcome


def good_row(key: str, timestamp: int | None, *values: float) -> Row:
    return Row(Event(key, timestamp or 0, values), key, timestamp)


def bad_row(key: str = "", timestamp: int | None = None) -> Row:
    return Row(Rejection(EventError.INVALID_JSON, "it is broken, badly"), key, timestamp)


def results(grades: Sequence[float], scores: Sequence[float] | None = None) -> ScoredBatch:
    """Return results of a batch with these grades and scores."""
    count = len(grades)
    shown = [1.0 + grade for grade in grades] if scores is None else list(scores)
    return ScoredBatch(
        shown,
        [1.25] * count,
        list(grades),
        [0.5] * count,
        [0.25] * count,
        [0] * count,
        [1] * count,
        [0] * count,
        [0] * count,
        [0] * count,
        [],
        {},
    )


def cells(text: str) -> list[list[str]]:
    """Return the rows of an output without its header."""
    return list(csv.reader(io.StringIO(text)))[1:]
