"""The keys of a partition: born with their first event, changed keys remembered, cuts, and the way back from bytes."""

from __future__ import annotations

import pytest

from stream_rcf.core.detector import Detector
from stream_rcf.core.parameters import DetectorParameters, ForestParameters
from stream_rcf.errors import CheckpointError
from stream_rcf.pipeline.events import Event
from stream_rcf.pipeline.score_batch import score_batch
from stream_rcf.state.key_memory import KeyMemory
from stream_rcf.state.key_table import KeyTable
from tests.state.key_support import (
    PARAMETERS,
    Lender,
    check_accounts,
    learn,
    states,
    stream,
)


def test_keys_come_in_order_of_their_first_event() -> None:
    table = KeyTable(PARAMETERS)
    assert len(table) == 0
    assert table.memory_bytes == 0
    learn(table, [Event(key, 0, (1.0,)) for key in ("b", "a", "b", "", "c\0d", "ключ")])
    assert list(table.keys()) == ["b", "a", "", "c\0d", "ключ"]
    assert len(table) == 5


def test_a_block_is_made_once_and_stays() -> None:
    table = KeyTable(PARAMETERS)
    block = table.touch("a")
    assert table.touch("a") is block
    assert table.touch("b") is not block


def test_a_key_scores_as_a_detector_of_that_name_alone() -> None:
    """Neither the other keys of the table nor their order matter; the seed and the name do."""
    events = stream(200)
    table = KeyTable(PARAMETERS)
    scores = learn(table, events)
    for key in {event.key for event in events}:
        alone = Detector(shingle_size=2, trees=4, sample_size=16, seed=5, key=key)
        expected = [
            alone.process({"value": event.values[0]}, event.timestamp)["anomaly_score"]
            for event in events
            if event.key == key
        ]
        assert [score for event, score in zip(events, scores, strict=True) if event.key == key] == expected
        assert table.pack(key) == alone.to_bytes(quick=True)


def test_two_keys_with_the_same_events_have_different_forests() -> None:
    table = KeyTable(PARAMETERS)
    for event in stream(100, keys=1):
        learn(table, [Event("a", event.timestamp, event.values), Event("b", event.timestamp, event.values)])
    assert table.pack("a") != table.pack("b")


def test_memory_is_that_of_the_blocks_and_grows_to_a_bound() -> None:
    table = KeyTable(PARAMETERS)
    sizes = []
    for start in range(0, 2000, 50):
        learn(table, stream(50, keys=1, seed=start))
        sizes.append(table.memory_bytes)
    assert sizes[0] > 0
    assert sizes == sorted(sizes)
    assert sizes[-1] <= 1.1 * sizes[20], "a forest that is full hardly grows"


def test_a_restored_table_continues_with_the_same_bits() -> None:
    events = stream(400)
    table, restored = KeyTable(PARAMETERS), KeyTable(PARAMETERS)
    learn(table, events[:150])
    for key, data in states(table).items():
        restored.restore(key, data)
    assert len(restored) == len(table)
    assert restored.changed_keys == 0, "what was read is saved already"
    assert learn(restored, events[150:]) == learn(table, events[150:])
    assert states(restored) == states(table)


def test_packing_changes_nothing() -> None:
    events = stream(200)
    packed, untouched = KeyTable(PARAMETERS), KeyTable(PARAMETERS)
    for start in range(0, 200, 20):
        assert learn(packed, events[start : start + 20]) == learn(untouched, events[start : start + 20])
        states(packed)
    assert states(packed) == states(untouched)


@pytest.mark.parametrize("data", [b"", b"nothing of ours", b"RCF1"])
def test_bytes_that_are_no_state_are_refused_with_the_key_and_change_nothing(data: bytes) -> None:
    table = KeyTable(PARAMETERS)
    learn(table, stream(50))
    before = states(table)
    with pytest.raises(CheckpointError, match="key 'key-1': "):
        table.restore("key-1", data)
    with pytest.raises(CheckpointError, match="key 'other': "):
        table.restore("other", data)
    assert states(table) == before


def test_the_state_of_other_settings_is_refused() -> None:
    other = DetectorParameters(("value",), ForestParameters(trees=5, sample_size=16, shingle_size=2))
    foreign = KeyTable(other)
    score_batch(other, [Event("a", 0, (1.0,))], [foreign])
    with pytest.raises(CheckpointError, match="the settings say"):
        KeyTable(PARAMETERS).restore("a", foreign.pack("a"))


def test_changed_keys_are_those_since_the_last_cut() -> None:
    table = KeyTable(PARAMETERS)
    learn(table, stream(50))
    assert table.changed_keys == 4
    table.begin_cut()
    assert table.changed_keys == 0
    learn(table, [Event("key-2", 0, (1.0,)), Event("key-2", 1, (1.0,)), Event("new", 0, (1.0,))])
    assert table.changed_keys == 2
    table.end_cut(saved=True)
    assert set(table.begin_cut().keys) == {"key-2", "new"}


def test_a_cut_that_was_not_saved_leaves_its_keys_to_the_next() -> None:
    table = KeyTable(PARAMETERS)
    learn(table, stream(50))
    table.begin_cut()
    table.end_cut(saved=True)
    learn(table, [Event("key-1", 0, (1.0,))])
    table.begin_cut()
    learn(table, [Event("key-2", 0, (1.0,))])
    table.end_cut(saved=False)
    assert set(table.begin_cut().keys) == {"key-1", "key-2"}


def test_ending_without_a_cut_is_harmless() -> None:
    table = KeyTable(PARAMETERS)
    learn(table, stream(5))
    changed = table.changed_keys
    table.end_cut(saved=False)
    table.end_cut(saved=True)
    assert table.changed_keys == changed


def test_a_cut_holds_the_keys_as_they_were_while_the_stream_goes_on() -> None:
    events = stream(300)
    table = KeyTable(PARAMETERS)
    learn(table, events[:120])
    expected = states(table)
    cut = table.begin_cut()
    taken: list[tuple[str, bytes]] = []
    position = 120
    while not cut.is_complete:
        learn(table, events[position : position + 1])
        position += 1
        taken += [(key, snapshot.pack()) for key, snapshot in cut.take(1)]
    table.end_cut(saved=True)
    assert len(taken) == len(expected)
    assert dict(taken) == expected
    twin = KeyTable(PARAMETERS)
    learn(twin, events[:position])
    assert states(table) == states(twin)


def test_after_the_cut_ended_changes_copy_nothing_more() -> None:
    table = KeyTable(PARAMETERS)
    learn(table, stream(50))
    cut = table.begin_cut()
    table.end_cut(saved=False)
    learn(table, stream(50, seed=9))
    assert not cut._copied


def test_restoring_over_a_key_counts_its_bytes_once(tmp_path) -> None:
    memory = KeyMemory(spill_folder=tmp_path)
    table = KeyTable(PARAMETERS, memory)
    learn(table, stream(100))
    packed = states(table)
    table.restore("key-1", packed["key-1"])
    check_accounts(memory, table)
    table.evict(["key-2"])
    table.restore("key-2", packed["key-2"])
    check_accounts(memory, table)
    assert states(table) == packed
    memory.close()


def test_unchanged_keys_can_be_had_saved_again_but_for_those_that_only_the_checkpoint_has() -> None:
    twin = KeyTable(PARAMETERS)
    learn(twin, stream(100))
    lender = Lender(states(twin))
    table = KeyTable(PARAMETERS)
    table.lend(lender.saved, lender)
    table.bring(["key-1", "key-2"])
    learn(table, [Event("key-2", 0, (1.0,))])
    assert table.save_again(["key-0", "key-1", "key-2", "never heard of"])
    assert set(table.begin_cut().keys) == {"key-1", "key-2"}
    assert not KeyTable(PARAMETERS).save_again(["key-0"])
    learn(table, [Event("key-1", 0, (1.0,))])
    assert not table.save_again(["key-0", "key-1"])
