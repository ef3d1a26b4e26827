"""``stream-rcf score``: the detector of the service over files, without a broker."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from stream_rcf.cli.arguments import add_settings_arguments, overrides_of
from stream_rcf.cli.columns import add_column_arguments, wanted_columns, with_features
from stream_rcf.errors import UsageError
from stream_rcf.files.inputs import STANDARD_INPUT
from stream_rcf.files.picture import require_matplotlib
from stream_rcf.files.picture_files import draw_pictures, picture_path
from stream_rcf.files.save_state import StateTarget
from stream_rcf.files.score_files import STANDARD_OUTPUT, Scoring, score_stream
from stream_rcf.files.series import SeriesCollector
from stream_rcf.settings.derived import detector_parameters
from stream_rcf.settings.model import Settings, load_with_origins
from stream_rcf.settings.rule_sets import rule_set
from stream_rcf.state.backfill_store import open_backfills
from stream_rcf.state.key_memory import KeyMemory


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "inputs", nargs="+", metavar="INPUT", help="CSV, JSON lines or Parquet; - for standard input"
    )
    add_column_arguments(parser)
    output = parser.add_mutually_exclusive_group()
    output.add_argument(
        "--out",
        default=STANDARD_OUTPUT,
        metavar="FILE",
        help="one CSV of scores for all inputs as a single stream",
    )
    output.add_argument(
        "--out-dir", type=Path, metavar="DIR", help="a CSV of its own for each input, scored afresh"
    )
    parser.add_argument("--plot", metavar="FILE|DIR", help="a picture of each series, PNG or SVG")
    parser.add_argument(
        "--save-state",
        metavar="URL",
        help="keep the models of all keys as they are after the last row, for the service to go on from "
        "(checkpoint.backfill_url): file:<path>, s3://, gs:// or az://<bucket>/<prefix>",
    )
    parser.add_argument(
        "--replace-state",
        action="store_true",
        help="replace a state that was saved at that URL before; a service that goes on from it stops",
    )
    add_settings_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Score the inputs. Bad rows are written with their reason and counted; they are no failure."""
    sources: list[str] = arguments.inputs
    if sources.count(STANDARD_INPUT) > 1:
        raise UsageError("standard input (-) can be read only once")
    overrides = with_features(arguments, arguments.config, overrides_of(arguments))
    loaded = load_with_origins(arguments.config, overrides, os.environ)
    scoring = Scoring(
        wanted_columns(arguments, loaded),
        detector_parameters(loaded.settings),
        loaded.settings.events.max_bytes,
        _report,
        partial(_memory, loaded.settings),
        partial(rule_set, loaded.settings),
    )
    state = _state(arguments.save_state, arguments.replace_state, arguments.out_dir)
    if arguments.plot is not None:
        require_matplotlib()
    for streams, output in _jobs(sources, arguments.out, arguments.out_dir, arguments.plot):
        collected = SeriesCollector() if arguments.plot is not None else None
        picture = picture_path(arguments.plot, streams) if arguments.plot is not None else None
        columns = score_stream(scoring, streams, output, collected, state)
        if collected is not None and picture is not None:
            written = draw_pictures(collected, scoring.parameters_for(columns), _title(streams), picture)
            _report("pictures: " + (", ".join(map(str, written)) or "none, as no row could be scored"))
    return 0


def _memory(settings: Settings) -> KeyMemory:
    folder = settings.keys.spill_folder
    return KeyMemory(settings.keys.memory_limit_bytes, Path(folder) if folder else None)


def _state(url: str | None, replace: bool, folder: Path | None) -> StateTarget | None:
    """Where models are saved. Raises ``UsageError`` for a wrong URL, and where there is more than one stream."""
    if url is None:
        if replace:
            raise UsageError("--replace-state replaces what --save-state names, which is not given")
        return None
    if folder is not None:
        raise UsageError(
            "--save-state keeps the models of one stream, and --out-dir scores each input as its own; use --out"
        )
    return StateTarget(open_backfills(url, "--save-state"), url, replace)


def _jobs(
    sources: Sequence[str], output: str, folder: Path | None, plot: str | None
) -> list[tuple[list[str], str]]:
    """Return the streams to score, each with its output. Raises ``UsageError`` where two share a name."""
    if folder is None:
        return [(list(sources), output)]
    if STANDARD_INPUT in sources:
        raise UsageError(
            "--out-dir names its files after the inputs, and standard input has no name; use --out"
        )
    stems: dict[str, str] = {}
    for source in sources:
        stem = Path(source).stem
        if stem in stems:
            raise UsageError(f"{stems[stem]} and {source} would both be written to {folder / stem}.csv")
        stems[stem] = source
    if plot is not None and len(sources) > 1 and Path(plot).suffix and not Path(plot).is_dir():
        raise UsageError(f"--plot {plot} is one picture, but there are {len(sources)} inputs; name a folder")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{folder}: the folder cannot be made: {error.strerror}") from error
    return [([source], str(folder / f"{stem}.csv")) for stem, source in stems.items()]


def _title(sources: Sequence[str]) -> str:
    first = "standard input" if sources[0] == STANDARD_INPUT else Path(sources[0]).name
    return first if len(sources) == 1 else f"{first} and {len(sources) - 1} more"


def _report(sentence: str) -> None:
    print(sentence, file=sys.stderr)
