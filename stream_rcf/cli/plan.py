"""``stream-rcf plan``: memory, checkpoint size and speed to expect for a number of keys with these settings."""

from __future__ import annotations

import argparse

import orjson

from stream_rcf.cli.arguments import add_settings_arguments, overrides_of
from stream_rcf.errors import UsageError
from stream_rcf.settings.model import load_settings

MEGABYTE = 2**20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``stream-rcf plan``."""
    add_settings_arguments(parser)
    parser.add_argument("--keys", type=int, required=True, metavar="N", help="keys that will have events")
    parser.add_argument(
        "--features", type=int, metavar="B", help="numbers in an event; as many as events.features by default"
    )
    parser.add_argument(
        "--events-per-key",
        type=int,
        metavar="E",
        help="events that a key will have had; by default so many that it grows no more",
    )
    parser.add_argument(
        "--json", action="store_true", help="print one JSON object, in bytes and events per second"
    )


def run(arguments: argparse.Namespace) -> int:
    """Measure for some seconds and print the plan."""
    overrides = overrides_of(arguments)
    if arguments.keys < 1:
        raise UsageError(f"--keys is {arguments.keys}, but must be at least 1")
    if arguments.events_per_key is not None and arguments.events_per_key < 1:
        raise UsageError(f"--events-per-key is {arguments.events_per_key}, but must be at least 1")
    if arguments.features is not None:
        if arguments.features < 1:
            raise UsageError(f"--features is {arguments.features}, but must be at least 1")
        # Aggregates, in case that events are added up over windows; else they are names like any other.
        names = [f"sum(feature_{number})" for number in range(arguments.features)]
        overrides["events.features"] = orjson.dumps(names).decode()
    settings = load_settings(arguments.config, overrides)
    from stream_rcf.service.plan import FIRST_EVENTS, measure_plan

    plan = measure_plan(settings, arguments.keys, arguments.events_per_key)
    if arguments.json:
        print(orjson.dumps(plan, option=orjson.OPT_INDENT_2).decode())
        return 0
    limit = settings.memory_limit_bytes_per_worker / MEGABYTE
    away = plan.keys - plan.resident_keys
    grown, young = _size(plan.memory_bytes_per_key), _size(plan.young_bytes_per_key)
    or_more = " or more" if arguments.events_per_key is None else ""
    print(
        f"{plan.keys:,} keys, each with {plan.events_per_key:,} events{or_more}, in one worker on this machine:"
    )
    print(
        f"  memory      {_size(plan.memory_bytes)}: {_size(plan.keys_bytes)} of keys ({grown} each, {young} after"
        f" {FIRST_EVENTS} events), {_size(plan.copies_bytes)} of copies for checkpoints,"
        f" {_size(plan.process_bytes)} without keys"
    )
    if away:
        beyond = f"{away:,} keys beyond keys.memory_limit_mb ({limit:,.0f} MB a worker)"
        print(f"  spill       {_size(plan.spill_bytes)} of disk for {beyond}")
    print(f"  checkpoint  {_size(plan.checkpoint_bytes)}, at most twice that between compactions")
    scored = "events" if settings.events.windows is None else "windows"
    print(
        f"  speed       {plan.events_per_second:,.0f} {scored}/s with a processor of its own, keys in random order"
    )
    return 0


def _size(count: float) -> str:
    for unit, size in (("GB", 2**30), ("MB", 2**20), ("kB", 2**10)):
        if count >= size:
            return f"{count / size:,.1f} {unit}"
    return f"{count:.0f} bytes"
