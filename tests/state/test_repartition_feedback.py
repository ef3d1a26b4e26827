"""A topic gains partitions: what people said is known to all of them, and to the new one too."""

from __future__ import annotations

from stream_rcf.state.partitioners import crc32
from stream_rcf.state.repartition import repartition
from tests.state.support import FINGERPRINT, PARTITION, memory_store, write_checkpoint

KEYS = [f"key-{n}" for n in range(20)]


def test_each_partition_keeps_what_it_heard_and_a_new_one_begins_with_what_the_first_has() -> None:
    store = memory_store()
    for number, feedback in enumerate(['{"heard":[5,0]}', '{"heard":[4,0]}']):
        states = {key: key.encode() for key in KEYS if crc32(key.encode(), 2) == number}
        partition = PARTITION._replace(partition=number)
        write_checkpoint(store, states, partition=partition, topic_partitions=2, feedback=feedback)
    repartition(
        store,
        PARTITION.group,
        PARTITION.topic,
        topic_partitions=3,
        committed={0: 0, 1: 0, 2: None},
        first_offsets={2: 0},
        fingerprint=FINGERPRINT,
    )
    found = [store.manifests(PARTITION._replace(partition=n)).manifests[0].feedback for n in range(3)]
    assert found == ['{"heard":[5,0]}', '{"heard":[4,0]}', '{"heard":[5,0]}']
