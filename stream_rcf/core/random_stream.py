"""The random stream: splitmix64, one 64-bit word of state, so that a checkpoint of it is one integer.

Source of the generator: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.
"""

from __future__ import annotations

import hashlib

import numpy as np

from stream_rcf.core.kernel import inlined_kernel, kernel

GOLDEN_GAMMA = np.uint64(0x9E3779B97F4A7C15)  # odd, 2**64 / golden ratio: the stream's step
FIRST_MULTIPLIER = np.uint64(0xBF58476D1CE4E5B9)  # of the paper's variant 13 finaliser
SECOND_MULTIPLIER = np.uint64(0x94D049BB133111EB)
UNIFORM_STEP = 2.0**-52  # uniforms are odd multiples of half of it: never 0, never 1


@inlined_kernel
def mix(z: np.uint64) -> np.uint64:
    """The splitmix64 finaliser: a bijection of 64-bit words."""
    z = (z ^ (z >> np.uint64(30))) * FIRST_MULTIPLIER
    z = (z ^ (z >> np.uint64(27))) * SECOND_MULTIPLIER
    return z ^ (z >> np.uint64(31))


@inlined_kernel
def next_uniform(states: np.ndarray, tree: int, stream: int) -> float:
    """Advance ``states[tree, stream]`` and return a number strictly between 0 and 1."""
    state = states[tree, stream] + GOLDEN_GAMMA
    states[tree, stream] = state
    return (np.float64(mix(state) >> np.uint64(12)) + 0.5) * UNIFORM_STEP


@kernel
def seed_trees(key_seed: np.uint64, states: np.ndarray) -> None:
    """Give every tree its two streams, (trees, 2) uint64: the sampler's in column 0, the cuts' in column 1."""
    for tree in range(states.shape[0]):
        states[tree, 0] = mix(key_seed + np.uint64(2 * tree + 1) * GOLDEN_GAMMA)
        states[tree, 1] = mix(key_seed + np.uint64(2 * tree + 2) * GOLDEN_GAMMA)


def key_seed(seed: int, key: str) -> int:
    """The seed of one key's forest: a stable hash, the same in every process and version."""
    digest = hashlib.blake2b(seed.to_bytes(8, "little", signed=True) + key.encode("utf-8"), digest_size=8)
    return int.from_bytes(digest.digest(), "little")
