"""The events of a chaos run are the same for a seed, and lie where the verifier takes them to lie."""

from __future__ import annotations

from load_tests.chaos.stream import make_stream
from tests.load_tests.chaos_support import TINY


def test_a_seed_always_gives_the_same_stream() -> None:
    assert make_stream(TINY, 5) == make_stream(TINY, 5)
    assert make_stream(TINY, 5) != make_stream(TINY, 6)


def test_every_key_has_one_partition_and_its_events_are_in_order_of_time() -> None:
    stream = make_stream(TINY, 5)

    assert len(stream.messages) == TINY.events
    partition_of: dict[bytes, int] = {}
    for partition, messages in enumerate(stream.by_partition()):
        times = [timestamp for _, _, _, timestamp in messages]
        assert times == sorted(set(times))
        for key, _, stated, _ in messages:
            assert stated == partition
            assert partition_of.setdefault(key, partition) == partition
    assert set(partition_of.values()) == set(range(TINY.partitions))
