"""``stream-rcf checkpoint repartition``: models follow their keys when the input topic has gained partitions."""

from __future__ import annotations

import argparse

from stream_rcf.cli.arguments import add_settings_arguments, overrides_of
from stream_rcf.errors import UsageError
from stream_rcf.settings.derived import state_fingerprint
from stream_rcf.settings.model import load_settings
from stream_rcf.state.checkpoint_store import open_store
from stream_rcf.state.partitioners import PARTITIONERS
from stream_rcf.state.repartition import repartition


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``stream-rcf checkpoint repartition``."""
    add_settings_arguments(parser)
    parser.add_argument(
        "--partitioner",
        choices=sorted(PARTITIONERS),
        help="how producers choose a key's partition: murmur2 as Java's, crc32 as librdkafka's default; found out from "
        "where the keys are when left away",
    )
    parser.add_argument(
        "--accept-gap",
        action="store_true",
        help="also where a checkpoint is older than the committed offset: models miss the events between",
    )


def run(arguments: argparse.Namespace) -> int:
    """Write a checkpoint for each partition, and commit where new ones begin.

    Raises ``UsageError`` where settings make it impossible, ``StreamRcfError`` while the service runs, and
    ``CheckpointError`` where a key's new place cannot be known.
    """
    settings = load_settings(arguments.config, overrides_of(arguments))
    if settings.kafka.input_topic.startswith("^"):
        raise UsageError(
            "kafka.input_topic is a pattern: name the topic that gained partitions by --set kafka.input_topic="
        )
    if settings.events.key_paths:
        raise UsageError(
            "events.key takes keys from the events' fields, so nobody can tell from a key to which partition producers "
            "send it. Set checkpoint.on_unusable=fresh to let keys that moved begin anew"
        )
    from stream_rcf.kafka.groups import GroupOffsets

    offsets = GroupOffsets(settings)
    offsets.require_idle()
    count = offsets.partition_count()
    committed = offsets.committed(count)
    first = offsets.first_offsets(count)
    moved = repartition(
        open_store(settings.checkpoint.url),
        settings.kafka.group_id,
        settings.kafka.input_topic,
        topic_partitions=count,
        committed=committed,
        first_offsets=first,
        fingerprint=state_fingerprint(settings),
        partitioner=arguments.partitioner,
        accept_gap=arguments.accept_gap,
    )
    offsets.commit(
        {
            entry.partition.partition: entry.offset
            for entry in moved
            if committed[entry.partition.partition] is None
        }
    )
    for entry in moved:
        print(f"{entry.partition}: {entry.keys} keys, {entry.arrived} of them from other partitions")
    return 0
