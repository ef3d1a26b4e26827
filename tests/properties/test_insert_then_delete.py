"""Deletion undoes insertion: the tree is as if the point had never come."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tests.core.direct_trees import DirectTrees
from tests.properties.generated import FLOAT32, bounded, records
from tests.properties.invariants import box_numbers, check_pool, check_tree

DIMENSIONS = 3
CAPACITY = 80  # enough for nodes whose boxes are kept
SEEDS = st.integers(0, 2**32 - 1)
STRANGERS = st.lists(FLOAT32, min_size=DIMENSIONS, max_size=DIMENSIONS)


def check(trees: DirectTrees) -> None:
    """The one tree's invariants, and the pool's."""
    parts = trees.parts
    check_tree(trees.block, parts, 0)
    check_pool(parts, box_numbers(trees.model, parts, 0))


@bounded(150)
@given(records(DIMENSIONS, least=1, most=CAPACITY - 1), STRANGERS, SEEDS)
def test_insert_then_delete_restores_the_tree(x: np.ndarray, stranger: list[float], seed: int) -> None:
    """Shape, cuts, boxes and masses, exactly; and the store can do without the point again."""
    trees = DirectTrees(1, DIMENSIONS, CAPACITY, seed)
    for record in x:
        trees.insert(0, record)
    before, needed = trees.structure(0), trees.needed_records()
    for point in (np.array(stranger) + 0.0, x[0] + 0.0):
        trees.score(0, x[-1])
        trees.score(0, np.array(stranger) + 0.0)
        number = trees.insert(0, point)
        check(trees)
        trees.delete(0, number)
        check(trees)
        assert trees.structure(0) == before
        assert trees.needed_records() == needed


@bounded(60)
@given(records(DIMENSIONS, least=2, most=CAPACITY), SEEDS)
def test_insertions_undone_last_first_restore_every_stage(x: np.ndarray, seed: int) -> None:
    trees = DirectTrees(1, DIMENSIONS, CAPACITY, seed)
    stages, numbers = [], []
    for record in x:
        stages.append(trees.structure(0))
        numbers.append(trees.insert(0, record))
        trees.score(0, x[-1] + 0.0)
    while numbers:
        trees.delete(0, numbers.pop())
        check(trees)
        assert trees.structure(0) == stages.pop()
    assert trees.needed_records() == 0
