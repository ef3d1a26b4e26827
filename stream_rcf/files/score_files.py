"""From inputs to scores: one pass, in batches, so that a file of any length takes the memory of its keys."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TextIO

from stream_rcf.core.parameters import DetectorParameters
from stream_rcf.errors import UsageError
from stream_rcf.files.columns import Columns, Wanted, choose_columns, require_columns, require_times
from stream_rcf.files.inputs import STANDARD_INPUT, open_input
from stream_rcf.files.rows import Row, RowDecoder
from stream_rcf.files.save_state import StateTarget, save_keys, saved_sentence, saving_state
from stream_rcf.files.score_writer import ScoreWriter
from stream_rcf.files.series import SeriesCollector
from stream_rcf.files.windowed_rows import RowWindows
from stream_rcf.pipeline.events import Event
from stream_rcf.pipeline.rules import RuleSet
from stream_rcf.pipeline.score_batch import score_batch
from stream_rcf.state.batch_keys import largest_batch
from stream_rcf.state.key_memory import KeyMemory
from stream_rcf.state.key_table import KeyTable

# Rows scored by one call: enough that the call costs nothing, few enough to hold as objects.
BATCH_ROWS = 4096
STANDARD_OUTPUT = "-"


@dataclass(frozen=True)
class Scoring:
    """How to score: which columns, and with which detector but for its features.

    ``max_bytes`` bounds a line of JSON. ``report`` takes what is said to the person, one sentence at a time.
    ``new_memory`` makes what bounds the keys in memory of one stream; by default nothing does. ``rules_of``: the rules
    over such features; none by default.
    """

    wanted: Wanted
    parameters: DetectorParameters
    max_bytes: int
    report: Callable[[str], None]
    new_memory: Callable[[], KeyMemory] = field(default=KeyMemory)
    rules_of: Callable[[Sequence[str]], RuleSet | None] = field(default=lambda _features: None)

    def parameters_for(self, columns: Columns) -> DetectorParameters:
        """Return the detector over the columns' features."""
        return parameters_over(self.parameters, columns.features)


def parameters_over(parameters: DetectorParameters, features: tuple[str, ...]) -> DetectorParameters:
    """Return the same detector over other features."""
    forest = replace(parameters.forest, dimensions=len(features))
    return replace(parameters, features=features, forest=forest)


def score_stream(
    scoring: Scoring,
    sources: Sequence[str],
    output: str,
    series: SeriesCollector | None = None,
    state: StateTarget | None = None,
) -> Columns:
    """Score the inputs one after the other as a single stream, write the scores, and return the columns used.

    Each event is scored against what its key had before, in any of the inputs, and then learned; or each window that is
    closed, where events are added up over windows. ``output``
    is a path or ``-``; the models of all keys are saved in ``state``, where there is one. Raises ``UsageError`` for
    what cannot be read or written, ``StoreUnreachableError`` where the models cannot be saved now.
    """
    with ExitStack() as stack:
        first = stack.enter_context(open_input(sources[0], scoring.max_bytes))
        columns = choose_columns(scoring.wanted, first.fields())
        require_times(columns, first.name)
        for source in sources[1:]:
            if source != STANDARD_INPUT:  # which can be read only once
                with open_input(source, scoring.max_bytes) as other:
                    require_columns(columns, other.fields())
        name = first.name if len(sources) == 1 else f"{first.name} and {len(sources) - 1} more"
        scoring.report(f"{name}: {columns}")
        parameters, is_timed = scoring.parameters_for(columns), columns.timestamp is not None
        saving = None
        if state is not None:
            saving = stack.enter_context(saving_state(state, parameters, is_timed=is_timed))
        memory = scoring.new_memory()
        stack.callback(memory.close)
        table = KeyTable(parameters, memory)
        decoder = RowDecoder(
            columns, scoring.max_bytes, series_name(sources[0]), scoring.parameters.arrival.fills_missing
        )
        with _open_output(output, sources) as scores:
            forecast_features = () if parameters.forecast is None else parameters.features
            writer, rules = ScoreWriter(scores, forecast_features), scoring.rules_of(columns.features)
            windows = None if parameters.windows is None else RowWindows(parameters)
            _score_rows(first.rows(columns, decoder), table, windows, rules, writer, series)
            for source in sources[1:]:
                with open_input(source, scoring.max_bytes) as opened:
                    require_columns(columns, opened.fields())
                    _score_rows(opened.rows(columns, decoder), table, windows, rules, writer, series)
        scoring.report(f"{name}: {writer.summary(len(table), windows)}")
        if state is not None and saving is not None:
            scoring.report(saved_sentence(save_keys(table, saving), state.url, is_timed=is_timed))
            if not columns.keys:
                scoring.report(f"the rows are one series, saved as key {series_name(sources[0])!r}")
    return columns


def series_name(source: str) -> str:
    """Return the key of a stream without a key column: its first file's name without the suffix."""
    return "stdin" if source == STANDARD_INPUT else Path(source).stem


def _score_rows(
    rows: Iterator[Row],
    table: KeyTable,
    windows: RowWindows | None,
    rules: RuleSet | None,
    writer: ScoreWriter,
    series: SeriesCollector | None,
) -> None:
    most = largest_batch(table.model, table.memory.limit_bytes, BATCH_ROWS)
    while batch := list(itertools.islice(rows, most)):
        if windows is not None:
            batch = windows.close(batch, table)
        events = [row.outcome for row in batch if isinstance(row.outcome, Event)]
        scored = score_batch(table.parameters, events, [table] * len(events), rules=rules)
        writer.write(batch, scored)
        if series is not None:
            series.add(batch, scored)


@contextmanager
def _open_output(output: str, sources: Sequence[str]) -> Iterator[TextIO]:
    """Open the output as UTF-8. A key may hold bytes that are not; they are written as escapes."""
    if output == STANDARD_OUTPUT:
        # Not sys.stdout: its encoding depends on the locale, and the output's bytes must not.
        stream = open(  # noqa: SIM115  # closed below, apart from the descriptor
            sys.stdout.fileno(), "w", encoding="utf-8", errors="backslashreplace", newline="", closefd=False
        )
    else:
        path = Path(output)
        if any(source != STANDARD_INPUT and path.exists() and path.samefile(source) for source in sources):
            raise UsageError(
                f"{output}: is an input, which the scores would overwrite; choose another output"
            )
        try:
            stream = path.open("w", encoding="utf-8", errors="backslashreplace", newline="")
        except OSError as error:
            raise UsageError(f"{output}: cannot be written: {error.strerror}") from error
    with stream:
        yield stream
