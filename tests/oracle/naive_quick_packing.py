"""The slow twin of the quick saved form: the same bytes as one long text of binary digits.

Written from the docstrings of `core/quick_packing.py` and the modules it names.
"""

from __future__ import annotations

import numpy as np

from stream_rcf.core.inspect import points_of, records_of
from stream_rcf.core.layout import KEEPS_PRIORITIES
from stream_rcf.core.model import CUT_VALUE_BITS
from tests.oracle.naive_packing import NaivePacker, folded, rank_of

GROUP = 32


def wrapped(number: int) -> int:
    """The number of least size that differs by a multiple of 2**32; of two the negative one."""
    return (number + 2**31) % 2**32 - 2**31


class NaiveQuickPacker(NaivePacker):
    """Writes one key, bit after bit."""

    def encode(self) -> bytes:
        """All that follows the state words."""
        self.bits: list[int] = []
        event = 0
        for (first, begin), end in zip(self.runs, self.ends, strict=True):
            self.number(begin - event)
            self.number(end - first)
            event = begin + end - first
        for feature in range(self.model.dimensions):
            self.write_feature([rank_of(float(value)) for value in self.store[:, feature]])
        for tree in range(self.model.trees):
            self.write_tree(tree)
        whole = sum(bit << place for place, bit in enumerate(self.bits))
        return whole.to_bytes((len(self.bits) + 7) // 8, "little")

    def field(self, value: int, width: int) -> None:
        """The lowest bit first."""
        assert 0 <= value < 2**width
        self.bits += [value >> place & 1 for place in range(width)]

    def number(self, value: int) -> None:
        """Its length, and all its bits but the highest."""
        length = value.bit_length()
        self.field(length, 6)
        self.field(value - (1 << length >> 1), max(0, length - 1))

    def write_feature(self, ranks: list[int]) -> None:
        """The ranks of all values of one feature."""
        zeros = next((n for n in range(31) if any(rank >> n & 1 for rank in ranks)), 31)
        self.field(zeros, 5)
        ranks = [rank >> zeros for rank in ranks]
        numbers = [folded(wrapped(rank - before)) for before, rank in zip([0, *ranks], ranks, strict=False)]
        for first in range(0, len(numbers), GROUP):
            group = numbers[first : first + GROUP]
            width = max(group).bit_length()
            self.field(width, 6)
            for number in group:
                self.field(number, width)

    def write_tree(self, tree: int) -> None:
        """Size, records, priorities where they are kept, cuts."""
        size, largest = int(self.parts.size[tree]), int(self.parts.size.max())
        self.field(size, largest.bit_length())
        for record in records_of(self.parts, tree).tolist():
            self.field(record, (self.records - 1).bit_length())
        if self.parts.integers[KEEPS_PRIORITIES]:
            for priority in self.parts.priority[tree, :size].tolist():
                self.field(priority + 2**31, 32)
        points = [tuple(point) for point in points_of(self.block, tree).tolist()]
        self.write_cuts(tree, 0, points)

    def write_cuts(self, tree: int, slot: int, points: list[tuple[float, ...]]) -> None:
        """The cut over these points, given in leaf order, and those below it."""
        if len(points) < 2:
            return
        bits = (len(points) - 1).bit_length()
        if len(set(points)) == 1:
            self.field(0, bits)
            return
        word = int(self.parts.node[tree, slot])
        value = np.uint32(word & 0xFFFFFFFF).view(np.float32)
        dimension = (word >> (CUT_VALUE_BITS + self.model.left_bits)) & (2**self.model.dimension_bits - 1)
        left = [point for point in points if point[dimension] <= value]
        self.field(len(left), bits)
        self.field(dimension, self.model.dimension_bits)
        self.field(int((value + np.float32(0)).view(np.uint32)), CUT_VALUE_BITS)
        self.write_cuts(tree, slot + 1, left)
        self.write_cuts(tree, slot + len(left), points[len(left) :])
