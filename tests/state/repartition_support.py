"""A topic of some partitions, each with a checkpoint of its own, that gains a third."""

from __future__ import annotations

from typing import Any

from stream_rcf.state.checkpoint_store import CheckpointStore
from stream_rcf.state.partitioners import crc32
from stream_rcf.state.repartition import repartition
from tests.state.support import FINGERPRINT, PARTITION, write_checkpoint

KEYS = [f"key-{n}" for n in range(20)]


def save(store: CheckpointStore, field: str, *values: str) -> None:
    """A checkpoint of each partition of a topic, in whose manifest ``field`` is one of ``values``."""
    count = len(values)
    for number, value in enumerate(values):
        states = {key: key.encode() for key in KEYS if crc32(key.encode(), count) == number}
        named: dict[str, Any] = {field: value}
        partition = PARTITION._replace(partition=number)
        write_checkpoint(store, states, partition=partition, topic_partitions=count, **named)


def grow(store: CheckpointStore, field: str) -> list[str]:
    """Take the models along to a third partition; what ``field`` is in the manifest of each."""
    repartition(
        store,
        PARTITION.group,
        PARTITION.topic,
        topic_partitions=3,
        committed={0: 0, 1: 0, 2: None},
        first_offsets={2: 0},
        fingerprint=FINGERPRINT,
    )
    manifests = [store.manifests(PARTITION._replace(partition=number)).manifests[0] for number in range(3)]
    return [getattr(manifest, field) for manifest in manifests]
