"""``stream-rcf run``: the service, in one process or in several."""

from __future__ import annotations

import argparse

from stream_rcf.cli.arguments import add_settings_arguments, overrides_of
from stream_rcf.settings.model import load_settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``stream-rcf run``."""
    add_settings_arguments(parser)
    parser.add_argument(
        "--workers", type=int, metavar="N", help="processes on this machine (the setting workers)"
    )
    # Internal: this process is a worker, and its supervisor sends the settings over a socket.
    parser.add_argument("--supervised", help=argparse.SUPPRESS)


def run(arguments: argparse.Namespace) -> int:
    """Run the service until SIGTERM or SIGINT."""
    if arguments.supervised is not None:
        from stream_rcf.service.supervisor_worker import run_as_worker

        return run_as_worker(arguments.supervised)
    overrides = overrides_of(arguments)
    if arguments.workers is not None:
        overrides["workers"] = str(arguments.workers)
    settings = load_settings(arguments.config, overrides)
    from stream_rcf.observe.logs import configure_logging

    configure_logging(settings.logging.level, settings.logging.format)
    if settings.workers > 1:
        from stream_rcf.service.supervisor_start import supervise

        return supervise(settings)
    from stream_rcf.service.run import run_service
    from stream_rcf.service.signals import StopFlag

    stop = StopFlag()
    stop.listen()
    run_service(settings, stop, owns_process=True)
    return 0
