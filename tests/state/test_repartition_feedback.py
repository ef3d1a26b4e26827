"""A topic gains partitions: what people said is known to all of them, and to the new one too."""

from __future__ import annotations

from tests.state.repartition_support import grow, save
from tests.state.support import memory_store


def test_each_partition_keeps_what_it_heard_and_a_new_one_begins_with_what_the_first_has() -> None:
    store = memory_store()
    save(store, "feedback", '{"heard":[5,0]}', '{"heard":[4,0]}')
    assert grow(store, "feedback") == ['{"heard":[5,0]}', '{"heard":[4,0]}', '{"heard":[5,0]}']
