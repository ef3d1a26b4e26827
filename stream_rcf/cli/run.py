"""``stream-rcf run``: the service."""

from __future__ import annotations

import argparse

from stream_rcf.cli.arguments import add_settings_arguments, overrides_of
from stream_rcf.errors import UsageError
from stream_rcf.settings.model import load_settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``stream-rcf run``."""
    add_settings_arguments(parser)
    parser.add_argument(
        "--workers", type=int, metavar="N", help="processes on this machine (the setting workers)"
    )


def run(arguments: argparse.Namespace) -> int:
    """Run the service until SIGTERM or SIGINT."""
    overrides = overrides_of(arguments)
    if arguments.workers is not None:
        overrides["workers"] = str(arguments.workers)
    settings = load_settings(arguments.config, overrides)
    if settings.workers > 1:
        raise UsageError(
            f"workers is {settings.workers}, but this version runs one process: start it {settings.workers} times "
            "with different http.port; the copies share the work as one consumer group"
        )
    from stream_rcf.observe.logs import configure_logging
    from stream_rcf.service.run import run_service
    from stream_rcf.service.signals import StopFlag

    configure_logging(settings.logging.level, settings.logging.format)
    stop = StopFlag()
    stop.listen()
    run_service(settings, stop, owns_process=True)
    return 0
