"""A stretch of one key's events, tree by tree instead of event by event: the same bits, sooner.

Between two points that a tree takes it does not change, and it takes one in ten or so. So the events between are walked
down together, and the tree stays in the smallest cache with all its boxes. Random numbers are a function of event and
tree, and an event's score is the sum over its trees in their order, so the order of the work makes no difference.
"""

from __future__ import annotations

import numpy as np

from stream_rcf.core.arithmetic import exp
from stream_rcf.core.kernel import inlined_kernel, kernel
from stream_rcf.core.layout import BASE_SEQUENCE, EVENTS_SEEN, KEY_SEED, STORED, TIME_DECAY, Block
from stream_rcf.core.memory import address_of
from stream_rcf.core.model import Model
from stream_rcf.core.random_stream import event_word
from stream_rcf.core.sampler import move_base, span_of
from stream_rcf.core.sampling import ORDINARY_WEIGHT, REJECTED, judge_offer, take_point
from stream_rcf.core.scoring import score_tree
from stream_rcf.core.scratch import Scratch
from stream_rcf.core.store import append_record
from stream_rcf.core.walk import WALKED_TOGETHER, walk_points
from stream_rcf.core.workshop import close_workshop, open_workshop

SHORTEST_STRETCH = 64  # events: for fewer, making all boxes costs more than they save


@inlined_kernel
def stretch_length(block: Block, model: Model, events: int, scratch: Scratch) -> int:
    """How many of the next ``events`` can be processed as one stretch; 0 for none.

    From the first whole shingle on, and as long as the base of the priorities stays where it is.
    """
    sequence = block.integers[EVENTS_SEEN] + 1 - model.shingle_size
    if sequence < 0 or events < SHORTEST_STRETCH:
        return 0
    move_base(block, sequence)
    until_base_moves = block.integers[BASE_SEQUENCE] + span_of(block.floats[TIME_DECAY]) - sequence
    length = min(events, until_base_moves, scratch.event_words.shape[0])
    return length if length >= SHORTEST_STRETCH else 0


@inlined_kernel
def _score_between(
    block: Block,
    model: Model,
    tree: int,
    first: int,
    last: int,
    points: int,
    scratch: Scratch,
    scores: np.ndarray,
) -> None:
    """Add the tree's scores of the events ``first`` to ``last`` to ``scores``; event 0 has its point at ``points``."""
    weight = scratch.log2_table[block.size[tree]]
    row = model.dimensions * 4
    for start in range(first, last + 1, WALKED_TOGETHER):
        point = points + start * row
        walk_points(block, model, tree, point, points + last * row, scratch.walks)
        for lane in range(min(WALKED_TOGETHER, last + 1 - start)):
            score = score_tree(block, model, tree, point + lane * row, lane, scratch)
            scores[start + lane] += score * weight


@kernel
def process_stretch(
    whole: Block, model: Model, rows: np.ndarray, scratch: Scratch, scores: np.ndarray
) -> None:
    """Score each of the ``rows`` (n, dimensions) float64 against the past and then learn it.

    ``n`` as ``stretch_length`` says; the store has room for them. ``scores`` (n,) float64 receives what
    ``score_point`` would give, 0 for events that come too early for a score.
    """
    count, seen = rows.shape[0], whole.integers[EVENTS_SEEN]
    first_sequence = seen + 1 - model.shingle_size
    first_record = whole.integers[STORED] + 1 - model.shingle_size
    points = address_of(whole.store) + first_record * (model.dimensions * 4)
    scored_from = max(0, model.output_after - seen)
    for event in range(count):
        append_record(whole, model, rows[event], seen + event)
        scratch.event_words[event] = event_word(np.uint64(whole.integers[KEY_SEED]), first_sequence + event)
    decay = whole.floats[TIME_DECAY]
    growth = exp(decay)
    first_age = first_sequence - whole.integers[BASE_SEQUENCE]
    scores[:] = 0.0
    for tree in range(model.trees):
        block = open_workshop(whole, model, tree, scratch)
        event = 0
        while event < count:
            taken, verdict, priority = event, REJECTED, 0
            while taken < count:
                verdict, priority = judge_offer(
                    block,
                    model,
                    tree,
                    scratch.event_words[taken],
                    ORDINARY_WEIGHT,
                    decay,
                    first_age + taken,
                    growth,
                )
                if verdict != REJECTED:
                    break
                taken += 1
            last = min(taken, count - 1)
            if block.size[tree] > 0 and last >= scored_from:
                _score_between(block, model, tree, max(event, scored_from), last, points, scratch, scores)
            if verdict != REJECTED:
                take_point(
                    block,
                    model,
                    tree,
                    first_record + taken,
                    verdict,
                    priority,
                    scratch.event_words[taken],
                    decay,
                    first_age + taken,
                    scratch,
                )
            event = last + 1
        close_workshop(whole, model, tree)
    for event in range(count):
        scores[event] /= model.trees
    whole.integers[EVENTS_SEEN] += count
