from __future__ import annotations

from collections import Counter

from load_tests.forest_alone import BATCH_SIZE, backlog_order
from load_tests.workload import FULL, PARTITIONS, QUICK, Workload
from stream_rcf.pipeline.decode import EventDecoder
from stream_rcf.pipeline.events import Event
from stream_rcf.settings.derived import event_schema
from stream_rcf.settings.model import Settings

SMALL = Workload(keys=8, young=6000, mature=4000)


def test_every_message_is_a_valid_event_under_the_default_settings() -> None:
    decoder = EventDecoder(event_schema(Settings()))
    messages = SMALL.messages(seed=1)

    assert len(messages) == 10_000
    assert all(isinstance(decoder.decode(value, key, time), Event) for key, value, _, time in messages)
    assert messages == SMALL.messages(seed=1)
    assert messages != SMALL.messages(seed=2)


def test_a_key_stays_on_its_partition_and_all_are_used() -> None:
    places: dict[bytes, set[int]] = {}
    for key, _, partition, _ in SMALL.messages(seed=1):
        places.setdefault(key, set()).add(partition)

    assert len(places) == 8
    assert all(len(partitions) == 1 for partitions in places.values())
    assert set().union(*places.values()) == set(range(PARTITIONS))


def test_models_are_mature_where_the_figure_says_so() -> None:
    for workload in (FULL, QUICK):
        assert workload.mature_ages[0] >= 10 * 256, "ten sample sizes"
        assert workload.peers_total * workload.bare_rounds >= 500_000
        assert 0 < workload.skipped < workload.young < workload.total


def test_the_backlog_s_order_is_by_partition_and_keeps_each_key_s_order() -> None:
    messages = SMALL.messages(seed=1)
    ordered = backlog_order(messages)

    assert sorted(ordered) == sorted(messages)
    assert {partition for _, _, partition, _ in ordered[:BATCH_SIZE]} == {0}
    assert {partition for _, _, partition, _ in ordered[BATCH_SIZE : 2 * BATCH_SIZE]} == {1}
    for key in Counter(key for key, _, _, _ in messages):
        own = [message for message in messages if message[0] == key]
        assert [message for message in ordered if message[0] == key] == own
