"""``stream-rcf``: finds the command, loads it alone, and turns its end into an exit code.

Exit codes: 0 done, 1 failed while running, 2 bad usage or settings, 3 a required outside part is unreachable;
130 when interrupted from the keyboard.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import traceback
from collections.abc import Sequence
from typing import NamedTuple, NoReturn

from stream_rcf import __version__
from stream_rcf.errors import StreamRcfError, UsageError

INTERRUPTED = 130  # what shells report for a program that the keyboard stopped
FAILED = 1


class Command(NamedTuple):
    """A command's module, with ``add_arguments(parser)`` and ``run(arguments) -> int``, and what it does."""

    module: str
    summary: str


# Modules are named, not imported: help must not wait for the compiler or the Kafka client.
COMMANDS = {
    "demo": Command(
        "stream_rcf.cli.demo", "run the whole product on an embedded broker with synthetic events"
    ),
    "run": Command(
        "stream_rcf.cli.run", "run the service: score a topic's events, publish scores and alerts"
    ),
    "score": Command("stream_rcf.cli.score", "score files with the same detector, without a broker"),
    "suggest": Command(
        "stream_rcf.cli.suggest", "propose settings from a sample: a file, or the newest events of a topic"
    ),
    "backtest": Command(
        "stream_rcf.cli.backtest", "say what settings would have alerted on, side by side for two settings"
    ),
    "feedback": Command(
        "stream_rcf.cli.feedback", "tell the service that an alert was none, or that one was missed"
    ),
    "maintenance": Command(
        "stream_rcf.cli.maintenance", "announce that alerts of some keys mean nothing for a while"
    ),
    "topics": Command("stream_rcf.cli.topics", "create the topics that the settings name"),
    "check-config": Command(
        "stream_rcf.cli.check_config", "print the effective settings, or every error in them"
    ),
    "plan": Command(
        "stream_rcf.cli.plan", "say what memory, disk and time a number of keys needs with these settings"
    ),
    "checkpoint": Command("stream_rcf.cli.checkpoint", "look into checkpoints"),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; ``arguments`` are the process's own by default."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in given
    try:
        parsed = _parser(_command_of(given)).parse_args(given)
        return int(parsed.run(parsed))
    except StreamRcfError as error:
        if debug:
            traceback.print_exc()
        print(f"stream-rcf: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        return _output_closed()
    except Exception as error:  # noqa: BLE001  # the last resort: a sentence instead of a page of frames
        if debug:
            traceback.print_exc()
        print(
            f"stream-rcf: an unexpected error, which is a defect: {type(error).__name__}: {error}\n"
            "Please report it with the output of the same command with --debug.",
            file=sys.stderr,
        )
        return FAILED


class _Parser(argparse.ArgumentParser):
    """An argument parser whose errors are ours, so that they end like all others."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}\n{self.format_usage().rstrip()}")


def _parser(command: str | None) -> argparse.ArgumentParser:
    """Return a parser of all commands, of which only ``command`` knows its arguments."""
    parser = _Parser(prog="stream-rcf", description="The streaming anomaly detector for Kafka.")
    parser.add_argument("--version", action="version", version=f"stream-rcf {__version__}")
    parser.add_argument("--debug", action="store_true", help="show where an error came from")
    commands = parser.add_subparsers(metavar="COMMAND", required=True, parser_class=_Parser)
    for name, (module_name, summary) in COMMANDS.items():
        subparser = commands.add_parser(
            name, help=summary, description=summary[0].upper() + summary[1:] + "."
        )
        if name == command:
            module = importlib.import_module(module_name)
            subparser.add_argument("--debug", action="store_true", help=argparse.SUPPRESS)
            subparser.set_defaults(run=module.run)
            module.add_arguments(subparser)
    return parser


def _command_of(arguments: Sequence[str]) -> str | None:
    return next((argument for argument in arguments if not argument.startswith("-")), None)


def _output_closed() -> int:
    """End quietly where the reader of our output has had enough, as in ``stream-rcf score - | head``."""
    # Python flushes standard output at exit; without this that would fail once more, with a traceback.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0
