"""The documented random numbers: known ones, the twin's, and the ends of the range."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from stream_rcf.core.random_stream import (
    ADMISSION,
    CUTS,
    GOLDEN_GAMMA,
    PRIORITY,
    cut_word,
    event_word,
    key_seed,
    mix,
    tree_word,
    uniform_of,
)
from tests.oracle import random_stream as twin

WORD = 2**64
# The first outputs of splitmix64 seeded with 0, as its authors' program prints them.
SPLITMIX64_OF_0 = (0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F, 0xF88BB8A8724C81EC)
PURPOSES = (PRIORITY, ADMISSION, CUTS)
NUMBERS = (0, 1, 2, 1000, 10**8, 2**40)


def uniforms(words: list[int]) -> np.ndarray:
    """The uniform number of each word."""
    return np.array([uniform_of(np.uint64(word)) for word in words])


def assert_even(drawn: np.ndarray) -> None:
    """Fail unless numbers between 0 and 1 are spread as evenly as random ones, and no more evenly."""
    expected = len(drawn) / 100
    counts = np.histogram(drawn, bins=100, range=(0, 1))[0]
    chi_squared = ((counts - expected) ** 2 / expected).sum()
    assert 50 < chi_squared < 160  # 99 degrees of freedom: mean 99, deviation 14


def test_events_trees_and_cuts_are_splitmix64() -> None:
    for place, word in enumerate(SPLITMIX64_OF_0):
        assert event_word(np.uint64(0), place) == word
        assert cut_word(np.uint64(0), place) == word
        assert tree_word(np.uint64(0), place // 3, place % 3) == word


def test_mix_agrees_with_plain_integers() -> None:
    for word in (0, 1, 2**63, WORD - 1, 0x0123456789ABCDEF, *SPLITMIX64_OF_0):
        assert int(mix(np.uint64(word))) == twin.mix(word)


@pytest.mark.parametrize(("word", "uniform"), [(0, 2.0**-53), (WORD - 1, 1.0 - 2.0**-53)])
def test_uniforms_never_reach_0_or_1(word: int, uniform: float) -> None:
    assert uniform_of(np.uint64(word)) == uniform == twin.uniform_of(word)
    assert 0.0 < uniform < 1.0


@pytest.mark.parametrize("seed", [0, 1, -1, 2**63 - 1, -(2**63)])
@pytest.mark.parametrize("key", ["", "host-1", "Köln", "鍵", "a" * 1000])
def test_key_seed_is_the_documented_hash(seed: int, key: str) -> None:
    assert key_seed(seed, key) == twin.key_seed(seed, key)


def test_key_seed_of_the_default_is_pinned() -> None:
    assert key_seed(0, "") == 0x18CC49CA5BEA08CA


def test_keys_and_seeds_have_streams_of_their_own() -> None:
    seeds = {key_seed(seed, key) for seed in range(20) for key in ("", "a", "b", "ab", "ba")}
    assert len(seeds) == 100


@pytest.mark.parametrize(("seed", "key"), [(0, ""), (7, "host-1"), (-3, "Köln")])
def test_every_tree_draws_what_its_twin_draws(seed: int, key: str) -> None:
    assert PURPOSES == (twin.PRIORITY, twin.ADMISSION, twin.CUTS)
    for sequence, tree, purpose in itertools.product(NUMBERS, (0, 1, 49, 999), PURPOSES):
        event = event_word(np.uint64(key_seed(seed, key)), sequence)
        word = int(tree_word(np.uint64(event), tree, purpose))
        assert word == twin.tree_word(seed, key, sequence, tree, purpose)
        assert uniform_of(np.uint64(word)) == twin.uniform_of(word)
        if purpose == CUTS:
            stream = twin.cut_stream(seed, key, sequence, tree)
            assert [int(cut_word(np.uint64(word), level)) for level in range(20)] == [
                stream.next_bits() for _ in range(20)
            ]


def test_no_two_draws_share_a_word() -> None:
    seed, words = np.uint64(key_seed(0, "")), []
    for sequence in range(200):
        event = np.uint64(event_word(seed, sequence))
        for tree in range(20):
            drawn = [int(tree_word(event, tree, purpose)) for purpose in PURPOSES]
            words += [*drawn, *(int(cut_word(np.uint64(drawn[CUTS]), level)) for level in range(5))]
    assert len(set(words)) == len(words) == 200 * 20 * 8


@pytest.mark.parametrize("purpose", PURPOSES)
def test_uniforms_are_spread_evenly_over_the_trees_and_over_the_events(purpose: int) -> None:
    seed = np.uint64(key_seed(12345, "host"))
    events = [np.uint64(event_word(seed, sequence)) for sequence in range(1000)]
    by_event = uniforms([int(tree_word(event, tree, purpose)) for event in events for tree in range(50)])
    assert_even(by_event)
    table = by_event.reshape(1000, 50)
    assert_even(np.concatenate([table[1:].ravel() - table[:-1].ravel(), table[:, 1:].ravel() - table[:, :-1].ravel()])
                % 1.0)  # fmt: skip


def test_cuts_on_the_way_up_are_spread_evenly() -> None:
    words = [
        int(cut_word(np.uint64(mix(np.uint64(stream))), level))
        for stream in range(2000)
        for level in range(20)
    ]
    assert_even(uniforms(words))


def test_the_step_is_odd_so_that_a_stream_visits_every_word() -> None:
    assert int(GOLDEN_GAMMA) % 2 == 1
