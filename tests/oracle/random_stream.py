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
        return ((self.next_bits() >> 12) + 0.5) * 2.0**-52


def key_seed(seed: int, key: str) -> int:
    """The seed of one key's forest: BLAKE2b of (seed, key), 8 bytes, little endian."""
    text = seed.to_bytes(8, "little", signed=True) + key.encode("utf-8")
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "little")


def sampler_stream(seed: int, key: str, tree: int) -> RandomStream:
    """The stream that decides which points tree number `tree` samples."""
    return RandomStream(mix((key_seed(seed, key) + (2 * tree + 1) * GOLDEN_STEP) & MASK))


def cut_stream(seed: int, key: str, tree: int) -> RandomStream:
    """The stream that tree number `tree` draws its cuts from."""
    return RandomStream(mix((key_seed(seed, key) + (2 * tree + 2) * GOLDEN_STEP) & MASK))
