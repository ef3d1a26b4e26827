"""Bytes with one bit flipped, for tests of what reads them."""

from __future__ import annotations

import random
from collections.abc import Iterator


def with_flipped_bits(data: bytes, count: int) -> Iterator[bytes]:
    """``count`` copies of ``data``, each with another bit flipped, the same in every run."""
    generator = random.Random(7)
    for _ in range(count):
        bit = generator.randrange(8 * len(data))
        damaged = bytearray(data)
        damaged[bit // 8] ^= 1 << bit % 8
        yield bytes(damaged)
