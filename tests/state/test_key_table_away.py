"""Keys that are not in memory: lent by a checkpoint, evicted to the spill, on their way, back again, and spoilt."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream_rcf.core.packing import unpack
from stream_rcf.errors import ReloadNeededError
from stream_rcf.pipeline.events import Event
from stream_rcf.state.key_memory import KeyMemory
from stream_rcf.state.key_table import KeyTable
from stream_rcf.state.spill import SpillFullError
from tests.state.key_support import (
    MODEL,
    PARAMETERS,
    Lender,
    check_accounts,
    learn,
    slots_used,
    states,
    stream,
)


@pytest.fixture
def memory(tmp_path):
    made = KeyMemory(spill_folder=tmp_path)
    yield made
    made.close()


def lent_table(memory: KeyMemory, events: list[Event]) -> tuple[KeyTable, Lender]:
    """A table whose keys are in a checkpoint, after ``events``."""
    twin = KeyTable(PARAMETERS)
    learn(twin, events)
    lender = Lender(states(twin))
    table = KeyTable(PARAMETERS, memory)
    table.lend(lender.saved, lender)
    return table, lender


def test_lent_keys_count_and_come_together_when_they_are_needed(memory) -> None:
    events = stream(300)
    table, lender = lent_table(memory, events[:100])
    assert (len(table), table.saved_keys, table.memory_bytes) == (4, 4, 0)
    assert set(table.keys()) == set(lender.saved)
    check_accounts(memory, table)
    table.bring(["key-1", "key-2", "key-1", "new"])
    assert lender.asked == ["key-1", "key-2"]
    assert set(table.resident_keys()) == {"key-1", "key-2", "new"}
    assert (table.saved_keys, table.changed_keys, memory.returns) == (2, 0, 2)
    check_accounts(memory, table)
    twin = KeyTable(PARAMETERS)
    learn(twin, [*events[:100], Event("new", 0, (1.0,)), *events[100:]])
    learn(table, [Event("new", 0, (1.0,)), *events[100:]])
    assert states(table) == states(twin)


def test_a_lent_key_can_be_looked_at_without_coming(memory) -> None:
    table, lender = lent_table(memory, stream(100))
    assert states(table) == lender.saved
    assert table.resident("key-1") is None
    assert table.snapshot("key-1").pack() == lender.saved["key-1"]
    assert table.saved_keys == 4


@pytest.mark.parametrize("packed", [True, False])
def test_what_was_fetched_ahead_arrives_once(memory, packed: bool) -> None:
    table, lender = lent_table(memory, stream(100))
    state = lender.saved["key-1"]
    for _ in range(2):
        table.arrive("key-1", state if packed else unpack(MODEL, state))
        check_accounts(memory, table)
    assert (table.resident("key-1") is None) == packed
    assert (table.saved_keys, slots_used(memory)) == (3, int(packed))
    learn(table, [Event("key-1", 0, (2.0,))])
    assert lender.asked == [], "it was there already"
    check_accounts(memory, table)
    assert slots_used(memory) == 0


def test_what_arrives_after_its_key_has_come_and_changed_is_left_alone(memory) -> None:
    table, lender = lent_table(memory, stream(100))
    learn(table, [Event("key-1", 0, (2.0,))])
    changed = table.pack("key-1")
    for state in (lender.saved["key-1"], unpack(MODEL, lender.saved["key-1"])):
        table.arrive("key-1", state)
        assert table.pack("key-1") == changed
    table.evict(["key-1"])
    table.arrive("key-1", lender.saved["key-1"])
    assert table.pack("key-1") == changed
    table.arrive("unknown", b"of another table")
    assert "unknown" not in set(table.keys())
    check_accounts(memory, table)


def test_what_arrives_while_the_spill_is_full_stays_in_the_checkpoint(memory, monkeypatch) -> None:
    table, lender = lent_table(memory, stream(100))

    def full(states):
        raise SpillFullError("no space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(memory.spill, "put", full)
        table.arrive("key-1", lender.saved["key-1"])
    assert table.saved_keys == 4
    assert states(table) == lender.saved
    check_accounts(memory, table)


def test_evicted_keys_come_back_the_same_and_give_their_slots_back(memory) -> None:
    table = KeyTable(PARAMETERS, memory)
    learn(table, stream(100))
    before = states(table)
    table.evict(["key-1", "key-3"])
    check_accounts(memory, table)
    assert (len(table), slots_used(memory)) == (4, 2)
    assert states(table) == before
    table.bring(["key-3"])
    check_accounts(memory, table)
    assert states(table) == before
    assert slots_used(memory) == 1


def test_a_spill_that_is_full_leaves_keys_where_they_are(memory, monkeypatch) -> None:
    table = KeyTable(PARAMETERS, memory)
    learn(table, stream(100))
    before = states(table)

    def full(states):
        raise SpillFullError("no space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(memory.spill, "put", full)
        with pytest.raises(SpillFullError):
            table.evict(["key-1", "key-3"])
    assert states(table) == before
    check_accounts(memory, table)


def test_a_cut_holds_evicted_keys_as_they_were_at_the_cut(memory) -> None:
    """Away before the cut, away after it began, back and changed while it is open: always the moment of the cut."""
    table = KeyTable(PARAMETERS, memory)
    learn(table, stream(200, keys=6))
    table.evict(["key-0", "key-1"])
    expected = states(table)
    cut = table.begin_cut()
    table.evict(["key-2", "key-3"])
    learn(table, [Event(key, 0, (3.0,)) for key in ("key-1", "key-3", "key-4")])
    table.evict(["key-1", "key-4"])
    taken = {key: snapshot.pack() for key, snapshot in cut.take(100)}
    assert cut.is_complete
    assert taken == expected
    table.end_cut(saved=True)
    assert set(table.begin_cut().keys) == {"key-1", "key-3", "key-4"}
    check_accounts(memory, table)


def test_a_failed_cut_leaves_keys_that_are_away_to_the_next(memory) -> None:
    table = KeyTable(PARAMETERS, memory)
    learn(table, stream(100))
    table.begin_cut()
    table.evict(["key-1"])
    table.end_cut(saved=False)
    cut = table.begin_cut()
    assert set(cut.keys) == {f"key-{i}" for i in range(4)}
    assert {key: snapshot.pack() for key, snapshot in cut.take(4)} == states(table)


def test_release_gives_back_all_bytes_and_slots_and_no_others(memory) -> None:
    other = KeyTable(PARAMETERS, memory)
    learn(other, stream(100))
    other.evict(["key-0"])
    before = memory.bytes
    table, lender = lent_table(memory, stream(100))
    table.arrive("key-0", lender.saved["key-0"])
    learn(table, [Event("key-1", 0, (2.0,)), Event("new", 0, (2.0,))])
    table.evict(["new"])
    assert slots_used(memory) == 3
    table.release()
    assert memory.bytes == before
    assert len(table) == 0
    assert slots_used(memory) == 1
    table.arrive("key-2", lender.saved["key-2"])  # it was on its way
    assert len(table) == 0
    check_accounts(memory, other)


def spoil(memory: KeyMemory, content: bytes) -> None:
    """Put other bytes into every slot of the spill."""
    with memory.spill._database.begin(db=memory.spill._slots, write=True) as transaction:
        for slot, _ in list(transaction.cursor(memory.spill._slots)):
            transaction.put(slot, content)


def test_a_spoilt_entry_of_the_spill_asks_to_reload(memory) -> None:
    table = KeyTable(PARAMETERS, memory)
    learn(table, stream(100))
    table.evict(["key-1"])
    spoil(memory, b"not what was put there")
    with pytest.raises(ReloadNeededError, match="key 'key-1': "):
        table.bring(["key-1"])
    table.release()
    assert (memory.bytes, slots_used(memory)) == (0, 0)


def test_an_entry_of_the_spill_that_is_gone_asks_to_reload(memory) -> None:
    table = KeyTable(PARAMETERS, memory)
    learn(table, stream(100))
    table.evict(["key-1"])
    memory.spill.free([0])
    with pytest.raises(ReloadNeededError, match="is gone"):
        table.bring(["key-1"])


def test_a_spoilt_entry_that_the_checkpoint_has_too_comes_from_there(memory) -> None:
    table, lender = lent_table(memory, stream(100))
    table.arrive("key-1", lender.saved["key-1"])
    table.bring(["key-2"])
    table.evict(["key-2"])
    spoil(memory, b"not what was put there")
    table.bring(["key-1", "key-2"])
    assert lender.asked == ["key-2", "key-1", "key-2"]
    assert states(table) == lender.saved
    check_accounts(memory, table)
    assert slots_used(memory) == 0


@pytest.mark.parametrize("when", ["changed", "in the cut"])
def test_a_spoilt_entry_that_the_checkpoint_has_otherwise_asks_to_reload(memory, when: str) -> None:
    table, _ = lent_table(memory, stream(100))
    learn(table, [Event("key-1", 0, (2.0,))])
    if when == "in the cut":
        table.begin_cut()
    table.evict(["key-1"])
    spoil(memory, b"not what was put there")
    with pytest.raises(ReloadNeededError, match="key 'key-1'"):
        table.bring(["key-1"])


def test_a_saved_state_that_is_none_of_this_model_names_its_key(memory) -> None:
    table, lender = lent_table(memory, stream(100))
    lender.saved["key-1"] = b"RCF1 and then something else"
    with pytest.raises(ReloadNeededError, match="key 'key-1'"):
        table.bring(["key-1"])


ACTIONS = st.lists(
    st.tuples(
        st.sampled_from(["learn", "evict", "arrive", "arrive packed", "cut", "take", "end"]),
        st.integers(0, 7),
    ),
    max_size=60,
)


@settings(max_examples=60, deadline=None)
@given(actions=ACTIONS, seed=st.integers(0, 100))
def test_any_mixture_of_coming_and_going_changes_no_state(tmp_path_factory, actions, seed: int) -> None:
    memory = KeyMemory(spill_folder=tmp_path_factory.mktemp("spill"))
    table, lender = lent_table(memory, stream(60, keys=5, seed=seed))
    twin = KeyTable(PARAMETERS)
    learn(twin, stream(60, keys=5, seed=seed))
    at_cut: dict[str, bytes] = {}
    taken: dict[str, bytes] = {}
    cut = None
    for number, (action, i) in enumerate(actions):
        key = f"key-{i}"
        if action == "learn":
            event = Event(key, number, (float(number % 7),))
            assert learn(table, [event]) == learn(twin, [event])
        elif action == "evict" and table.resident(key) is not None:
            table.evict([key])
        elif action.startswith("arrive") and key in lender.saved:
            table.arrive(key, lender.saved[key] if "packed" in action else unpack(MODEL, lender.saved[key]))
        elif action == "cut" and cut is None:
            cut = table.begin_cut()
            at_cut, taken = {key: twin.pack(key) for key in cut.keys}, {}
        elif action == "take" and cut is not None:
            taken |= {name: snapshot.pack() for name, snapshot in cut.take(i)}
        elif action == "end" and cut is not None:
            taken |= {name: snapshot.pack() for name, snapshot in cut.take(100)}
            assert taken == at_cut
            table.end_cut(saved=True)
            cut = None
        check_accounts(memory, table)
    assert states(table) == states(twin)
    table.release()
    assert (memory.bytes, slots_used(memory)) == (0, 0)
    memory.close()
