"""Drawing again what the key drew before: priorities, and whole samples, from nothing but its seed and its events.

A priority is a pure function of (seed, point, tree, decay), and a full sample is what of all points has the smallest
ones. So a saved key needs neither, as long as every point had weight 1 and the decay never changed: it is enough to
say which sample is the next to be evicted, and the others are those of the points in the store that lie below it.
Whoever saves must look whether that is so (a sample may also be filling up slowly), and else write what is not.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from llvmlite import ir
from numba import types

from stream_rcf.core.arithmetic import exp
from stream_rcf.core.kernel import inlined_kernel, intrinsic, kernel
from stream_rcf.core.layout import BASE_SEQUENCE, KEY_SEED, RUNS, STORED, TIME_DECAY, Block
from stream_rcf.core.model import Model
from stream_rcf.core.random_stream import PRIORITY, event_word, tree_word, uniform_of
from stream_rcf.core.sampler import (
    GREATEST_PRIORITY,
    NEVER,
    REJECTION_MARGIN,
    STEPS,
    bounded,
    decay_steps,
    draw_steps,
    span_of,
)

RECORD_BITS = 32  # the lower half of an entry; the upper one is the priority
RECORD_MASK = (1 << RECORD_BITS) - 1
NO_POINT = -1
NEARLY_TWO = 2.0 - 2.0**-50  # by more than rounding can make up for


class Points(NamedTuple):
    """The points that are whole in the store, oldest first: ``n`` records, of which the first words count."""

    record: np.ndarray  # (n,) int64: where the point begins
    word: np.ndarray  # (n,) uint64: what all draws of its event come from
    sunk: np.ndarray  # (n,) int64: steps by which its priorities had sunk since the base when they were drawn
    raised: np.ndarray  # (n,) int64: steps by which the base has moved since
    growth: np.ndarray  # (n,) float64: what a limit on ``-log(u)`` of the base's points is multiplied by
    place: np.ndarray  # (n,) int64: of each record the place of its point in the rows above, or NO_POINT


def new_points(records: int) -> Points:
    """Room for the points of so many records."""
    return Points(
        np.empty(records, np.int64),
        np.empty(records, np.uint64),
        np.empty(records, np.int64),
        np.empty(records, np.int64),
        np.empty(records, np.float64),
        np.empty(records, np.int64),
    )


@inlined_kernel
def entry_of(priority: int, record: int) -> int:
    """A sample as one number: its priority and its record."""
    return (priority << RECORD_BITS) | record


@inlined_kernel
def priority_of(entry: int) -> int:
    """The priority of an entry."""
    return entry >> RECORD_BITS


@inlined_kernel
def record_in(entry: int) -> int:
    """The record of an entry."""
    return entry & RECORD_MASK


@kernel
def list_points(block: Block, model: Model, points: Points) -> int:
    """List the points that are whole in the store; returns how many there are."""
    runs, stored = block.integers[RUNS], block.integers[STORED]
    seed, decay = np.uint64(block.integers[KEY_SEED]), block.floats[TIME_DECAY]
    base, span, growth = block.integers[BASE_SEQUENCE], span_of(decay), exp(decay)
    moved = decay_steps(decay, span) if decay > 0.0 else 0
    most_spans = NEVER // (moved + 1)
    count = 0
    for run in range(runs):
        first = block.run_first[run]
        end = block.run_first[run + 1] if run + 1 < runs else stored
        age, raised, factor = (
            span,
            0,
            0.0,
        )  # from the base of the time on; factors are carried on by multiplication
        for record in range(first, end):
            if record + model.shingle_size > end:
                points.place[record] = NO_POINT
                continue
            sequence = block.run_event[run] + record - first
            if age >= span:
                spans = (sequence - base) // span  # rounded down: the base stood so many spans from here
                age = sequence - base - spans * span
                raised = min(max(-spans, -most_spans), most_spans) * moved
                factor = exp((decay_steps(decay, age) - raised) / STEPS)
            points.record[count] = record
            points.word[count] = event_word(seed, sequence)
            points.sunk[count] = decay_steps(decay, age)
            points.raised[count] = raised
            points.growth[count] = factor
            points.place[record] = count
            age += 1
            factor *= growth
            count += 1
    return count


@inlined_kernel
def redrawn_priority(points: Points, place: int, tree: int) -> int:
    """The priority that the point at ``place`` drew in the tree, as it stands now."""
    uniform = uniform_of(tree_word(points.word[place], tree, PRIORITY))
    return sunk_and_raised(points, place, draw_steps(uniform, 1.0))


@inlined_kernel
def sunk_and_raised(points: Points, place: int, steps: int) -> int:
    """The priority of the point at ``place`` that drew so many steps, as it stands now."""
    return bounded(bounded(steps - points.sunk[place]) + points.raised[place])


@kernel
def draw_again(drawn: np.ndarray, count: int, tree: int) -> None:
    """Put in place of each of the first ``count`` points' words, int64, the steps that it drew in the tree.

    Apart from all that looks things up, so that the compiler takes several at once: a third of the time.
    """
    for i in range(count):
        drawn[i] = draw_steps(uniform_of(tree_word(np.uint64(drawn[i]), tree, PRIORITY)), 1.0)


@intrinsic
def _one_more(_context: Any, word: Any) -> Any:
    """1 and the uniform number of a word, rounded down: made of its bits, several times as fast as the number."""

    def generate(_target: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        word_type = ir.IntType(64)
        bits = builder.lshr(arguments[0], ir.Constant(word_type, 12))
        return builder.bitcast(builder.or_(bits, ir.Constant(word_type, 1023 << 52)), ir.DoubleType())

    return types.float64(types.uint64), generate


@kernel
def redraw_sample(points: Points, count: int, tree: int, last: int, entries: np.ndarray) -> int:
    """Write to ``entries`` the points that are not evicted before the one at place ``last``, oldest first.

    Of equal priorities the oldest is evicted first. ``entries``, int64, has room for all points and one more.
    Returns how many there are. As in ``surely_rejected``, most are left out without a logarithm: -log(u) >= 1 - u.
    """
    greatest = redrawn_priority(points, last, tree)
    limit, threshold = REJECTION_MARGIN * exp((greatest + 2) / STEPS), NEARLY_TWO
    if greatest == GREATEST_PRIORITY:  # which bounds what may have been drawn far above it: look at all
        limit, threshold = 0.0, 0.0
    likely = 0
    for place in range(count):  # without branches: which point passes cannot be predicted
        entries[likely] = place
        drawn = _one_more(tree_word(points.word[place], tree, PRIORITY))
        likely += drawn >= threshold - limit * points.growth[place]
    found = 0
    for i in range(likely):
        place = entries[i]
        priority = redrawn_priority(points, place, tree)
        if priority < greatest or (priority == greatest and place >= last):
            entries[found] = entry_of(priority, points.record[place])
            found += 1
    return found
