"""The documented random stream: known numbers, the twin's numbers, and the ends of the range."""

from __future__ import annotations

import numpy as np
import pytest

from stream_rcf.core.random_stream import GOLDEN_GAMMA, key_seed, mix, next_uniform, seed_trees
from tests.oracle import random_stream as twin

WORD = 2**64
# The first outputs of splitmix64 seeded with 0, as its authors' program prints them.
SPLITMIX64_OF_0 = (0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F, 0xF88BB8A8724C81EC)


def states_of(*states: int) -> np.ndarray:
    """One tree with these states of its streams."""
    return np.array([states], np.uint64)


def unmix(value: int) -> int:
    """The word that `mix` turns into `value`: each of its steps undone, last first."""
    for shift, multiplier in ((31, 0x94D049BB133111EB), (27, 0xBF58476D1CE4E5B9), (30, 1)):
        undone = value
        for _ in range(3):
            undone = value ^ (undone >> shift)
        value = undone * pow(multiplier, -1, WORD) % WORD
    return value


def test_the_stream_is_splitmix64() -> None:
    states = states_of(0, 0)
    drawn = [next_uniform(states, 0, 0) for _ in SPLITMIX64_OF_0]
    assert drawn == [((word >> 12) + 0.5) / 2**52 for word in SPLITMIX64_OF_0]


def test_mix_agrees_with_plain_integers() -> None:
    for word in (0, 1, 2**63, WORD - 1, 0x0123456789ABCDEF, *SPLITMIX64_OF_0):
        assert int(mix(np.uint64(word))) == twin.mix(word)


@pytest.mark.parametrize(("word", "uniform"), [(0, 2.0**-53), (WORD - 1, 1.0 - 2.0**-53)])
def test_uniforms_never_reach_0_or_1(word: int, uniform: float) -> None:
    before = (unmix(word) - int(GOLDEN_GAMMA)) % WORD
    assert twin.mix(unmix(word)) == word
    assert next_uniform(states_of(before, 0), 0, 0) == uniform
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
    states = np.zeros((5, 2), np.uint64)
    seed_trees(np.uint64(key_seed(seed, key)), states)
    for tree in range(5):
        for column, stream in enumerate(
            (twin.sampler_stream(seed, key, tree), twin.cut_stream(seed, key, tree))
        ):
            assert int(states[tree, column]) == stream.state
            assert [next_uniform(states, tree, column) for _ in range(100)] == [
                stream.uniform() for _ in range(100)
            ]
            assert int(states[tree, column]) == stream.state


def test_drawing_moves_only_its_own_stream() -> None:
    states = np.array([[1, 2], [3, 4]], np.uint64)
    next_uniform(states, 1, 0)
    assert states[0].tolist() == [1, 2]
    assert states[1, 1] == 4
    assert states[1, 0] != 3


def test_uniforms_are_spread_evenly() -> None:
    states = states_of(12345, 0)
    drawn = np.array([next_uniform(states, 0, 0) for _ in range(100_000)])
    counts = np.histogram(drawn, bins=100, range=(0, 1))[0]
    chi_squared = ((counts - 1000) ** 2 / 1000).sum()
    assert 50 < chi_squared < 160  # 99 degrees of freedom: mean 99, deviation 14
