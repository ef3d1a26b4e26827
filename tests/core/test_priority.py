"""Priorities as integers: their formula, their order as the base moves, and what is evicted next."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream_rcf.core.forest import RandomCutForest
from stream_rcf.core.inspect import sample, sequences_of, views
from stream_rcf.core.layout import BASE_SEQUENCE, TIME_DECAY
from stream_rcf.core.sampler import (
    GREATEST_PRIORITY,
    LEAST_PRIORITY,
    NEVER,
    STEPS,
    bounded,
    decay_steps,
    draw_steps,
    limit_of,
    span_of,
    surely_rejected,
)
from tests.core import direct_kernels
from tests.core.direct_trees import DirectTrees
from tests.properties import generated

UNIFORMS = [2.0**-53, 1e-9, 0.3, 0.999, 1.0 - 2.0**-53]
STEP = 1.0 / STEPS


def pop(trees: DirectTrees) -> int:
    """Evict one sample of the first tree; its number."""
    position = direct_kernels.find_greatest(trees.block.address, trees.model, 0)
    number = int(sequences_of(trees.block, 0)[position])
    trees.delete(0, number)
    return number


def test_the_highest_priority_leaves_first() -> None:
    draw = random.Random(5)
    for count in (1, 2, 3, 4, 5, 16, 17, 200):
        trees = DirectTrees(1, dimensions=1, capacity=max(2, count))
        priorities = [draw.randint(LEAST_PRIORITY, GREATEST_PRIORITY) for _ in range(count)]
        for priority in priorities:
            trees.insert(0, (draw.gauss(0, 1),), priority)
        assert [priorities[pop(trees)] for _ in range(count)] == sorted(priorities, reverse=True)


def test_the_highest_priority_leaves_first_through_replacements() -> None:
    draw = random.Random(6)
    trees = DirectTrees(1, dimensions=1, capacity=33)
    kept: dict[int, int] = {}
    for step in range(1000):
        if len(kept) == 33:
            number = pop(trees)
            assert kept.pop(number) == max([*kept.values(), trees.parts.greatest[0]])
        priority = round(draw.gauss(0, 1) * STEPS) - step * 1000
        kept[trees.insert(0, (draw.gauss(0, 1),), priority)] = priority
        parts = trees.parts
        held = dict(zip(sequences_of(trees.block, 0).tolist(), parts.priority[0].tolist(), strict=False))
        assert held == kept


def test_of_equal_priorities_the_oldest_leaves_first() -> None:
    trees = DirectTrees(1, dimensions=1, capacity=9)
    for value in (5.0, 1.0, 9.0, 1.0, 3.0, 1.0, 0.0, 7.0, 2.0):
        trees.insert(0, (value,), priority=12)
    assert [pop(trees) for _ in range(9)] == list(range(9))


@pytest.mark.parametrize("uniform", UNIFORMS)
@pytest.mark.parametrize("weight", [1.0, 2.0, 0.001, 1e6])
def test_a_draw_is_the_documented_number(uniform: float, weight: float) -> None:
    assert abs(draw_steps(uniform, weight) - math.log(-math.log(uniform) / weight) * STEPS) <= 0.51


@pytest.mark.parametrize(("decay", "events"), [(0.1, 0), (0.1, 7), (1 / 2560, 40_000), (0.0, 10**9)])
def test_decay_is_counted_in_whole_steps(decay: float, events: int) -> None:
    assert decay_steps(decay, events) == math.floor(decay * STEPS * events)


@pytest.mark.parametrize(("decay", "span"), [(0.0, NEVER), (0.5, 32), (1 / 2560, 40_960), (0.999999, 16)])
def test_the_base_moves_after_sixteen_units_of_decay(decay: float, span: int) -> None:
    assert span_of(decay) == span


def test_priorities_stay_within_32_bits() -> None:
    assert (bounded(2**40), bounded(-(2**40)), bounded(-7)) == (2**31 - 1, -(2**31), -7)
    # The lowest and the highest draw there is, both at the end of a span: neither is cut short by the bounds.
    for uniform in (UNIFORMS[0], UNIFORMS[-1]):
        priority = draw_steps(uniform, 1.0) - decay_steps(1 / 2560, span_of(1 / 2560))
        assert bounded(priority) == priority


def settled(decay: float) -> RandomCutForest:
    """A small forest with full samples."""
    forest = RandomCutForest(dimensions=1, shingle_size=1, trees=20, sample_size=32, time_decay=decay, seed=9)
    for event in range(200):
        forest.update([float(event)])
    return forest


@pytest.mark.parametrize("decay", [0.5, 0.07, 1 / 320])
def test_moving_the_base_keeps_every_difference_exactly(decay: float) -> None:
    forest = settled(decay)
    block, model, span = forest._block, forest._model, span_of(decay)
    parts = views(block)
    before, greatest, priorities = (
        [sample(block, tree) for tree in range(20)],
        parts.greatest.copy(),
        parts.priority.copy(),
    )
    base, moves = int(parts.integers[BASE_SEQUENCE]), 3
    direct_kernels.follow(block.address, model, base + span - 1)
    assert parts.integers[BASE_SEQUENCE] == base, "not before a whole span"
    for move in range(1, moves + 1):
        direct_kernels.follow(block.address, model, base + move * span)
        assert parts.integers[BASE_SEQUENCE] == base + move * span
        steps = move * decay_steps(decay, span)
        assert (parts.priority == priorities + steps).all()
        assert (parts.greatest == greatest + steps).all()
    drift = moves * STEP + 1e-9  # the base moves in whole steps
    for tree in range(20):
        after = sample(block, tree)
        assert [entry.sequence for entry in after] == [entry.sequence for entry in before[tree]]
        assert all(abs(x.priority - y.priority) < drift for x, y in zip(after, before[tree], strict=True))


def test_one_long_move_is_many_short_ones() -> None:
    at_once, in_turn = settled(0.07), settled(0.07)
    span = span_of(0.07)
    direct_kernels.follow(at_once._block.address, at_once._model, 5000)
    for sequence in range(200, 5001, span // 3):
        direct_kernels.follow(in_turn._block.address, in_turn._model, sequence)
    direct_kernels.follow(in_turn._block.address, in_turn._model, 5000)
    one, many = views(at_once._block), views(in_turn._block)
    assert one.integers[BASE_SEQUENCE] == many.integers[BASE_SEQUENCE]
    assert (one.priority == many.priority).all()
    assert (one.greatest == many.greatest).all()


def test_what_outlives_all_others_leaves_oldest_first() -> None:
    """After so long that every priority has reached the bound, only age is left to decide."""
    forest = settled(0.5)
    block, model = forest._block, forest._model
    direct_kernels.follow(block.address, model, 10**12)
    parts = views(block)
    assert (parts.priority[:, :32] == GREATEST_PRIORITY).all()
    assert (parts.greatest == GREATEST_PRIORITY).all()
    for tree in range(20):
        sequences = sequences_of(block, tree)
        assert sequences[direct_kernels.evicted_next(block.address, model, tree)] == sequences.min()


def test_without_decay_the_base_never_moves() -> None:
    forest = settled(0.0)
    parts = views(forest._block)
    before = parts.priority.copy()
    assert parts.floats[TIME_DECAY] == 0.0
    direct_kernels.follow(forest._block.address, forest._model, 10**15)
    assert parts.integers[BASE_SEQUENCE] == 0
    assert (parts.priority == before).all()


@generated.bounded(500)
@given(
    st.integers(0, 2**52 - 1),
    st.integers(round(-40 * STEPS), round(20 * STEPS)),
    st.sampled_from([0.0, 1 / 2560, 0.05, 0.5]),
    st.integers(0, 40_000),
    st.sampled_from([0.01, 1.0, 2.0, 50.0]),
)
def test_a_sure_rejection_is_one(k: int, greatest: int, decay: float, age: int, weight: float) -> None:
    """What is rejected without a logarithm would be rejected with it, however near it is to the limit."""
    age = min(age, span_of(decay))
    limit = limit_of(greatest, decay, age) * weight
    for uniform in ((k + 0.5) * 2.0**-52, 1.0 - min(max(limit * 1.0011, 2.0**-53), 1.0 - 2.0**-53)):
        if 0.0 < uniform < 1.0 and surely_rejected(uniform, limit):
            assert draw_steps(uniform, weight) - decay_steps(decay, age) >= greatest


def test_nine_in_ten_are_rejected_without_a_logarithm() -> None:
    """In the steady state the limit is about 0.1."""
    uniforms = (np.arange(10_000) + 0.5) / 10_000
    rejected = sum(surely_rejected(uniform, 0.1026) for uniform in uniforms)
    assert 0.88 < rejected / 10_000 < 0.9
