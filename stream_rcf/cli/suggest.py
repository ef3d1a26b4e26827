"""``stream-rcf suggest``: settings proposed from a sample of events, each with its reason."""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import replace
from pathlib import Path

from stream_rcf.cli.arguments import add_settings_arguments, overrides_of
from stream_rcf.cli.columns import add_column_arguments, wanted_columns, with_features
from stream_rcf.cli.inputs import TOPIC_PREFIX, add_events_argument, columns_of, open_source, topic_of
from stream_rcf.errors import UsageError
from stream_rcf.files.columns import Columns
from stream_rcf.files.inputs import STANDARD_INPUT
from stream_rcf.files.picture import require_matplotlib
from stream_rcf.files.picture_files import draw_pictures, picture_path
from stream_rcf.files.rows import RowDecoder
from stream_rcf.files.score_files import STANDARD_OUTPUT, parameters_over, series_name
from stream_rcf.files.windowed_rows import WindowsAlone
from stream_rcf.settings.derived import detector_parameters
from stream_rcf.settings.model import LoadedSettings, Settings, load_with_origins
from stream_rcf.settings.sources import COMMAND_LINE, CONFIG_VARIABLE
from stream_rcf.tuning.proposals import Proposal
from stream_rcf.tuning.replay import replay
from stream_rcf.tuning.sample import Sample, sample_of
from stream_rcf.tuning.settings_file import given, settings_toml
from stream_rcf.tuning.suggestion import Suggestion, suggest


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "input",
        metavar="INPUT",
        help=f"CSV, JSON lines or Parquet; - for standard input; else a Kafka topic ({TOPIC_PREFIX}NAME for certain)",
    )
    add_column_arguments(parser)
    add_events_argument(parser)
    parser.add_argument(
        "--out", default=STANDARD_OUTPUT, metavar="FILE.toml", help="the settings file (standard output)"
    )
    parser.add_argument(
        "--plot", metavar="FILE|DIR", help="a picture of what would have been flagged, PNG or SVG"
    )
    add_settings_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Read the sample, propose, and write the settings file. Settings given by --set are kept as they are."""
    overrides = with_features(arguments, arguments.config, overrides_of(arguments))
    loaded = load_with_origins(arguments.config, overrides, os.environ)
    _check_output(arguments.out, arguments.input)
    picture = None
    if arguments.plot is not None:
        require_matplotlib()
        picture = picture_path(arguments.plot, [arguments.input.removeprefix(TOPIC_PREFIX)])
    name, sample, columns = _read(arguments, loaded)
    forest = detector_parameters(loaded.settings).forest
    is_explicit = wanted_columns(arguments, loaded).features is not None
    suggestion = suggest(name, sample, columns, is_explicit, forest, set(overrides))
    _explain(name, suggestion)
    proposals = [
        *suggestion.proposals,
        *_topic_settings(arguments.input, loaded.settings),
    ]
    kept = given(loaded, _own_origins(arguments), [one.name for one in proposals])
    text = settings_toml(f"Proposed by stream-rcf suggest from {name}.", [*proposals, *kept])
    parameters = detector_parameters(_settings_of([*proposals, *kept], loaded))
    replayed = replay(suggestion.sample, parameters)
    _report(f"{name}: {replayed}")
    if picture is not None:
        written = draw_pictures(replayed.series, parameters, name, picture)
        _report("pictures: " + (", ".join(map(str, written)) or "none, as no row could be scored"))
    _write(text, arguments.out)
    return 0


def _read(arguments: argparse.Namespace, loaded: LoadedSettings) -> tuple[str, Sample, Columns]:
    source, settings = arguments.input, loaded.settings
    with open_source(source, settings, arguments.events) as opened:
        columns = columns_of(opened, wanted_columns(arguments, loaded))
        _report(f"{opened.name}: {columns}")
        decoder = RowDecoder(
            columns, settings.events.max_bytes, series_name(source), settings.events.fills_missing
        )
        rows = opened.rows(columns, decoder)
        if columns.is_windowed:
            alone = replace(detector_parameters(settings), forecast=None)
            parameters = parameters_over(alone, columns.features)
            rows = WindowsAlone(parameters).rows(rows)
        return opened.name, sample_of(rows, columns.features), columns


def _explain(name: str, suggestion: Suggestion) -> None:
    for remark in suggestion.remarks:
        _report(f"{name}: {remark}")
    for proposal in suggestion.proposals:
        _report(f"{proposal.name} = {_shown(proposal.value)}: {proposal.reason}")


def _shown(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    return repr(value) if value == "" else str(value)


def _topic_settings(source: str, settings: Settings) -> list[Proposal]:
    topic = topic_of(source)
    if topic is None:
        return []
    return [
        Proposal("kafka.bootstrap_servers", settings.kafka.bootstrap_servers, "where the sample was read."),
        Proposal("kafka.input_topic", topic, "the topic that the sample was read from."),
    ]


def _own_origins(arguments: argparse.Namespace) -> list[str]:
    """Return the sources whose settings the file takes over: --set and the settings file, not the environment."""
    config = arguments.config or os.environ.get(CONFIG_VARIABLE)
    return [COMMAND_LINE, *([f"file {config}"] if config else [])]


def _settings_of(proposals: list[Proposal], loaded: LoadedSettings) -> Settings:
    """Return the settings in force once the proposals are."""
    sections: dict[str, dict[str, object]] = {}
    for proposal in proposals:
        section, _, name = proposal.name.rpartition(".")
        if section:
            sections.setdefault(section, {})[name] = proposal.value
    settings = loaded.settings
    changed = {name: getattr(settings, name).model_copy(update=values) for name, values in sections.items()}
    return settings.model_copy(update=changed)


def _check_output(output: str, source: str) -> None:
    """Refuse to write over the sample, before it is read."""
    path = Path(output)
    if output == STANDARD_OUTPUT:
        return
    if source != STANDARD_INPUT and path.exists() and Path(source).exists() and path.samefile(source):
        raise UsageError(f"{output}: is the input, which the settings would overwrite; choose another output")
    if not path.parent.is_dir():
        raise UsageError(f"{output}: there is no folder {path.parent}")


def _write(text: str, output: str) -> None:
    if output == STANDARD_OUTPUT:
        print(text, end="")
        return
    try:
        Path(output).write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{output}: cannot be written: {error.strerror}") from error
    _report(f"settings: {output}")


def _report(sentence: str) -> None:
    print(sentence, file=sys.stderr)
