"""Priorities and samples drawn again are those that the key holds: whatever its age, its decay and its seed."""

from __future__ import annotations

import numpy as np
import pytest

from stream_rcf.core.forest import RandomCutForest
from stream_rcf.core.inspect import records_of, views
from stream_rcf.core.kernel import kernel
from stream_rcf.core.layout import BASE_SEQUENCE, EVENTS_SEEN, STORED, open_block
from stream_rcf.core.model import Model
from stream_rcf.core.redrawing import Points, list_points, new_points, redraw_sample, redrawn_priority
from stream_rcf.core.sampler import GREATEST_PRIORITY


@kernel
def list_all(address: int, model: Model, points: Points) -> int:
    """The points of a block."""
    return list_points(open_block(address, model), model, points)


@kernel
def priority_at(points: Points, place: int, tree: int) -> int:
    """One priority."""
    return redrawn_priority(points, place, tree)


def assert_drawn_again(forest: RandomCutForest) -> None:
    """Every sample is what its next evicted one says, with the same priorities."""
    forest._block.compact()
    parts = views(forest._block)
    points = new_points(int(parts.integers[STORED]))
    count = list_all(forest._block.address, forest._model, points)
    entries = np.zeros(count + 1, np.int64)
    for tree in range(forest.parameters.trees):
        records = records_of(parts, tree)
        priorities = parts.priority[tree, : len(records)].astype(np.int64)
        for record, priority in zip(records, priorities, strict=True):
            assert priority_at(points, int(points.place[record]), tree) == priority
        last = records[priorities == priorities.max()].min()
        found = redraw_sample(points, count, tree, int(points.place[last]), entries)
        order = np.argsort(records)
        assert entries[:found].tolist() == ((priorities << 32) | records)[order].tolist()


@pytest.mark.parametrize("decay", [None, 0.0, 1e-300, 1e-9, 0.01, 0.3, 0.999])
@pytest.mark.parametrize("events", [3, 10, 40, 3000])
def test_of_every_decay_and_age(decay: float | None, events: int) -> None:
    forest = RandomCutForest(1, 3, trees=4, sample_size=20, time_decay=decay, seed=-5)
    forest.process_many(np.arange(float(events)))
    assert_drawn_again(forest)


def test_after_many_moves_of_the_base() -> None:
    forest = RandomCutForest(1, 1, trees=3, sample_size=60, time_decay=0.05, seed=1)  # a span is 320 events
    for _ in range(20):
        forest.process_many(np.random.default_rng(1).normal(size=500))
        assert_drawn_again(forest)
    assert int(views(forest._block).integers[BASE_SEQUENCE]) == 31 * 320


@pytest.mark.parametrize("base", [0, 50_000_000, 99_999_999])
def test_of_a_stream_that_began_at_a_hundred_million(base: int) -> None:
    """As if nothing had been sampled before; where the base stands then is as good as anywhere."""
    forest = RandomCutForest(1, 1, trees=4, sample_size=30, time_decay=0.003, seed=2)
    header = views(forest._block).integers
    header[EVENTS_SEEN], header[BASE_SEQUENCE] = 100_000_000, base
    forest.process_many(np.arange(20_000.0))
    assert_drawn_again(forest)


def test_saturated_priorities_stay_saturated() -> None:
    """A pause of 300 units of decay, in which nothing is sampled: all that is older is as old as can be."""
    forest = RandomCutForest(1, 1, trees=5, sample_size=30, time_decay=0.5, seed=3)
    forest.process_many(np.arange(50.0))
    for _ in range(600):
        forest.update([0.0], weight=0.0)
    forest.process_many(np.arange(3.0))
    parts = views(forest._block)
    held = parts.priority[:, :30]
    assert (held == GREATEST_PRIORITY).sum() == 5 * 27
    points = new_points(int(parts.integers[STORED]))
    list_all(forest._block.address, forest._model, points)
    for tree in range(5):
        for position, record in enumerate(records_of(parts, tree)):
            assert priority_at(points, int(points.place[record]), tree) == held[tree, position]


def test_a_point_needs_all_its_records() -> None:
    """Where a run of records ends, the last ones begin no point."""
    forest = RandomCutForest(1, 4, trees=1, sample_size=3, time_decay=0.2, seed=4)
    forest.process_many(np.arange(200.0))
    forest._block.compact()
    parts = views(forest._block)
    points = new_points(int(parts.integers[STORED]))
    count = list_all(forest._block.address, forest._model, points)
    begins = points.place[: int(parts.integers[STORED])] >= 0
    assert begins.sum() == count < len(begins)
    assert not begins[-3:].any()
    assert points.record[:count].tolist() == np.flatnonzero(begins).tolist()
