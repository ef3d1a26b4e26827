"""Seeded mutation of bytes: flips, cuts, splices, and words that parsers stumble over."""

from __future__ import annotations

import random
from collections.abc import Sequence

WORDS: tuple[bytes, ...] = (
    b"NaN",
    b"-Infinity",
    b"1e999",
    b"-0",
    b"9" * 400,
    b"0.1e-999",
    b"null",
    b"true",
    b"[" * 200,
    b'{"a":' * 100,
    b"]",
    b"}",
    b'"',
    b"\\u0000",
    b"\\ud800",
    b"\xc3\x28",
    b"\xff\xfe",
    b"\x00" * 8,
    b"\xff" * 8,
    b"\x7f\xff\xff\xff",
    b"9999-12-31T23:59:59Z",
    b"1970-01-01T00:00:00+99:99",
    b"18446744073709551616",
    b'"key"',
    b'"value"',
    b'"timestamp"',
)
LONGEST = 100_000  # bytes that an input may grow to


class Mutator:
    """Makes inputs out of ``corpus``; the same seed makes the same ones."""

    def __init__(self, corpus: Sequence[bytes], seed: int) -> None:
        self._corpus = tuple(corpus)
        self._random = random.Random(seed)

    def next(self) -> bytes:
        """One of the corpus, changed one to four times."""
        chance = self._random.random
        data = bytearray(self._corpus[int(chance() * len(self._corpus))])
        for _ in range(1 + int(chance() * 4)):
            self._change(data)
        return bytes(data[:LONGEST])

    def _change(self, data: bytearray) -> None:
        chance = self._random.random
        size = len(data)
        place = int(chance() * (size + 1))
        kind = chance()
        if kind < 0.35 and size:
            data[place % size] ^= 1 << int(chance() * 8)
        elif kind < 0.5 and size:
            data[place % size] = int(chance() * 256)
        elif kind < 0.7:
            data[place:place] = WORDS[int(chance() * len(WORDS))]
        elif kind < 0.85:
            del data[place : place + 1 + int(chance() * 16)]
        elif kind < 0.95:
            other = self._corpus[int(chance() * len(self._corpus))]
            cut = int(chance() * (len(other) + 1))
            data[place:] = other[cut:]
        else:
            data[place:place] = data[place : place + int(chance() * 64)] * int(chance() * 8)
