"""The slow twin of the saved form: the same bytes, from the nested structure of a forest, with plain numbers.

Written from the docstrings of `core/packing.py` and the modules it names. It takes our own logarithm, whose last bit
decides over priorities; all else is its own.
"""

from __future__ import annotations

import math
import struct
from typing import Any

import numpy as np

from stream_rcf.core.arithmetic import log
from stream_rcf.core.block import KeyBlock
from stream_rcf.core.inspect import records_of, views
from stream_rcf.core.layout import BASE_SEQUENCE, KEY_SEED, RUNS, STORED, TIME_DECAY
from stream_rcf.core.model import CUT_VALUE_BITS
from tests.oracle.naive_coder import LENGTHS, NaiveCoder
from tests.oracle.naive_forest import BASE_SPAN, STEPS, bounded
from tests.oracle.naive_tree import box_around, cut_in_gap, outside_and_sides
from tests.oracle.random_stream import (
    CUTS,
    GOLDEN_STEP,
    MASK,
    PRIORITY,
    PURPOSES,
    RandomStream,
    mix,
    uniform_of,
)

MOST_SAMPLES = 6  # below a cut that may be drawn again
GAPS, RUN_LENGTHS, DIFFERENCES, SAMPLES = 0, LENGTHS, 2 * LENGTHS, 3 * LENGTHS
LARGEST, DRAWN, PRIORITIES_DRAWN, BETWEEN = SAMPLES, SAMPLES + 1, SAMPLES + 2, SAMPLES + 3
REDRAWN_CUTS = BETWEEN + LENGTHS
CONTEXTS = REDRAWN_CUTS + (MOST_SAMPLES + 1) * MOST_SAMPLES**2


def rank_of(value: float) -> int:
    """The number of a float32 in ascending order, 0 for 0."""
    bits = int(struct.unpack("<I", struct.pack("<f", value))[0])
    return bits if bits < 2**31 else 2**31 - bits


def step_of(value: float) -> int:
    """The exponent of the gap between a float32 and the next one away from zero."""
    return max(-126, math.frexp(value)[1] - 1) - 23 if value else -149


def first_rank(cell: int, exponent: int) -> int:
    """Of the values in a cell of a grid the number of the least one."""
    edge = math.ldexp(cell, exponent)
    return rank_of(edge) if abs(edge) < 2.0**128 else int(math.copysign(0x7F800000, edge))


def folded(difference: int) -> int:
    """Whole numbers as natural ones."""
    return 2 * difference if difference >= 0 else -2 * difference - 1


class NaivePacker:
    """Encodes one key."""

    def __init__(self, block: KeyBlock) -> None:
        self.block, self.model, self.parts = block, block.model, views(block)
        self.coder = NaiveCoder(CONTEXTS)
        self.records, runs = int(self.parts.integers[STORED]), int(self.parts.integers[RUNS])
        self.runs = list(
            zip(self.parts.run_first[:runs].tolist(), self.parts.run_event[:runs].tolist(), strict=True)
        )
        self.ends = [first for first, _ in self.runs[1:]] + [self.records] * bool(self.runs)
        self.store = self.parts.store[: self.records * self.model.dimensions].reshape(
            self.records, self.model.dimensions
        )
        # Of each record with which a whole point begins, the number of that point.
        self.sequences = {
            record: event + record - first
            for (first, event), end in zip(self.runs, self.ends, strict=True)
            for record in range(first, end - self.model.shingle_size + 1)
        }

    def encode(self) -> bytes:
        """All that follows the state words."""
        event = 0
        for (first, begin), end in zip(self.runs, self.ends, strict=True):
            self.coder.number(GAPS, begin - event)
            self.coder.number(RUN_LENGTHS, end - first)
            event = begin + end - first
        for feature in range(self.model.dimensions):
            self.encode_feature([float(value) for value in self.store[:, feature]])
        for tree in range(self.model.trees):
            self.encode_tree(tree)
        return self.coder.finish()

    def encode_feature(self, values: list[float]) -> None:
        """All values of one feature."""
        digits = next(
            (
                digits
                for digits in range(5)
                if all(
                    abs(round(v * 10.0**digits)) < 2**40
                    and np.float32(round(v * 10.0**digits) / 10.0**digits) == v
                    for v in values
                )
            ),
            -1,
        )
        exponent = max([-149, *map(step_of, values)])
        if digits >= 0:
            wholes = [round(value * 10.0**digits) for value in values]
        else:
            wholes = [math.floor(math.ldexp(value, -exponent)) for value in values]
        differences = [self.differences(wholes, following) for following in range(4)]
        bits = [sum(folded(d).bit_length() for d in tried) for tried in differences]
        following = bits.index(min(bits))
        self.coder.uniform(digits + 1, 6)
        self.coder.uniform(exponent + 149, 254)
        self.coder.uniform(following, 4)
        self.coder.forget(DIFFERENCES, DIFFERENCES + LENGTHS)
        for value, whole, difference in zip(values, wholes, differences[following], strict=True):
            self.coder.number(DIFFERENCES, folded(difference))
            if digits < 0:
                begin, end = first_rank(whole, exponent), first_rank(whole + 1, exponent)
                self.coder.uniform(rank_of(value) - begin, end - begin)

    @staticmethod
    def differences(wholes: list[int], following: int) -> list[int]:
        """What the running mean did not expect; it moves by 4**-following of that, in steps of 1/256."""
        mean, found = 0, []
        for whole in wholes:
            found.append(whole - ((mean + 128) >> 8))
            mean += (256 * whole - mean) >> (2 * following)
        return found

    def word(self, tree: int, sequence: int, purpose: int) -> int:
        """What the tree draws from for one purpose at a point."""
        seed = int(self.parts.integers[KEY_SEED]) & MASK
        event = mix((seed + (sequence + 1) * GOLDEN_STEP) & MASK)
        return mix((event + (PURPOSES * tree + purpose + 1) * GOLDEN_STEP) & MASK)

    def priority(self, tree: int, sequence: int) -> int:
        """As drawn, and raised since."""
        decay, base = float(self.parts.floats[TIME_DECAY]), int(self.parts.integers[BASE_SEQUENCE])
        span = max(1, math.floor(BASE_SPAN / decay)) if decay else 2**62
        spans, age = divmod(sequence - base, span)
        drawn = math.floor(log(-log(uniform_of(self.word(tree, sequence, PRIORITY)))) * STEPS + 0.5)
        return bounded(
            bounded(drawn - math.floor(decay * STEPS * age)) - spans * math.floor(decay * STEPS * span)
        )

    def encode_tree(self, tree: int) -> None:
        """A sample, and the cuts over it."""
        held = dict(
            zip(
                records_of(self.parts, tree).tolist(),
                self.parts.priority[tree, : int(self.parts.size[tree])].tolist(),
                strict=True,
            )
        )
        largest = int(self.parts.size.max())
        self.coder.bit(LARGEST, int(len(held) == largest))
        if len(held) < largest:
            self.coder.uniform(len(held), largest)
        if held:
            self.encode_sample(tree, held)
            self.encode_cuts(tree, 0, sorted(held))

    def encode_sample(self, tree: int, held: dict[int, int]) -> None:
        """Who is in the sample, and the priorities."""
        drawn = {record: self.priority(tree, sequence) for record, sequence in self.sequences.items()}
        last = min(record for record in held if held[record] == max(held.values()))
        below = {record for record in drawn if (drawn[record], -record) <= (drawn[last], -last)}
        is_drawn = below == set(held) and all(held[record] == drawn[record] for record in held)
        self.coder.bit(DRAWN, int(is_drawn))
        points = sorted(self.sequences)
        if is_drawn:
            self.coder.uniform(points.index(last), len(points))
            return
        places = [points.index(record) for record in sorted(held)]
        for before, place in zip([-1, *places], places, strict=False):
            self.coder.number(BETWEEN, place - before - 1)
        are_drawn = all(held[record] == drawn[record] for record in held)
        self.coder.bit(PRIORITIES_DRAWN, int(are_drawn))
        for record in [] if are_drawn else sorted(held):
            self.coder.share(held[record] + 2**31, 1, 2**32)

    def point(self, record: int) -> tuple[float, ...]:
        """The coordinates of the point that begins with this record."""
        return tuple(self.store[record : record + self.model.shingle_size].ravel().tolist())

    def encode_cuts(self, tree: int, slot: int, below: list[int]) -> None:
        """The cut over these samples, given oldest first, and those below it."""
        points = [self.point(record) for record in below]
        if len(set(points)) == 1:
            return
        word = int(self.parts.node[tree, slot])
        value = float(np.uint32(word & 0xFFFFFFFF).view(np.float32))
        dimension = (word >> (CUT_VALUE_BITS + self.model.left_bits)) & (2**self.model.dimension_bits - 1)
        if len(below) > MOST_SAMPLES or not self.encode_redrawn(tree, below, points, (dimension, value)):
            low, high = box_around(points)
            sides = [b - a for a, b in zip(low, high, strict=True)]
            shares = [1 + int(side * (65535.0 / max(sides))) if side > 0 else 0 for side in sides]
            self.coder.share(sum(shares[:dimension]), shares[dimension], sum(shares))
            self.encode_between(value, low[dimension], high[dimension])
        left = [record for record, point in zip(below, points, strict=True) if point[dimension] <= value]
        self.encode_cuts(tree, slot + 1, left)
        self.encode_cuts(tree, slot + len(left), [record for record in below if record not in left])

    def encode_redrawn(
        self, tree: int, below: list[int], points: list[tuple[float, ...]], cut: tuple[int, Any]
    ) -> bool:
        """Whether the cut was drawn for one of the samples beside the box of the older ones, and for which."""
        for newcomer in range(1, len(below)):
            low, high = box_around(points[:newcomer])
            outside, sides = outside_and_sides(low, high, points[newcomer])
            stream = RandomStream(self.word(tree, self.sequences[below[newcomer]], CUTS))
            for level in range(newcomer):
                rest = stream.uniform() * (sides + outside) - sides
                if outside == 0 or rest < 0:
                    continue
                is_it = cut_in_gap(low, high, points[newcomer], rest) == cut
                context = (len(below) * MOST_SAMPLES + newcomer) * MOST_SAMPLES + level
                self.coder.bit(REDRAWN_CUTS + context, int(is_it))
                if is_it:
                    return True
        return False

    def encode_between(self, value: float, low: float, high: float) -> None:
        """A value uniform from low on and below high: its cell, then which float32 in that."""
        exponent = max(step_of(low), step_of(high))
        cells = [
            math.floor(math.ldexp(v, -exponent)) for v in (low, value, np.nextafter(np.float32(high), low))
        ]
        self.coder.uniform(cells[1] - cells[0], cells[2] - cells[0] + 1)
        begin = max(rank_of(low), first_rank(cells[1], exponent))
        end = min(rank_of(high), first_rank(cells[1] + 1, exponent))
        self.coder.uniform(rank_of(value) - begin, end - begin)
