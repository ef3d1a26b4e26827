"""The keys of one batch, in memory all at once; batches are no larger than that allows."""

from __future__ import annotations

import pytest

from stream_rcf.core.model import model_of
from stream_rcf.core.parameters import DetectorParameters, ForestParameters
from stream_rcf.errors import ReloadNeededError
from stream_rcf.state.batch_keys import batch_done, blocks_of, largest_batch, usual_block_bytes
from stream_rcf.state.key_memory import HELD_BYTES, KEY_BYTES, KeyMemory
from stream_rcf.state.key_table import KeyTable
from tests.state.key_support import (
    MODEL,
    PARAMETERS,
    Lender,
    check_accounts,
    grown_bytes,
    learn,
    states,
    stream,
)


@pytest.fixture
def memory(tmp_path):
    made = KeyMemory(6 * grown_bytes(), tmp_path)
    yield made
    made.close()


def test_what_a_key_usually_takes_is_near_what_a_grown_one_does() -> None:
    assert 0.5 * grown_bytes(events=1000) < usual_block_bytes(MODEL) < 2 * grown_bytes(events=1000)


def test_a_batch_may_need_a_share_of_the_memory_and_holds_one_event_at_least() -> None:
    usual = usual_block_bytes(MODEL)
    assert largest_batch(MODEL, None, 500) == 500
    assert largest_batch(MODEL, 10**12, 500) == 500
    assert largest_batch(MODEL, 40 * usual, 500) == 10
    assert largest_batch(MODEL, 1, 500) == 1


def test_the_share_holds_for_the_default_forest_too() -> None:
    model = model_of(DetectorParameters(("value",), ForestParameters(shingle_size=8)))
    assert 150_000 < usual_block_bytes(model) < 500_000


def test_each_event_gets_its_key_s_block_and_all_are_in_memory(memory) -> None:
    first, second = KeyTable(PARAMETERS, memory), KeyTable(PARAMETERS, memory)
    keys, tables = ["a", "b", "a", "a"], [first, first, second, first]
    blocks = blocks_of(MODEL, keys, tables)
    assert blocks[0] is blocks[3]
    assert len(set(blocks)) == 3
    assert [table.resident(key) for key, table in zip(keys, tables, strict=True)] == blocks
    assert (first.changed_keys, second.changed_keys) == (2, 1)
    check_accounts(memory, first, second)


def test_others_leave_before_the_missing_come_and_none_of_the_batch_does(memory) -> None:
    table = KeyTable(PARAMETERS, memory)
    past = stream(400, keys=12)
    for start in range(0, 400, 4):
        learn(table, past[start : start + 4])
    assert 0 < len(table.resident_keys()) < 12
    for start in range(12):
        keys = [f"key-{(start + i) % 12}" for i in range(4)]
        before = memory.bytes
        blocks = blocks_of(MODEL, keys, [table] * 4)
        assert [table.resident(key) for key in keys] == blocks
        assert memory.bytes <= max(before, memory.limit_bytes or 0)
        batch_done(blocks, [table] * 4)
        check_accounts(memory, table)
    assert memory.evictions >= memory.returns > 0


def test_what_grew_is_counted_when_the_batch_is_done(tmp_path) -> None:
    memory = KeyMemory(spill_folder=tmp_path)
    table = KeyTable(PARAMETERS, memory)
    blocks = blocks_of(MODEL, ["a", "a"], [table] * 2)
    newborn = memory.bytes
    blocks[0].reserve(200)
    assert memory.bytes == newborn == blocks[0].counted_bytes + KEY_BYTES
    batch_done(blocks, [table] * 2)
    assert memory.bytes == blocks[0].bytes + HELD_BYTES + KEY_BYTES > newborn


def test_a_key_that_cannot_come_back_leaves_the_rest_as_it_was(memory) -> None:
    twin = KeyTable(PARAMETERS)
    learn(twin, stream(100))
    lender = Lender(states(twin))
    table = KeyTable(PARAMETERS, memory)
    table.lend(lender.saved, lender)
    expected = dict(lender.saved)
    lender.saved["key-2"] = b"damaged"
    with pytest.raises(ReloadNeededError, match="key 'key-2'"):
        blocks_of(MODEL, ["key-1", "key-2"], [table] * 2)
    lender.saved["key-2"] = expected["key-2"]
    assert states(table) == expected
    assert table.changed_keys == 0
    check_accounts(memory, table)
    table.release()
    assert memory.bytes == 0


def test_away_keys_cost_what_their_names_take(memory) -> None:
    table = KeyTable(PARAMETERS, memory)
    learn(table, stream(100, keys=3))
    resident = table.memory_bytes
    table.evict(list(table.resident_keys()))
    assert memory.bytes == 3 * KEY_BYTES < resident
