"""The documented random stream, written with plain integers.

docs/architecture.md, "Random stream" and "Seeds". The mixing function is the splitmix64 finaliser.
"""

from __future__ import annotations

import hashlib

MASK = 2**64 - 1
GOLDEN_STEP = 0x9E3779B97F4A7C15  # 2**64 / golden ratio, the step of the splitmix64 counter


def mix(value: int) -> int:
    """Scramble 64 bits: the splitmix64 finaliser."""
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & MASK
    return value ^ (value >> 31)


class RandomStream:
    """One stream of random numbers; its whole state is one 64-bit integer."""

    def __init__(self, state: int) -> None:
        self.state = state & MASK

    def next_bits(self) -> int:
        """The next 64 random bits."""
        self.state = (self.state + GOLDEN_STEP) & MASK
        return mix(self.state)

    def uniform(self) -> float:
        """The next number strictly between 0 and 1, with 52 random bits."""
        return uniform_of(self.next_bits())


def key_seed(seed: int, key: str) -> int:
    """The seed of one key's forest: BLAKE2b of (seed, key), 8 bytes, little endian."""
    text = seed.to_bytes(8, "little", signed=True) + key.encode("utf-8")
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "little")


PRIORITY, ADMISSION, CUTS = 0, 1, 2  # what a tree draws for at one event
PURPOSES = 3


def tree_word(seed: int, key: str, sequence: int, tree: int, purpose: int) -> int:
    """The word of tree number `tree` for one purpose at the key's point number `sequence`."""
    event = mix((key_seed(seed, key) + (sequence + 1) * GOLDEN_STEP) & MASK)
    return mix((event + (PURPOSES * tree + purpose + 1) * GOLDEN_STEP) & MASK)


def uniform_of(word: int) -> float:
    """A number strictly between 0 and 1, with 52 random bits."""
    return ((word >> 12) + 0.5) * 2.0**-52


def cut_stream(seed: int, key: str, sequence: int, tree: int) -> RandomStream:
    """The stream that the tree draws its cuts from when it inserts that point."""
    return RandomStream(tree_word(seed, key, sequence, tree, CUTS))
