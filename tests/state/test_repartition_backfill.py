"""A topic gains partitions before every key had its first event: the others still begin with the backfill, anywhere."""

from __future__ import annotations

import pytest

from stream_rcf.errors import CheckpointError
from stream_rcf.state.checkpoint_store import CheckpointStore
from stream_rcf.state.partitioners import crc32
from stream_rcf.state.repartition import repartition
from tests.state.support import FINGERPRINT, PARTITION, memory_store, write_checkpoint

FIRST, OTHER = "ab" * 32, "cd" * 32
KEYS = [f"key-{n}" for n in range(20)]


@pytest.fixture
def store() -> CheckpointStore:
    return memory_store()


def save(store: CheckpointStore, *backfills: str) -> None:
    """A checkpoint of each partition of a topic, that goes on from one of ``backfills``."""
    count = len(backfills)
    for number, backfill in enumerate(backfills):
        states = {key: key.encode() for key in KEYS if crc32(key.encode(), count) == number}
        partition = PARTITION._replace(partition=number)
        write_checkpoint(store, states, partition=partition, topic_partitions=count, backfill=backfill)


def grow(store: CheckpointStore) -> list[str]:
    """Take the models along to a third partition; the backfill of each."""
    repartition(
        store,
        PARTITION.group,
        PARTITION.topic,
        topic_partitions=3,
        committed={0: 0, 1: 0, 2: None},
        first_offsets={2: 0},
        fingerprint=FINGERPRINT,
    )
    return [
        store.manifests(PARTITION._replace(partition=number)).manifests[0].backfill for number in range(3)
    ]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ((FIRST, FIRST), [FIRST, FIRST, FIRST]),
        (("", FIRST), ["", FIRST, FIRST]),
        (("", ""), ["", "", ""]),
    ],
)
def test_a_new_partition_goes_on_from_that_of_the_others(
    store: CheckpointStore, before: tuple[str, str], after: list[str]
) -> None:
    save(store, *before)
    assert grow(store) == after


def test_two_different_ones_are_refused(store: CheckpointStore) -> None:
    save(store, FIRST, OTHER)
    with pytest.raises(CheckpointError, match="go on from different backfills"):
        grow(store)
