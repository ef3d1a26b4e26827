"""Deletion undoes insertion: the tree is as if the point had never come."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from stream_rcf.core.layout import POINTS_LIVE
from tests.core.direct_trees import DirectTrees
from tests.properties.generated import FLOAT32, bounded, records

DIMENSIONS = 3
SEEDS = st.integers(0, 2**32 - 1)
STRANGERS = st.lists(FLOAT32, min_size=DIMENSIONS, max_size=DIMENSIONS)


@bounded(150)
@given(records(DIMENSIONS, least=1, most=20), STRANGERS, SEEDS)
def test_insert_then_delete_restores_the_tree(x: np.ndarray, stranger: list[float], seed: int) -> None:
    """Shape, cuts, boxes and masses, exactly; and the point store gives up the point."""
    trees = DirectTrees(1, DIMENSIONS, seed=seed)
    for record in x + 0.0:
        trees.insert(0, record)
    before, live = trees.structure(0), int(trees.block.header()[POINTS_LIVE])
    for point in (np.array(stranger) + 0.0, x[0] + 0.0):
        trees.delete(0, trees.insert(0, point))
        assert trees.structure(0) == before
        assert trees.block.header()[POINTS_LIVE] == live


@bounded(60)
@given(records(DIMENSIONS, least=2, most=20), SEEDS)
def test_insertions_undone_last_first_restore_every_stage(x: np.ndarray, seed: int) -> None:
    trees = DirectTrees(1, DIMENSIONS, seed=seed)
    stages, leaves = [], []
    for record in x + 0.0:
        stages.append(trees.structure(0))
        leaves.append(trees.insert(0, record))
    while leaves:
        trees.delete(0, leaves.pop())
        assert trees.structure(0) == stages.pop()
    assert trees.block.header()[POINTS_LIVE] == 0
