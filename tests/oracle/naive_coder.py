"""The slow twin of `core/range_coder.py`: one whole number that grows, so that nothing ever has to be carried."""

from __future__ import annotations

LENGTHS = 64  # contexts of a number's bits
FIRST_BIT_CONTEXT = 64  # as in tests/core/coder_kernels.py


class NaiveCoder:
    """Writes symbols; the bytes are those of the coder's docstring."""

    def __init__(self, contexts: int) -> None:
        self.low = 0  # of what was written, in steps of 256 ** -(bytes + 7)
        self.width = 1 << 56
        self.bytes = 0
        self.chances = [[1 << 15, 0] for _ in range(contexts)]

    def narrow(self, start: int, width: int) -> None:
        """Keep a part of the range; at least 2**48 steps."""
        self.low, self.width = self.low + start, width
        while self.width < 1 << 48:
            self.low, self.width, self.bytes = self.low << 8, self.width << 8, self.bytes + 1

    def share(self, start: int, size: int, total: int) -> None:
        """Something with the probability size / total."""
        step = self.width // total
        self.narrow(step * start, step * size)

    def uniform(self, value: int, total: int) -> None:
        """One of `total` equally probable numbers."""
        if total > 1:
            self.share(value, 1, total)

    def bit(self, context: int, bit: int) -> None:
        """A bit with chances that are learned."""
        chance, seen = self.chances[context]
        zero = (self.width >> 16) * chance
        if bit:
            self.narrow(zero, self.width - zero)
        else:
            self.narrow(0, zero)
        chance += ((0 if bit else 65536) - chance) * (65536 // (seen + 2)) >> 16
        self.chances[context] = [min(max(chance, 32), 65536 - 32), min(seen + 1, 255)]

    def number(self, context: int, value: int) -> None:
        """How many bits it has, from the highest of six binary digits on; then all but its first bit."""
        length = value.bit_length()
        for level in range(6):
            place = (1 << level) | (length >> (6 - level))
            self.bit(context + place, (length >> (5 - level)) & 1)
        rest = value - (1 << length >> 1)
        if length > 33:
            self.share(rest >> 32, 1, 1 << (length - 33))
            rest, length = rest % (1 << 32), 33
        if length > 1:
            self.share(rest, 1, 1 << (length - 1))

    def forget(self, first: int, last: int) -> None:
        """Begin anew in some contexts."""
        for context in range(first, last):
            self.chances[context] = [1 << 15, 0]

    def write(self, kind: int, value: int, argument: int) -> None:
        """A symbol as the tests of the coder list it."""
        if kind == 0:
            self.bit(FIRST_BIT_CONTEXT + argument, value)
        elif kind == 1:
            self.share(value, 1, 1 << argument)
        elif kind == 2:
            self.uniform(value, argument)
        else:
            self.number(0, value)

    def finish(self) -> bytes:
        """All bytes: of the numbers in the last range the one with most zeros at its end, without them."""
        return ((self.low + (1 << 48) - 1) >> 48).to_bytes(self.bytes + 1, "big")
