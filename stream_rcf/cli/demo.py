"""``stream-rcf demo``: the whole product on an embedded broker, with made-up events."""

from __future__ import annotations

import argparse
from dataclasses import asdict

import orjson

from stream_rcf.demo.arguments import require_range
from stream_rcf.errors import StreamRcfError

MOST_KEYS = 10_000  # of one process that also runs broker, generator and reader
MOST_RATE = 100_000.0  # events/s; what is beyond the machine waits
MOST_SECONDS = 7 * 24 * 3600.0  # a demo of a week: more is a typing error


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``stream-rcf demo``."""
    parser.add_argument("--seconds", type=float, metavar="N", help="end after this (until Ctrl-C without it)")
    parser.add_argument("--keys", type=int, default=20, metavar="M", help="hosts to make up (20)")
    parser.add_argument("--rate", type=float, default=400.0, metavar="R", help="events per second (400)")


def run(arguments: argparse.Namespace) -> int:
    """Run the demo; the last line on standard output is the count of the topics as one JSON object."""
    require_range("--keys", arguments.keys, 1, MOST_KEYS)
    require_range("--rate", arguments.rate, 1, MOST_RATE)
    if arguments.seconds is not None:
        require_range("--seconds", arguments.seconds, 1, MOST_SECONDS)
    from stream_rcf.demo.run import DemoOptions, run_demo
    from stream_rcf.service.signals import StopFlag

    stop = StopFlag()
    stop.listen()
    report = run_demo(DemoOptions(arguments.seconds, arguments.keys, arguments.rate), stop)
    print(orjson.dumps(asdict(report)).decode(), flush=True)
    if not report.is_complete:
        raise StreamRcfError("not every event of the demo has a score or a dead letter, which is a defect")
    return 0
