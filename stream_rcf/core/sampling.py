"""Offering a point to the samples of all trees: who takes it, and what leaves for it (reference, 1.1 and 3)."""

from __future__ import annotations

import numpy as np

from stream_rcf.core.arithmetic import exp
from stream_rcf.core.deletion import delete_sample
from stream_rcf.core.insertion import insert_point
from stream_rcf.core.kernel import inlined_kernel, kernel
from stream_rcf.core.layout import (
    BASE_SEQUENCE,
    EVENTS_SEEN,
    KEEPS_PRIORITIES,
    KEY_SEED,
    TIME_DECAY,
    Block,
    open_block,
)
from stream_rcf.core.model import Model
from stream_rcf.core.random_stream import ADMISSION, CUTS, PRIORITY, event_word, tree_word, uniform_of
from stream_rcf.core.sampler import (
    admission,
    bounded,
    decay_steps,
    draw_steps,
    greatest_priority,
    limit_of,
    move_base,
    next_evicted,
    raise_priorities,
    surely_rejected,
)
from stream_rcf.core.scratch import Scratch

ORDINARY_WEIGHT = 1.0  # of an event that is sampled like any other
REJECTED, ADMITTED, REPLACING = 0, 1, 2  # what becomes of a point that is offered to a tree


@kernel
def sample_point(block: Block, model: Model, record: int, weight: float, scratch: Scratch) -> None:
    """Offer the point that begins at ``record`` of the store, the latest one, to every tree.

    ``weight`` above 0: 2 is taken as readily as two equal points.
    """
    sequence = block.integers[EVENTS_SEEN] - model.shingle_size
    move_base(block, sequence)
    decay = block.floats[TIME_DECAY]
    age = sequence - block.integers[BASE_SEQUENCE]
    growth = exp(decay)
    word = event_word(np.uint64(block.integers[KEY_SEED]), sequence)
    if weight != 1.0:
        block.integers[KEEPS_PRIORITIES] = 1
    for tree in range(model.trees):
        verdict, priority = judge_offer(block, model, tree, word, weight, decay, age, growth)
        if verdict != REJECTED:
            take_point(block, model, tree, record, verdict, priority, word, decay, age, scratch)


@inlined_kernel
def judge_offer(
    block: Block,
    model: Model,
    tree: int,
    word: np.uint64,
    weight: float,
    decay: float,
    age: int,
    growth: float,
) -> tuple[int, int]:
    """(REJECTED, ADMITTED or REPLACING, the priority drawn) for a point whose event has the random ``word``.

    Called once for each tree and point: the limit of sure rejection goes on to the next point.
    """
    uniform = uniform_of(tree_word(word, tree, PRIORITY))
    if block.size[tree] == model.sample_size:
        limit = block.limit[tree]
        block.limit[tree] = limit * growth
        if surely_rejected(uniform, limit * weight):
            return REJECTED, 0
    priority = bounded(draw_steps(uniform, weight) - decay_steps(decay, age))
    if _is_admitted(block, model, tree, word):
        return ADMITTED, priority
    return REPLACING if priority < block.greatest[tree] else REJECTED, priority


@inlined_kernel
def take_point(
    block: Block,
    model: Model,
    tree: int,
    record: int,
    verdict: int,
    priority: int,
    word: np.uint64,
    decay: float,
    age: int,
    scratch: Scratch,
) -> None:
    """Let the tree learn the point that begins at ``record``, ``age`` points after the base."""
    if verdict == REPLACING:
        delete_sample(block, model, tree, next_evicted(block, tree), scratch)
    insert_point(block, model, tree, record, priority, tree_word(word, tree, CUTS), scratch)
    block.greatest[tree] = greatest_priority(block, tree)
    if block.size[tree] == model.sample_size:
        block.limit[tree] = limit_of(block.greatest[tree], decay, age + 1)


@inlined_kernel
def _is_admitted(block: Block, model: Model, tree: int, word: np.uint64) -> bool:
    """Whether the sample takes the point in without giving one up."""
    size = block.size[tree]
    if size == model.sample_size:
        return False
    probability = admission(size, model.sample_size, model.initial_accept_fraction)
    if size == 0 or probability >= 1.0:
        return True
    return uniform_of(tree_word(word, tree, ADMISSION)) < probability


@inlined_kernel
def pass_by(block: Block, model: Model) -> None:
    """Let the latest point go by unsampled: the next one is the younger for it."""
    growth = exp(block.floats[TIME_DECAY])
    for tree in range(model.trees):
        if block.size[tree] == model.sample_size:
            block.limit[tree] *= growth


@kernel
def change_decay(address: int, model: Model, decay: float) -> None:
    """From the next point on let priorities sink by ``decay`` per point.

    Those drawn before are brought to the present, all by the same steps, so they stay exactly as far apart as they are
    (algorithm reference, section 3; there what had sunk before is lost when a forest is saved, here it is not).
    """
    block = open_block(address, model)
    sequence = max(0, block.integers[EVENTS_SEEN] + 1 - model.shingle_size)
    move_base(block, sequence)
    raise_priorities(block, decay_steps(block.floats[TIME_DECAY], sequence - block.integers[BASE_SEQUENCE]))
    block.integers[BASE_SEQUENCE] = sequence
    block.integers[KEEPS_PRIORITIES] = 1
    block.floats[TIME_DECAY] = decay
    for tree in range(model.trees):
        if block.size[tree] == model.sample_size:
            block.limit[tree] = limit_of(block.greatest[tree], decay, 0)
