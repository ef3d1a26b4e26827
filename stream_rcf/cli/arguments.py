"""Arguments that several commands share."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from stream_rcf.errors import UsageError


def add_settings_arguments(parser: argparse.ArgumentParser) -> None:
    """Add ``--config`` and ``--set``."""
    parser.add_argument(
        "--config", type=Path, metavar="FILE", help="settings in TOML (or by STREAM_RCF_CONFIG)"
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="SECTION.NAME=VALUE",
        help="a setting over file and environment, such as forest.shingle_size=48; may be repeated",
    )


def overrides_of(arguments: argparse.Namespace) -> dict[str, str]:
    """Return the ``--set`` arguments by dotted name. Raises ``UsageError`` for one without a ``=``."""
    return parse_overrides("--set", arguments.set)


def parse_overrides(option: str, texts: Sequence[str]) -> dict[str, str]:
    """Return the same of another option that takes settings."""
    overrides: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise UsageError(
                f"{option} takes SECTION.NAME=VALUE, such as forest.shingle_size=48, not {text!r}"
            )
        overrides[name.strip()] = value
    return overrides
