"""The invariants hold after every event, through growth, compaction and a restart."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given

from stream_rcf.core.forest import RandomCutForest
from stream_rcf.core.inspect import sample, tree_structure, views
from stream_rcf.core.layout import EVENTS_SEEN, FRESH
from tests.properties.generated import bounded, forests_and_records
from tests.properties.invariants import box_numbers, check_block


def check_forest(forest: RandomCutForest) -> None:
    """The forest's block, and that no sample lacks a point that it should hold."""
    check_block(forest._block)
    parts = views(forest._block)
    complete = max(0, int(parts.integers[EVENTS_SEEN]) - forest.parameters.shingle_size + 1)
    assert (parts.size == min(forest.parameters.sample_size, complete)).all()


def state_of(forest: RandomCutForest) -> list[Any]:
    """What a forest knows, whatever its memory looks like."""
    trees = range(forest.parameters.trees)
    return [(tree_structure(forest._block, tree), sample(forest._block, tree)) for tree in trees]


@bounded(60)
@given(forests_and_records())
def test_the_invariants_hold_after_every_event(drawn: tuple[dict[str, Any], np.ndarray]) -> None:
    arguments, x = drawn
    forest = RandomCutForest(**arguments)
    check_forest(forest)
    for record in x:
        forest.score(record)
        forest.update(record)
        check_forest(forest)


@bounded(40)
@given(forests_and_records())
def test_making_room_changes_nothing_but_memory(drawn: tuple[dict[str, Any], np.ndarray]) -> None:
    arguments, x = drawn
    crowded, roomy = RandomCutForest(**arguments), RandomCutForest(**arguments)
    roomy._block._make_room(len(x))
    for event, record in enumerate(x):
        before = state_of(crowded)
        scores = [crowded.score(query) for query in (record, x[0])]
        crowded._block._make_room(1 + event % 3)
        check_forest(crowded)
        assert state_of(crowded) == before
        assert [crowded.score(query) for query in (record, x[0])] == scores
        assert crowded.process_many(record[None]).tolist() == roomy.process_many(record[None]).tolist()
    assert state_of(crowded) == state_of(roomy)


def test_kept_boxes_follow_points_that_come_and_go() -> None:
    """Long enough for boxes to be kept, extended and dropped; and large enough for several at a time."""
    forest = RandomCutForest(dimensions=3, shingle_size=3, trees=5, sample_size=200, time_decay=0.02, seed=6)
    x = np.random.default_rng(6).normal(size=(1500, 3)).round(1)
    kept, given_up = 0, 0
    for event, record in enumerate(x):
        parts = views(forest._block)
        before = [number for tree in range(5) for number in box_numbers(forest._model, parts, tree)]
        forest.update(record * (1 + 9 * (event % 50 == 0)))
        parts = views(forest._block)
        after = [number for tree in range(5) for number in box_numbers(forest._model, parts, tree)]
        given_up += len(set(before) - set(after))
        forest.score(x[event - 1])
        kept = max(kept, int(views(forest._block).pool_state[FRESH]) - 1)
        if event % 5 == 0:
            check_forest(forest)
    assert kept >= 10
    assert given_up >= 100


@bounded(30)
@given(forests_and_records())
def test_the_invariants_hold_after_a_restart(drawn: tuple[dict[str, Any], np.ndarray]) -> None:
    arguments, x = drawn
    forest = RandomCutForest(**arguments)
    forest.process_many(x)
    restored = RandomCutForest.from_bytes(forest.to_bytes())
    check_forest(restored)
    assert state_of(restored) == state_of(forest)
    restored.process_many(x)
    check_forest(restored)
