"""``stream-rcf check-config``: the effective settings and where each comes from, or every error at once."""

from __future__ import annotations

import argparse
import os

from stream_rcf.cli.arguments import add_settings_arguments, overrides_of
from stream_rcf.settings.model import load_with_origins
from stream_rcf.settings.printing import settings_as_toml


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add_settings_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print the settings as TOML that can be read back; secrets are masked."""
    print(settings_as_toml(load_with_origins(arguments.config, overrides_of(arguments), os.environ)), end="")
    return 0
