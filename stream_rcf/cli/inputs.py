"""An input by its name: a file, standard input, or a Kafka topic."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stream_rcf.errors import UnreachableError, UsageError
from stream_rcf.files.columns import Columns, Wanted, choose_columns, require_times
from stream_rcf.files.inputs import (
    CSV_SUFFIXES,
    JSON_LINES_SUFFIXES,
    PARQUET_SUFFIXES,
    STANDARD_INPUT,
    Input,
    open_input,
)
from stream_rcf.settings.model import Settings
from stream_rcf.tuning.topic_input import TopicInput

TOPIC_PREFIX = "topic:"  # says for certain that a name is a topic's
DEFAULT_EVENTS = 20_000  # of a topic: some weeks of a few keys, and read within seconds
MOST_EVENTS = 1_000_000  # held in memory
_TOPIC_NAME = re.compile(r"[a-zA-Z0-9._-]{1,249}")  # what Kafka allows


def add_events_argument(parser: argparse.ArgumentParser) -> None:
    """Add ``--events``."""
    parser.add_argument(
        "--events",
        type=int,
        default=DEFAULT_EVENTS,
        metavar="N",
        help=f"newest events to read of a topic (default {DEFAULT_EVENTS:,})",
    )


def topic_of(source: str) -> str | None:
    """Return the topic that a name means: by its prefix, or where there is no such file; None for a file.

    A name with a folder or with a file's suffix is a file's.
    """
    if source.startswith(TOPIC_PREFIX):
        return source.removeprefix(TOPIC_PREFIX)
    is_like_a_file = Path(source).suffix.lower() in CSV_SUFFIXES | JSON_LINES_SUFFIXES | PARQUET_SUFFIXES
    if (
        source == STANDARD_INPUT
        or is_like_a_file
        or Path(source).exists()
        or not _TOPIC_NAME.fullmatch(source)
    ):
        return None
    return source


@contextmanager
def open_source(source: str, settings: Settings, events: int) -> Iterator[Input]:
    """Open a file, or read the newest ``events`` of a topic.

    Raises ``UsageError`` for what is neither and ``UnreachableError`` where no broker answers.
    """
    topic = topic_of(source)
    if topic is None:
        with open_input(source, settings.events.max_bytes) as opened:
            yield opened
        return
    if not 1 <= events <= MOST_EVENTS:
        raise UsageError(f"--events is {events}, but must be between 1 and {MOST_EVENTS:,}")
    yield _topic_input(source, topic, settings, events)


def columns_of(opened: Input, wanted: Wanted) -> Columns:
    """Choose the columns of an input; of a topic as the service would read it."""
    if isinstance(opened, TopicInput):
        return choose_columns(opened.wanted(wanted), opened.fields())
    columns = choose_columns(wanted, opened.fields())
    require_times(columns, opened.name)
    return columns


def _topic_input(source: str, topic: str, settings: Settings, events: int) -> TopicInput:
    from stream_rcf.kafka.newest import newest_events
    from stream_rcf.kafka.schema_registry_reader import payload_reader

    reader = payload_reader(settings)
    try:
        newest = newest_events(settings, topic, events)
    except (UsageError, UnreachableError) as error:
        if source.startswith(TOPIC_PREFIX):
            raise
        raise type(error)(f"{source}: there is no such file; taken for a topic: {error}") from None
    return TopicInput(f"topic {topic}", newest.events, reader, settings.events.max_bytes)
