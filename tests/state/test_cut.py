"""A consistent cut: each key once, as it was when the cut began, in whatever order the stream touches them."""

from __future__ import annotations

import random

import pytest

from stream_rcf.state.cut import MOST_COPIED_BYTES, ConsistentCut
from stream_rcf.state.snapshot import Snapshot
from tests.state.support import PlainSnapshot


class Counters:
    """Keys whose state is a number; a change adds one. Copies are counted."""

    def __init__(self, *keys: str) -> None:
        self.values = dict.fromkeys(keys, 0)
        self.copied: list[str] = []
        self.packed: list[str] = []

    def copy(self, key: str) -> Snapshot:
        self.copied.append(key)
        return PlainSnapshot(str(self.values[key]).encode())

    def pack(self, key: str) -> Snapshot:
        self.packed.append(key)
        return PlainSnapshot(str(self.values[key]).encode())

    def cut(self, most_copied_bytes: int = MOST_COPIED_BYTES) -> ConsistentCut:
        return ConsistentCut(self.values, self.copy, self.pack, most_copied_bytes)

    def change(self, cut: ConsistentCut, key: str) -> None:
        cut.before_change(key)
        self.values[key] = self.values.get(key, 0) + 1


def take(cut: ConsistentCut, most: int) -> list[tuple[str, bytes]]:
    """As the writer gets them, packed."""
    return [(key, snapshot.pack()) for key, snapshot in cut.take(most)]


def take_all(cut: ConsistentCut, most: int = 3) -> list[tuple[str, bytes]]:
    taken = []
    while not cut.is_complete:
        taken += take(cut, most)
    return taken


def test_an_empty_cut_is_complete_at_once() -> None:
    cut = Counters().cut()
    assert cut.is_complete
    assert cut.keys == ()
    assert cut.take(5) == []


def test_each_key_is_taken_once_in_order() -> None:
    counters = Counters("a", "b", "c", "d")
    cut = counters.cut()
    assert take(cut, 3) == [("a", b"0"), ("b", b"0"), ("c", b"0")]
    assert not cut.is_complete
    assert take(cut, 3) == [("d", b"0")]
    assert cut.is_complete
    assert take(cut, 3) == []
    assert counters.copied == ["a", "b", "c", "d"]


def test_a_key_is_copied_before_it_changes_and_only_then() -> None:
    counters = Counters("a", "b", "c")
    cut = counters.cut()
    for _ in range(3):
        counters.change(cut, "c")
    assert counters.copied == ["c"]
    assert dict(take_all(cut)) == {"a": b"0", "b": b"0", "c": b"0"}
    assert counters.values["c"] == 3


def test_a_change_after_the_key_was_taken_copies_nothing() -> None:
    counters = Counters("a", "b")
    cut = counters.cut()
    cut.take(1)
    counters.change(cut, "a")
    assert counters.copied == ["a"]
    assert take_all(cut) == [("b", b"0")]


def test_a_key_born_during_the_cut_is_not_in_it() -> None:
    counters = Counters("a")
    cut = counters.cut()
    counters.change(cut, "new")
    assert take_all(cut) == [("a", b"0")]
    assert cut.keys == ("a",)


def test_what_the_stream_made_the_cut_copy_comes_first_and_no_more_than_asked_for() -> None:
    counters = Counters("a", "b", "c", "d")
    cut = counters.cut()
    for key in ("b", "d", "c"):
        counters.change(cut, key)
    assert take(cut, 2) == [("b", b"0"), ("d", b"0")], "the writer's queue is bounded"
    assert take(cut, 2) == [("c", b"0"), ("a", b"0")]
    assert cut.is_complete


def test_keys_are_packed_where_copies_would_take_too_much_memory() -> None:
    counters = Counters(*"abcdef")
    cut = counters.cut(most_copied_bytes=2)
    for key in "abcd":
        counters.change(cut, key)
    assert (counters.copied, counters.packed) == (["a", "b"], ["c", "d"])

    taken = take(cut, 3)
    counters.change(cut, "e")

    assert counters.copied == ["a", "b", "e"], "there is room again"
    assert dict(taken + take_all(cut)) == dict.fromkeys("abcdef", b"0")


def test_a_key_that_could_not_be_copied_stays_in_the_cut() -> None:
    counters = Counters("a")
    cut = counters.cut()
    del counters.values["a"]
    with pytest.raises(KeyError):
        cut.before_change("a")
    counters.values["a"] = 0
    assert take_all(cut) == [("a", b"0")]


def test_the_cut_is_complete_only_when_all_was_taken() -> None:
    counters = Counters("a")
    cut = counters.cut()
    counters.change(cut, "a")
    assert not cut.is_complete, "copied, but nobody has it yet"
    cut.take(1)
    assert cut.is_complete


@pytest.mark.parametrize("seed", range(20))
def test_any_interleaving_gives_the_state_at_the_beginning(seed: int) -> None:
    generator = random.Random(seed)
    keys = [f"key-{i}" for i in range(generator.randrange(1, 40))]
    counters = Counters(*keys)
    for key in keys:
        counters.values[key] = generator.randrange(100)
    expected = {key: str(value).encode() for key, value in counters.values.items()}
    cut = counters.cut(most_copied_bytes=generator.choice([0, 3, MOST_COPIED_BYTES]))
    taken: list[tuple[str, bytes]] = []
    while not cut.is_complete:
        if generator.random() < 0.7:
            counters.change(cut, generator.choice([*keys, "newborn"]))
        else:
            taken += take(cut, generator.randrange(1, 5))
    assert len(taken) == len(keys)
    assert dict(taken) == expected
