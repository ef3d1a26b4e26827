"""Random numbers as a pure function of (seed, key, event, tree, purpose): there is no generator state to keep or save.

Made of splitmix64: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014. A key's events
are the outputs of one stream; each of them seeds a stream whose outputs are dealt out to the trees.
"""

from __future__ import annotations

import hashlib

import numpy as np

from stream_rcf.core.kernel import inlined_kernel

GOLDEN_GAMMA = np.uint64(0x9E3779B97F4A7C15)  # odd, 2**64 / golden ratio: the stream's step
FIRST_MULTIPLIER = np.uint64(0xBF58476D1CE4E5B9)  # of the paper's variant 13 finaliser
SECOND_MULTIPLIER = np.uint64(0x94D049BB133111EB)
UNIFORM_STEP = 2.0**-52  # uniforms are odd multiples of half of it: never 0, never 1

# What a tree draws for at one event.
PRIORITY, ADMISSION, CUTS = 0, 1, 2
PURPOSES = 3


@inlined_kernel
def mix(z: np.uint64) -> np.uint64:
    """The splitmix64 finaliser: a bijection of 64-bit words."""
    z = (z ^ (z >> np.uint64(30))) * FIRST_MULTIPLIER
    z = (z ^ (z >> np.uint64(27))) * SECOND_MULTIPLIER
    return z ^ (z >> np.uint64(31))


@inlined_kernel
def uniform_of(word: np.uint64) -> float:
    """A number strictly between 0 and 1 from the upper bits of ``word``."""
    return (np.float64(word >> np.uint64(12)) + 0.5) * UNIFORM_STEP


@inlined_kernel
def event_word(key_seed: np.uint64, sequence: int) -> np.uint64:
    """The word that all draws of the key's event number ``sequence`` (from 0) come from."""
    return mix(key_seed + np.uint64(sequence + 1) * GOLDEN_GAMMA)


@inlined_kernel
def tree_word(event: np.uint64, tree: int, purpose: int) -> np.uint64:
    """The word of one tree for one purpose at one event."""
    return mix(event + np.uint64(PURPOSES * tree + purpose + 1) * GOLDEN_GAMMA)


@inlined_kernel
def cut_word(stream: np.uint64, level: int) -> np.uint64:
    """Draw number ``level`` (from 0) of the stream that the word ``stream`` seeds: one for each box on the way up."""
    return mix(stream + np.uint64(level + 1) * GOLDEN_GAMMA)


def key_seed(seed: int, key: str) -> int:
    """The seed of one key's forest: a stable hash, the same in every process and version."""
    digest = hashlib.blake2b(seed.to_bytes(8, "little", signed=True) + key.encode("utf-8"), digest_size=8)
    return int.from_bytes(digest.digest(), "little")
