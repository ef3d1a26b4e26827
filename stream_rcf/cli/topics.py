"""``stream-rcf topics create``: the topics that settings name."""

from __future__ import annotations

import argparse

from stream_rcf.cli.arguments import add_settings_arguments, overrides_of
from stream_rcf.settings.model import load_settings

DEFAULT_PARTITIONS = 12  # divides among 2, 3, 4, 6 and 12 copies of the service
DEFAULT_REPLICATION = -1  # the broker's own default


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``stream-rcf topics``."""
    commands = parser.add_subparsers(dest="topics_command", required=True, metavar="COMMAND")
    create = commands.add_parser(
        "create",
        help="create the input and output topics that do not exist yet",
        description="Create the topics that the settings name; existing ones are left as they are.",
    )
    add_settings_arguments(create)
    create.add_argument(
        "--partitions",
        type=int,
        default=DEFAULT_PARTITIONS,
        help=f"of each new topic (default {DEFAULT_PARTITIONS})",
    )
    create.add_argument(
        "--replication",
        type=int,
        default=DEFAULT_REPLICATION,
        help="copies of each partition (default: the broker's)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Create what is missing and print a line for each topic."""
    settings = load_settings(arguments.config, overrides_of(arguments))
    from stream_rcf.kafka.topics import create_topics

    for name, is_new in create_topics(settings, arguments.partitions, arguments.replication):
        print(f"{name}: {'created' if is_new else 'was there already'}")
    return 0
