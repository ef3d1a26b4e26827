"""A key's state as bytes: canonical, compact, and refused when it is not what was written."""

from __future__ import annotations

import random

import numpy as np
import pytest

from stream_rcf.core.forest import RandomCutForest
from stream_rcf.core.inspect import sample, tree_structure
from stream_rcf.core.packing import FORMAT_VERSION, MAGIC, pack, unpack
from stream_rcf.errors import CheckpointError
from tests.oracle.streams import STREAMS, stream


def forest_of(name: str, events: int, dimensions: int = 2, shingle_size: int = 2) -> RandomCutForest:
    """A small forest that has seen `events` records of the named kind, most of its sample replaced."""
    forest = RandomCutForest(dimensions, shingle_size, trees=3, sample_size=12, time_decay=0.05, seed=2)
    forest.process_many(stream(name, events, dimensions))
    return forest


@pytest.mark.parametrize("events", [0, 1, 2, 3, 12, 13, 14, 200])
@pytest.mark.parametrize("name", list(STREAMS))
def test_a_restored_forest_is_the_same_tree_for_tree(name: str, events: int) -> None:
    forest = forest_of(name, events)
    restored = unpack(forest._model, pack(forest._block))
    for tree in range(3):
        assert tree_structure(restored, tree) == tree_structure(forest._block, tree)
        assert sample(restored, tree) == sample(forest._block, tree)


@pytest.mark.parametrize("name", list(STREAMS))
def test_the_bytes_are_canonical(name: str) -> None:
    """However a state came about, in one run or through many saves, it has the same bytes."""
    x = stream(name, 400, 2, seed=9)
    straight = forest_of(name, 50)
    saved = forest_of(name, 50)
    for start in range(0, 400, 40):
        straight.process_many(x[start : start + 40])
        saved = RandomCutForest.from_bytes(saved.to_bytes())
        saved.process_many(x[start : start + 40])
        assert saved.to_bytes() == straight.to_bytes()


def test_a_young_key_is_small_and_an_old_one_does_not_grow() -> None:
    sizes = {}
    forest = RandomCutForest(dimensions=1, shingle_size=8, trees=50, sample_size=256)
    x = np.random.default_rng(1).normal(size=3000)
    for first, last in ((0, 10), (10, 2000), (2000, 3000)):
        forest.process_many(x[first:last])
        sizes[last] = len(forest.to_bytes())
    assert sizes[10] < 10_000
    assert sizes[3000] < 1.1 * sizes[2000]


def test_the_parameters_come_back() -> None:
    forest = RandomCutForest(3, 4, 5, 16, 0.01, -6)
    assert RandomCutForest.from_bytes(forest.to_bytes()).parameters == forest.parameters


@pytest.mark.parametrize("keep", [0, 3, 35, 36, 40, 100, 500, -1])
def test_a_shortened_state_is_refused(keep: int) -> None:
    forest = forest_of("gaussian", 100)
    with pytest.raises(CheckpointError, match="cut short"):
        unpack(forest._model, pack(forest._block)[:keep])


def test_a_lengthened_state_is_refused() -> None:
    forest = forest_of("gaussian", 100)
    with pytest.raises(CheckpointError, match="1 bytes too many"):
        unpack(forest._model, pack(forest._block) + b"\0")


def test_something_else_is_refused_by_its_beginning() -> None:
    forest = forest_of("gaussian", 100)
    data = pack(forest._block)
    with pytest.raises(CheckpointError, match="something else"):
        unpack(forest._model, b"GZIP" + data[4:])
    later = MAGIC + (FORMAT_VERSION + 1).to_bytes(4, "little") + data[8:]
    with pytest.raises(CheckpointError, match=f"format {FORMAT_VERSION + 1}"):
        unpack(forest._model, later)


@pytest.mark.parametrize(
    "other",
    [
        RandomCutForest(2, 2, trees=4, sample_size=12),
        RandomCutForest(2, 2, trees=3, sample_size=13),
        RandomCutForest(1, 4, trees=3, sample_size=12),
    ],
)
def test_the_state_of_another_model_is_refused(other: RandomCutForest) -> None:
    with pytest.raises(CheckpointError, match="the settings say"):
        unpack(other._model, pack(forest_of("gaussian", 100)._block))


def test_a_damaged_state_is_refused_or_still_a_forest() -> None:
    """Whatever a byte is changed to: no crash, no tree that is none, no score that is not a number."""
    draw = random.Random(20260101)
    states = [
        forest_of("gaussian", 100).to_bytes(),
        forest_of("tied", 60).to_bytes(),
        forest_of("huge", 3).to_bytes(),
    ]
    refused = 0
    for _ in range(3000):
        data = bytearray(draw.choice(states))
        for _ in range(draw.choice([1, 1, 1, 3])):
            data[draw.randrange(len(data))] = draw.choice([0, 1, 127, 128, 255, draw.randrange(256)])
        try:
            forest = RandomCutForest.from_bytes(bytes(data))
        except CheckpointError:
            refused += 1
            continue
        again = forest.to_bytes()
        assert RandomCutForest.from_bytes(again).to_bytes() == again
        assert np.isfinite(forest.process_many(stream("gaussian", 20, 2))).all()
    assert 500 < refused < 2900
