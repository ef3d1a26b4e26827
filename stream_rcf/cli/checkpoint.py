"""``stream-rcf checkpoint``: looks into checkpoints, and takes them along when a topic has gained partitions."""

from __future__ import annotations

import argparse

from stream_rcf.cli import checkpoint_inspect, checkpoint_repartition

_COMMANDS = {"inspect": checkpoint_inspect, "repartition": checkpoint_repartition}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the commands of ``stream-rcf checkpoint``."""
    commands = parser.add_subparsers(dest="checkpoint_command", required=True, metavar="COMMAND")
    inspect = commands.add_parser(
        "inspect",
        help="what a store holds: partitions, offsets, keys, bytes, age; verifies every checksum",
        description="Read every checkpoint of a store and verify it. Exit 1 if anything is corrupt.",
    )
    checkpoint_inspect.add_arguments(inspect)
    repartition = commands.add_parser(
        "repartition",
        help="after the input topic gained partitions: take each key's model to where its events come now",
        description="Copy the model of each key to the partition that its producer sends it to now that the topic has "
        "more of them. Run it while no copy of the service runs; then start the service again.",
    )
    checkpoint_repartition.add_arguments(repartition)


def run(arguments: argparse.Namespace) -> int:
    """Run the command that was named."""
    return int(_COMMANDS[arguments.checkpoint_command].run(arguments))
