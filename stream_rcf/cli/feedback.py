"""``stream-rcf feedback``: says of an alert that it was none, or of a key that an alert was missed."""

from __future__ import annotations

import argparse

import orjson

from stream_rcf.cli.arguments import add_settings_arguments, overrides_of
from stream_rcf.errors import UsageError
from stream_rcf.pipeline.events import Rejection
from stream_rcf.pipeline.notices import DIRECTIONS, read_control, read_feedback
from stream_rcf.settings.model import Settings, load_settings

MAX_NOTE_CHARACTERS = 1000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "alert_id", nargs="?", metavar="ALERT_ID", help="of the alert that was none, such as metrics:3:5951"
    )
    parser.add_argument("verdict", nargs="?", choices=["not-an-anomaly"], help="what it was")
    parser.add_argument("--note", default="", metavar="TEXT", help="why, for whoever reads the topic")
    others = parser.add_mutually_exclusive_group()
    others.add_argument(
        "--missed", action="store_true", help="there should have been an alert: of --key, at --timestamp"
    )
    others.add_argument("--forget", action="store_true", help="let all that was said of --key count no more")
    parser.add_argument("--key", help="whose events, for --missed and --forget")
    parser.add_argument("--timestamp", help="when it was missed: the same one counts once")
    parser.add_argument("--features", help="which were missed, by commas; all when left away", metavar="A,B")
    parser.add_argument(
        "--direction", choices=sorted(DIRECTIONS), help="of what was expected; both when left away"
    )
    add_settings_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Send one message. Raises ``UsageError`` where it would say nothing, or no topic is named for it."""
    settings = load_settings(arguments.config, overrides_of(arguments))
    is_about_key = arguments.missed or arguments.forget
    if is_about_key is (arguments.alert_id is not None):
        raise UsageError("name an alert and not-an-anomaly, or --missed or --forget with --key")
    if arguments.forget:
        return _forget(arguments, settings)
    topic = settings.kafka.feedback_topic
    if not topic:
        raise UsageError("kafka.feedback_topic is empty: name the topic that the service reads feedback from")
    document = _missed(arguments) if arguments.missed else _not_an_anomaly(arguments, settings)
    if arguments.note:
        document["note"] = arguments.note[:MAX_NOTE_CHARACTERS]
    told = read_feedback(orjson.dumps(document), settings.events.features)
    if isinstance(told, Rejection):
        raise UsageError(told.reason)
    from stream_rcf.kafka.notices import send_notice

    send_notice(settings, topic, str(document["key"]), document)
    print(f"told {topic}: {document['verdict']}, key {document['key']}")
    return 0


def _missed(arguments: argparse.Namespace) -> dict[str, object]:
    if arguments.key is None:
        raise UsageError("--missed needs --key: whose events")
    document: dict[str, object] = {"verdict": "missed", "key": arguments.key}
    if arguments.timestamp is not None:
        document["timestamp"] = arguments.timestamp
    if arguments.features is not None:
        document["features"] = arguments.features.split(",")
    if arguments.direction is not None:
        document["direction"] = arguments.direction
    return document


def _not_an_anomaly(arguments: argparse.Namespace, settings: Settings) -> dict[str, object]:
    if arguments.verdict is None:
        raise UsageError("say what the alert was: not-an-anomaly")
    if any(
        value is not None
        for value in (arguments.key, arguments.timestamp, arguments.features, arguments.direction)
    ):
        raise UsageError("an alert says its key, time, features and direction itself: leave them away")
    from stream_rcf.kafka.alert_search import find_alert
    from stream_rcf.pipeline.alert_feedback import feedback_of_alert

    alert = find_alert(settings, arguments.alert_id)
    document = feedback_of_alert(alert.record, alert.key, settings.events.features)
    if document is None:
        raise UsageError(f"{arguments.alert_id} is no alert, but the end of an incident, or a digest")
    return document


def _forget(arguments: argparse.Namespace, settings: Settings) -> int:
    if arguments.key is None:
        raise UsageError("--forget needs --key: whose feedback")
    topic = settings.kafka.control_topic
    if not topic:
        raise UsageError(
            "kafka.control_topic is empty: name the topic that the service reads such messages from"
        )
    document = {"forget_feedback": {"key": arguments.key}}
    told = read_control(orjson.dumps(document), settings.events.features)
    if isinstance(told, Rejection):
        raise UsageError(told.reason)
    from stream_rcf.kafka.notices import send_notice

    send_notice(settings, topic, arguments.key, document)
    print(f"told {topic}: forget the feedback on key {arguments.key}")
    return 0
