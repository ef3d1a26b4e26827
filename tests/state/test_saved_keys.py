from __future__ import annotations

import pytest

from stream_rcf.state.saved_keys import SavedKeys
from stream_rcf.state.segments import SavedKey, SegmentBuilder, SegmentIndex
from tests.state.support import FINGERPRINT, memory_store, open_saved, write_checkpoint


def segment(name: str, keys: dict[str, int], time: int = 0) -> SegmentIndex:
    """The index of a segment with states of so many bytes; each key's last event is one after the one's before."""
    builder = SegmentBuilder(FINGERPRINT)
    for row, (key, size) in enumerate(keys.items()):
        builder.append(SavedKey(key, b"x" * size, time + row))
    return builder.finish(name)[1]


def place(saved: SavedKeys, key: str) -> tuple[str, int]:
    frame = saved.frame(key)
    return frame.segment.segment.name, frame.row


def test_of_frames_that_name_a_key_the_newest_counts():
    saved = SavedKeys([segment("first", {"a": 10, "b": 20}), segment("second", {"b": 30, "c": 5})])
    assert len(saved) == 3
    assert [place(saved, key) for key in "abc"] == [("first", 0), ("second", 0), ("second", 1)]
    assert [saved.frame(key).bytes for key in "abc"] == [10, 30, 5]
    assert "a" in saved
    assert "d" not in saved
    with pytest.raises(KeyError):
        saved.frame("d")


def test_keys_come_newest_segment_first():
    saved = SavedKeys([segment("first", {"a": 1, "b": 1, "c": 1}), segment("second", {"b": 1, "d": 1})])
    assert list(saved.newest_first()) == ["b", "d", "a", "c"]
    assert list(SavedKeys().newest_first()) == []


def test_idle_keys_are_those_whose_counting_frame_is_old_and_large():
    first = segment("first", {"a": 500, "b": 500, "small": 10}, time=100)
    saved = SavedKeys([first, segment("second", {"b": 500, "c": 500}, time=200)])
    assert saved.idle(before=100, larger_than=10, most=9) == []
    assert saved.idle(before=103, larger_than=10, most=9) == [("a", 100)]
    assert saved.idle(before=103, larger_than=9, most=9) == [("a", 100), ("small", 102)]
    assert saved.idle(before=202, larger_than=10, most=9) == [("a", 100), ("b", 200), ("c", 201)]
    assert saved.idle(before=202, larger_than=10, most=2) == [("a", 100), ("b", 200)]


def test_a_forgotten_key_is_in_no_checkpoint_that_follows():
    saved = SavedKeys([segment("first", {"a": 10, "b": 10})])
    saved.forget("a")
    saved.forget("never there")
    assert list(saved.newest_first()) == ["b"]
    continuation = saved.continuation(())
    assert continuation.keys == 1
    assert [segment.name for segment in continuation.kept] == ["first"]


def test_a_continuation_changes_nothing_and_counts_each_key_once():
    saved = SavedKeys([segment("first", {"a": 900, "b": 900, "c": 900})])
    for _ in range(2):
        continuation = saved.continuation({"c", "new"})
        assert continuation.keys == 4
        assert [segment.name for segment in continuation.kept] == ["first"]
        assert continuation.carried == ()
    assert list(saved.newest_first()) == ["a", "b", "c"]


def test_what_is_dead_is_dropped_and_what_lives_of_the_mostly_dead_is_carried():
    first, second = segment("first", {"a": 900, "b": 900, "c": 900}), segment("second", {"d": 1})
    saved = SavedKeys([first, second])
    continuation = saved.continuation({"a", "c", "d"})
    assert continuation.kept == ()
    assert continuation.carried == ((first, (1,)),)
    assert continuation.keys == 4


def test_advancing_follows_the_checkpoint_that_stands():
    first = segment("first", {"a": 900, "b": 900, "c": 900})
    saved = SavedKeys([first])
    continuation = saved.continuation({"a", "c"})
    third = segment("third", {"a": 1, "c": 1, "b": 900})
    saved.advance(continuation.kept, [third])
    assert [place(saved, key) for key in "abc"] == [("third", 0), ("third", 2), ("third", 1)]
    assert saved.continuation(()).kept == (third.segment,)
    saved.advance([third.segment], [])
    assert list(saved.newest_first()) == ["a", "c", "b"]


@pytest.mark.parametrize("changed", [set(), {"key-3"}, {f"key-{i}" for i in range(18)}])
def test_one_that_advanced_is_as_one_that_reads_the_store_anew(changed):
    store = memory_store()
    base = write_checkpoint(store, {f"key-{i}": b"x" * (10 + i) for i in range(20)})
    saved = open_saved(store, base)
    continuation = saved.continuation(changed)
    newer = write_checkpoint(store, dict.fromkeys(changed, b"new"), base=base)
    written = [index for index in store.indexes(newer) if index.segment not in continuation.kept]
    saved.advance(continuation.kept, written)
    anew = open_saved(store, newer)
    assert list(saved.newest_first()) == list(anew.newest_first())
    for key in anew.newest_first():
        assert place(saved, key) == place(anew, key)
    for next_changes in (set(), {"key-19"}, {f"key-{i}" for i in range(15)}):
        one, other = saved.continuation(next_changes), anew.continuation(next_changes)
        assert (one.kept, one.keys) == (other.kept, other.keys)
        assert [(index.segment, rows) for index, rows in one.carried] == [
            (index.segment, rows) for index, rows in other.carried
        ]
