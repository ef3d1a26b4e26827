"""Cuts that need not be saved: of a few samples it is often known which of them made the cut, and how it was drawn.

A cut is drawn when a point is inserted, from the point's own word, beside a box of points that were there already. If
of these none has gone since, the samples below the cut say it all: which of them came after which, and so what box each
may have met. All cuts that could have come about this way are gone through in one fixed order, and for each is written
whether it is the one; the chances of that are learned. (On average every second cut of two to six samples is.)
"""

from __future__ import annotations

import numpy as np

from stream_rcf.core.boxes import begin_box, border, extend_box, gaps
from stream_rcf.core.cuts import cut_gap, rest_of_cut
from stream_rcf.core.kernel import inlined_kernel
from stream_rcf.core.layout import Block
from stream_rcf.core.memory import address_of, load_float
from stream_rcf.core.model import Model
from stream_rcf.core.random_stream import CUTS, cut_word, tree_word, uniform_of
from stream_rcf.core.range_coder import Coder, decode_bit, encode_bit
from stream_rcf.core.redrawing import Points, record_in

MOST_SAMPLES = 6  # below a cut: of more, hardly ever is none gone
CUT_CONTEXTS = (MOST_SAMPLES + 1) * MOST_SAMPLES * MOST_SAMPLES
NOT_REDRAWN = -1


@inlined_kernel
def address_in(block: Block, model: Model, entry: int) -> int:
    """Where the point of an entry lies."""
    return address_of(block.store) + record_in(entry) * (4 * model.dimensions)


@inlined_kernel
def _context(mass: int, newcomer: int, level: int) -> int:
    return (mass * MOST_SAMPLES + newcomer) * MOST_SAMPLES + level


@inlined_kernel
def _separates(box: int, point: int, dimension: int, value: np.float32) -> bool:
    """Whether the cut lies between the box and the point: it must, and one that does not is told apart quickly."""
    lower, upper = border(box, dimension)
    x = load_float(point + 4 * dimension)
    return x <= value < lower or upper <= value < x


@inlined_kernel
def encode_redrawn(
    coder: Coder,
    context: int,
    block: Block,
    model: Model,
    tree: int,
    points: Points,
    entries: np.ndarray,
    first: int,
    mass: int,
    box: int,
    mask: int,
    dimension: int,
    value: np.float32,
) -> bool:
    """Write whether and how the cut (``dimension``, ``value``) can be drawn again; whether it can.

    ``entries`` hold from ``first`` on ``mass`` samples, oldest first; ``box`` and ``mask`` are addresses of scratch.
    """
    begin_box(model, box, address_in(block, model, entries[first]))
    for newcomer in range(1, mass):
        point = address_in(block, model, entries[first + newcomer])
        distance, sides = gaps(model, box, point, mask)
        if distance > 0.0:
            cuts = tree_word(points.word[points.place[record_in(entries[first + newcomer])]], tree, CUTS)
            for level in range(newcomer):
                rest = rest_of_cut(uniform_of(cut_word(cuts, level)), distance, sides)
                if rest < 0.0:
                    continue
                is_it = False
                if _separates(box, point, dimension, value):
                    drawn, drawn_value = cut_gap(box, point, model.point_dimensions, rest)
                    is_it = drawn == dimension and drawn_value == value
                encode_bit(coder, context + _context(mass, newcomer, level), int(is_it))
                if is_it:
                    return True
        extend_box(model, box, point)
    return False


@inlined_kernel
def decode_redrawn(
    coder: Coder,
    context: int,
    block: Block,
    model: Model,
    tree: int,
    points: Points,
    entries: np.ndarray,
    first: int,
    mass: int,
    box: int,
    mask: int,
) -> tuple[int, np.float32]:
    """Read what ``encode_redrawn`` wrote: (dimension, value), or (NOT_REDRAWN, 0)."""
    begin_box(model, box, address_in(block, model, entries[first]))
    for newcomer in range(1, mass):
        point = address_in(block, model, entries[first + newcomer])
        distance, sides = gaps(model, box, point, mask)
        if distance > 0.0:
            cuts = tree_word(points.word[points.place[record_in(entries[first + newcomer])]], tree, CUTS)
            for level in range(newcomer):
                rest = rest_of_cut(uniform_of(cut_word(cuts, level)), distance, sides)
                if rest >= 0.0 and decode_bit(coder, context + _context(mass, newcomer, level)):
                    return cut_gap(box, point, model.point_dimensions, rest)
        extend_box(model, box, point)
    return NOT_REDRAWN, np.float32(0.0)
