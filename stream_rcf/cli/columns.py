"""The arguments that say which columns of an input are the key, the time and the features."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Mapping
from pathlib import Path

from stream_rcf.core.aggregates import FORMS
from stream_rcf.errors import UsageError
from stream_rcf.files.columns import Wanted
from stream_rcf.settings.catalogue import catalogue_of
from stream_rcf.settings.model import LoadedSettings, Settings
from stream_rcf.settings.sources import DEFAULT_ORIGIN, Gathered, gather


def add_column_arguments(parser: argparse.ArgumentParser) -> None:
    """Add ``--key``, ``--timestamp`` and ``--features``."""
    parser.add_argument(
        "--key", metavar="COL", help='the key\'s column ("key" if there is one, else one series)'
    )
    parser.add_argument("--timestamp", metavar="COL", help='the time\'s column ("timestamp" if there is one)')
    parser.add_argument(
        "--features",
        metavar="A,B",
        help="columns to watch (every numeric one but key, timestamp and label); with events.window_seconds "
        f"aggregates of them: {FORMS}",
    )


def wanted_columns(arguments: argparse.Namespace, loaded: LoadedSettings) -> Wanted:
    """Return the columns asked for: by option, else by a setting that somebody set, else none."""
    events, origins = loaded.settings.events, loaded.origins

    def is_set(name: str) -> bool:
        return origins[name] != DEFAULT_ORIGIN

    keys = (arguments.key,) if arguments.key else (events.key_paths if is_set("events.key") else ())
    timestamp = arguments.timestamp or (events.timestamp if is_set("events.timestamp") else "")
    features = _names(arguments.features) or (events.features if is_set("events.features") else ())
    return Wanted(keys or None, timestamp or None, features or None, events.id, events.windows is not None)


def with_features(
    arguments: argparse.Namespace, config: Path | None, overrides: Mapping[str, str]
) -> dict[str, str]:
    """Return the overrides and, where any source sets windows, ``--features`` among them: they are no columns then.

    Raises ``UsageError`` for an empty or repeated name.
    """
    features = _names(arguments.features)
    gathered = gather(catalogue_of(Settings), config, os.environ, overrides) if features else Gathered()
    if gathered.values.get("events.window_seconds") is None:
        return dict(overrides)
    return {**overrides, "events.features": json.dumps(features)}


def _names(text: str | None) -> tuple[str, ...]:
    """Split a list of columns. Raises ``UsageError`` for an empty or repeated name."""
    if text is None:
        return ()
    names = tuple(name.strip() for name in text.split(","))
    if not all(names) or len(set(names)) < len(names):
        raise UsageError(f"--features takes different column names separated by commas, not {text!r}")
    return names
