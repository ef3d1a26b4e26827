"""A topic gains partitions: a storm of alerts stays where it is, and a new partition knows of none."""

from __future__ import annotations

from stream_rcf.state.partitioners import crc32
from stream_rcf.state.repartition import repartition
from tests.state.support import FINGERPRINT, PARTITION, memory_store, write_checkpoint

KEYS = [f"key-{n}" for n in range(20)]


def test_each_partition_keeps_its_own() -> None:
    store = memory_store()
    for number, digest in enumerate(['{"recent":[1]}', '{"recent":[2]}']):
        states = {key: key.encode() for key in KEYS if crc32(key.encode(), 2) == number}
        partition = PARTITION._replace(partition=number)
        write_checkpoint(store, states, partition=partition, topic_partitions=2, alert_digest=digest)
    repartition(
        store,
        PARTITION.group,
        PARTITION.topic,
        topic_partitions=3,
        committed={0: 0, 1: 0, 2: None},
        first_offsets={2: 0},
        fingerprint=FINGERPRINT,
    )
    found = [store.manifests(PARTITION._replace(partition=n)).manifests[0].alert_digest for n in range(3)]
    assert found == ['{"recent":[1]}', '{"recent":[2]}', ""]
