"""``stream-rcf maintenance``: announces that alerts of some keys mean nothing for a while, or that they do again."""

from __future__ import annotations

import argparse
import re
import secrets
import time
from datetime import UTC, datetime, timedelta

import orjson

from stream_rcf.cli.arguments import add_settings_arguments, overrides_of
from stream_rcf.errors import UsageError
from stream_rcf.pipeline.events import Rejection
from stream_rcf.pipeline.notices import Maintenance, read_control
from stream_rcf.pipeline.timestamps import TimestampError, epoch_milliseconds
from stream_rcf.settings.model import load_settings
from stream_rcf.time_zones import MILLISECONDS_PER_SECOND

DURATION = re.compile(r"([0-9]{1,6})([smhd])")
UNIT_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "--keys",
        action="append",
        metavar="PATTERN",
        help="whose: * is any text, ? one character; may be repeated",
    )
    parser.add_argument("--features", metavar="A,B", help="which, by commas; all when left away")
    parser.add_argument(
        "--from",
        dest="begin",
        metavar="TIME",
        help="ISO 8601 or epoch, by the events' time; now when left away",
    )
    ends = parser.add_mutually_exclusive_group()
    ends.add_argument("--until", metavar="TIME", help="to before this time")
    ends.add_argument("--for", dest="duration", metavar="DURATION", help="so long: 90s, 30m, 2h, 1d")
    parser.add_argument("--id", help="its name, which alerts that are held back say; made up when left away")
    parser.add_argument("--cancel", metavar="ID", help="end the maintenance of this name")
    add_settings_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Send one message and print its id. Raises ``UsageError`` where it would say nothing, or no topic is named."""
    settings = load_settings(arguments.config, overrides_of(arguments))
    topic = settings.kafka.control_topic
    if not topic:
        raise UsageError(
            "kafka.control_topic is empty: name the topic that the service reads maintenance from"
        )
    document = _cancel(arguments) if arguments.cancel is not None else _maintenance(arguments)
    told = read_control(orjson.dumps(document), settings.events.features)
    if isinstance(told, Rejection):
        raise UsageError(told.reason)
    from stream_rcf.kafka.notices import send_notice

    send_notice(settings, topic, None, document)
    if isinstance(told, Maintenance):
        begin, end = (_iso(moment) for moment in (told.begin, told.end))
        print(f"told {topic}: maintenance {told.name} of {', '.join(told.keys)} from {begin} until {end}")
    else:
        print(f"told {topic}: maintenance {arguments.cancel} is off")
    return 0


def _cancel(arguments: argparse.Namespace) -> dict[str, object]:
    given = (
        arguments.keys,
        arguments.features,
        arguments.begin,
        arguments.until,
        arguments.duration,
        arguments.id,
    )
    if any(value is not None for value in given):
        raise UsageError("--cancel takes the name alone")
    return {"cancel": arguments.cancel}


def _maintenance(arguments: argparse.Namespace) -> dict[str, object]:
    if not arguments.keys:
        raise UsageError("name the keys by --keys, such as --keys 'host-*', or a maintenance by --cancel")
    begin = (
        int(time.time() * MILLISECONDS_PER_SECOND)
        if arguments.begin is None
        else _time("--from", arguments.begin)
    )
    if arguments.duration is not None:
        end = begin + _milliseconds(arguments.duration)
    elif arguments.until is not None:
        end = _time("--until", arguments.until)
    else:
        raise UsageError("say how long it takes, by --until or --for")
    name = secrets.token_hex(4) if arguments.id is None else arguments.id
    document: dict[str, object] = {
        "id": name,
        "keys": arguments.keys,
        "from": _iso(begin),
        "until": _iso(end),
    }
    if arguments.features is not None:
        document["features"] = arguments.features.split(",")
    return {"maintenance": document}


def _time(option: str, text: str) -> int:
    try:
        return epoch_milliseconds(text)
    except TimestampError as failure:
        raise UsageError(f"{option} {text}: the time {failure}") from None


def _milliseconds(text: str) -> int:
    match = DURATION.fullmatch(text)
    if match is None:
        raise UsageError(f"--for takes a number and s, m, h or d, such as 2h, not {text}")
    return int(match[1]) * UNIT_SECONDS[match[2]] * MILLISECONDS_PER_SECOND


def _iso(milliseconds: int) -> str:
    seconds, rest = divmod(milliseconds, MILLISECONDS_PER_SECOND)
    moment = datetime.fromtimestamp(seconds, UTC) + timedelta(milliseconds=rest)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
