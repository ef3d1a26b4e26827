"""A topic gains partitions: a storm of alerts stays where it is, and a new partition knows of none."""

from __future__ import annotations

from tests.state.repartition_support import grow, save
from tests.state.support import memory_store


def test_each_partition_keeps_its_own() -> None:
    store = memory_store()
    save(store, "alert_digest", '{"recent":[1]}', '{"recent":[2]}')
    assert grow(store, "alert_digest") == ['{"recent":[1]}', '{"recent":[2]}', ""]
