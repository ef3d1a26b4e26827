"""``stream-rcf backtest``: what these settings would have alerted on, side by side for two settings."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from operator import attrgetter
from pathlib import Path

import orjson

from stream_rcf.cli.arguments import add_settings_arguments, overrides_of, parse_overrides
from stream_rcf.cli.columns import add_column_arguments, wanted_columns, with_features
from stream_rcf.cli.inputs import TOPIC_PREFIX, add_events_argument, columns_of, open_source
from stream_rcf.core.aggregates import IS_ZERO_WHEN_EMPTY, aggregates_of
from stream_rcf.errors import UsageError
from stream_rcf.files.columns import Columns, require_columns
from stream_rcf.files.inputs import STANDARD_INPUT, Input
from stream_rcf.files.picture import require_matplotlib
from stream_rcf.files.picture_files import draw_pictures, picture_path
from stream_rcf.files.rows import Row, RowDecoder
from stream_rcf.files.score_files import parameters_over, series_name
from stream_rcf.files.windowed_rows import WindowsAlone
from stream_rcf.settings.derived import detector_parameters
from stream_rcf.settings.model import LoadedSettings, load_with_origins
from stream_rcf.tuning.backtest import Backtest, Side
from stream_rcf.tuning.backtest_report import report_object, report_text


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "inputs",
        nargs="+",
        metavar="INPUT",
        help=f"CSV, JSON lines or Parquet; - for standard input; else a Kafka topic ({TOPIC_PREFIX}NAME for certain)",
    )
    add_column_arguments(parser)
    add_events_argument(parser)
    parser.add_argument(
        "--labels", metavar="COL", help="a column of 0 and 1 (in every row): which events are anomalies"
    )
    add_settings_arguments(parser)
    parser.add_argument(
        "--against",
        type=Path,
        metavar="FILE",
        help="other settings to compare with, B; those of --config are A",
    )
    parser.add_argument(
        "--against-set",
        action="append",
        default=[],
        metavar="SECTION.NAME=VALUE",
        help="a setting of B over its file; without --against B is A with these; may be repeated",
    )
    parser.add_argument("--json", metavar="FILE", help="write the whole result as JSON")
    parser.add_argument("--plot", metavar="FILE|DIR", help="pictures, PNG or SVG; B's are named -b")


def run(arguments: argparse.Namespace) -> int:
    """Score the inputs by one or two settings and print what each would have alerted on."""
    sources: list[str] = arguments.inputs
    if sources.count(STANDARD_INPUT) > 1:
        raise UsageError("standard input (-) can be read only once")
    loaded = _load(arguments)
    _require_same_reading(loaded)
    picture = None
    if arguments.plot is not None:
        require_matplotlib()
        picture = picture_path(arguments.plot, [source.removeprefix(TOPIC_PREFIX) for source in sources])
    with ExitStack() as stack:
        opened = stack.enter_context(open_source(sources[0], loaded[0].settings, arguments.events))
        columns, each = _columns(opened, arguments, loaded)
        _report(f"{opened.name}: {columns}")
        sides = [
            _side("AB"[place], one, features)
            for place, (one, features) in enumerate(zip(loaded, each, strict=True))
        ]
        backtest = Backtest(sides, columns, arguments.labels, picture is not None)
        decoder = RowDecoder(
            columns,
            loaded[0].settings.events.max_bytes,
            series_name(sources[0]),
            loaded[0].settings.events.fills_missing,
        )
        windows = None
        if columns.is_windowed:
            parameters = replace(detector_parameters(loaded[0].settings), forecast=None)
            windows = WindowsAlone(parameters_over(parameters, columns.features))
        backtest.feed(_records(opened.rows(columns, decoder), windows))
        for source in sources[1:]:
            with open_source(source, loaded[0].settings, arguments.events) as other:
                require_columns(columns, other.fields())
                backtest.feed(_records(other.rows(columns, decoder), windows))
    if not backtest.finish().keys:
        errors = ", ".join(f"{error} {count}" for error, count in sorted(backtest.rejected.items()))
        raise UsageError(f"{opened.name}: no row can be read as an event ({errors or 'it has none'})")
    print(report_text(backtest), end="")
    if arguments.json is not None:
        _write_json(backtest, arguments.json)
    if picture is not None:
        _draw(backtest, opened.name, picture)
    return 0


def _load(arguments: argparse.Namespace) -> list[LoadedSettings]:
    """Return the settings A, and B where one is asked for."""
    own = overrides_of(arguments)
    found = [_load_one(arguments, arguments.config, own)]
    others = parse_overrides("--against-set", arguments.against_set)
    if arguments.against is not None:
        found.append(_load_one(arguments, arguments.against, others))
    elif others:
        found.append(_load_one(arguments, arguments.config, {**own, **others}))
    return found


def _load_one(
    arguments: argparse.Namespace, config: Path | None, overrides: Mapping[str, str]
) -> LoadedSettings:
    return load_with_origins(config, with_features(arguments, config, overrides), os.environ)


def _require_same_reading(loaded: list[LoadedSettings]) -> None:
    """Raise ``UsageError`` where two settings read keys or times differently: then there is nothing to compare.

    Over windows both must have the same windows, and records for the same of those that are empty.
    """
    first = loaded[0].settings
    for other in (one.settings for one in loaded[1:]):
        names = [f"events.{name}" for name in ("key", "timestamp", "id", "format", "window_seconds")]
        if first.events.windows is not None and other.events.windows is not None:
            names += ["events.empty_windows", "events.allowed_lateness_seconds", "keys.retire_after_seconds"]
            if _has_zero(first.events.features) != _has_zero(other.events.features):
                raise UsageError("of events.features a count or a sum must be in A and in B, or in neither")
        for name in names:
            own, others = attrgetter(name)(first), attrgetter(name)(other)
            if own != others:
                raise UsageError(
                    f"{name} is {own!r} in A and {others!r} in B, "
                    "but both must read the same events; only events.features may differ"
                )


def _has_zero(features: tuple[str, ...]) -> bool:
    """Tell whether a window without events is a record."""
    return any(one.aggregation in IS_ZERO_WHEN_EMPTY for one in aggregates_of(features))


def _records(rows: Iterator[Row], windows: WindowsAlone | None) -> Iterator[Row]:
    """Return what is scored: the rows, or their windows."""
    return rows if windows is None else windows.rows(rows)


def _columns(
    opened: Input, arguments: argparse.Namespace, loaded: list[LoadedSettings]
) -> tuple[Columns, list[tuple[str, ...]]]:
    """Return all columns to read, the label last, and the features of each settings."""
    label = arguments.labels
    chosen = [columns_of(opened, wanted_columns(arguments, one)) for one in loaded]
    each = []
    for one, columns in zip(loaded, chosen, strict=True):
        is_explicit = wanted_columns(arguments, one).features is not None
        if is_explicit and label in columns.paths:
            raise UsageError(f"{label} is both a feature and the label, which the detector must not see")
        features = tuple(name for name in columns.features if name != label)
        if not features:
            raise UsageError(f"{opened.name}: no numeric column to watch beside the label {label}")
        each.append(features)
    union = tuple(dict.fromkeys(name for features in each for name in features))
    columns = replace(chosen[0], features=union)
    if label is not None:
        if label in (*columns.keys, columns.timestamp):
            raise UsageError(f"{label} is the key or the time, and cannot be the label")
        # A window is an anomaly where one of its events is.
        columns = replace(columns, features=(*union, f"max({label})" if columns.is_windowed else label))
        require_columns(columns, opened.fields())
    return columns, each


def _side(name: str, loaded: LoadedSettings, features: tuple[str, ...]) -> Side:
    # Forecasts take long and alert on nothing.
    parameters = replace(detector_parameters(loaded.settings), forecast=None)
    detector = loaded.settings.detector
    budget = detector.alert_budget if detector.decision == "budget" else None
    return Side(name, parameters_over(parameters, features), budget)


def _write_json(backtest: Backtest, path: str) -> None:
    try:
        Path(path).write_bytes(orjson.dumps(report_object(backtest), option=orjson.OPT_INDENT_2) + b"\n")
    except OSError as error:
        raise UsageError(f"{path}: cannot be written: {error.strerror}") from error


def _draw(backtest: Backtest, source: str, path: Path) -> None:
    written: list[Path] = []
    for side, series in zip(backtest.sides, backtest.series, strict=True):
        target = path if side.name == "A" else path.with_stem(f"{path.stem}-{side.name.lower()}")
        title = source if len(backtest.sides) == 1 else f"{source}, settings {side.name}"
        written += draw_pictures(series, side.parameters, title, target)
    _report("pictures: " + (", ".join(map(str, written)) or "none, as no row could be scored"))


def _report(sentence: str) -> None:
    print(sentence, file=sys.stderr)
