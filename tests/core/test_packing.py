"""A key's state as bytes: canonical, compact, and refused when it is not what was written."""

from __future__ import annotations

import numpy as np
import pytest

from stream_rcf.core import packing
from stream_rcf.core.forest import RandomCutForest
from stream_rcf.core.inspect import sample, tree_structure, views
from stream_rcf.core.layout import STORED
from stream_rcf.core.packing import FORMAT_VERSION, MAGIC, pack, unpack
from stream_rcf.errors import CheckpointError
from tests.oracle.streams import STREAMS, stream
from tests.properties.invariants import check_block


def forest_of(name: str, events: int, dimensions: int = 2, shingle_size: int = 2) -> RandomCutForest:
    """A small forest that has seen `events` records of the named kind, most of its sample replaced."""
    forest = RandomCutForest(dimensions, shingle_size, trees=3, sample_size=12, time_decay=0.05, seed=2)
    forest.process_many(stream(name, events, dimensions))
    return forest


@pytest.mark.parametrize("events", [0, 1, 2, 3, 12, 13, 14, 200])
@pytest.mark.parametrize("name", list(STREAMS))
def test_a_restored_forest_is_the_same_tree_for_tree(name: str, events: int) -> None:
    forest = forest_of(name, events)
    for quick in (False, True):
        restored = unpack(forest._model, pack(forest._block, quick=quick))
        for tree in range(3):
            assert tree_structure(restored, tree) == tree_structure(forest._block, tree)
            assert sample(restored, tree) == sample(forest._block, tree)


@pytest.mark.parametrize("name", list(STREAMS))
def test_the_bytes_are_canonical(name: str) -> None:
    """However a state came about, in one run or through many saves of either form, it has the same bytes."""
    x = stream(name, 400, 2, seed=9)
    straight = forest_of(name, 50)
    saved = forest_of(name, 50)
    for start in range(0, 400, 40):
        straight.process_many(x[start : start + 40])
        saved = RandomCutForest.from_bytes(saved.to_bytes())
        saved.process_many(x[start : start + 40])
        assert saved.to_bytes() == straight.to_bytes()
        quickly = pack(saved._block, quick=True)
        assert quickly == pack(straight._block, quick=True)
        saved._block = unpack(saved._model, quickly)


def test_the_parameters_come_back() -> None:
    forest = RandomCutForest(3, 4, 5, 16, 0.01, -6)
    assert RandomCutForest.from_bytes(forest.to_bytes()).parameters == forest.parameters


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


def continued(forest: RandomCutForest, x: np.ndarray) -> list[bytes]:
    """What follows: the scores of further records, and the state in the end."""
    return [forest.process_many(x).tobytes(), forest.to_bytes()]


def assert_restored_alike(forest: RandomCutForest, further: np.ndarray) -> None:
    """Saved and restored, a forest has the same bytes and goes on with the same scores."""
    data, quickly = forest.to_bytes(), pack(forest._block, quick=True)
    restored, quickly_restored = RandomCutForest.from_bytes(data), RandomCutForest.from_bytes(data)
    quickly_restored._block = unpack(forest._model, quickly)
    expected = continued(forest, further)
    for one in (restored, quickly_restored):
        assert one.to_bytes() == data
        assert pack(one._block, quick=True) == quickly
        check_block(one._block)
        assert continued(one, further) == expected


@pytest.mark.parametrize("name", list(STREAMS))
@pytest.mark.parametrize(
    ("dimensions", "shingle_size", "trees", "sample_size", "decay"),
    [
        (1, 1, 1, 2, 0.1),
        (1, 8, 3, 40, None),
        (2, 1, 2, 30, 0.02),
        (3, 3, 2, 17, 0.0),
        (20, 2, 2, 16, 0.01),
    ],
)
def test_a_restored_forest_goes_on_with_the_same_bits(
    name: str, dimensions: int, shingle_size: int, trees: int, sample_size: int, decay: float | None
) -> None:
    forest = RandomCutForest(dimensions, shingle_size, trees, sample_size, decay, seed=11)
    x = stream(name, 500, dimensions, seed=4)
    forest.process_many(x[:200])
    assert_restored_alike(forest, x[200:])


@pytest.mark.parametrize("fraction", [0.1, 0.5, 1.0])
def test_half_filled_samples_come_back(fraction: float) -> None:
    for events in (0, 1, 5, 20, 60, 130):
        forest = RandomCutForest(1, 2, 4, 64, seed=3, initial_accept_fraction=fraction)
        forest.process_many(stream("gaussian", events, 1))
        assert_restored_alike(forest, stream("tied", 300, 1))


def test_weights_and_pauses_come_back() -> None:
    """A record of weight 0 is in the store when a shingle around it is needed, but not in a sample."""
    for weights in ([1.0, 0.0], [1.0, 3.0], [0.0, 0.5, 1.0, 2.0]):
        forest = RandomCutForest(1, 3, 4, 32, seed=5)
        for event, record in enumerate(stream("gaussian", 200, 1)):
            forest.update(record, weights[event % len(weights)])
        assert_restored_alike(forest, stream("gaussian", 300, 1, seed=2))


def test_a_changed_decay_comes_back() -> None:
    forest = RandomCutForest(1, 2, 4, 32, seed=6)
    x = stream("gaussian", 900, 1)
    forest.process_many(x[:100])
    for decay in (0.5, 0.0, 0.001):
        forest.set_time_decay(decay)
        forest.process_many(x[100:150])
        assert_restored_alike(forest, x[150:])


def test_a_store_of_more_than_65536_records_comes_back() -> None:
    forest = RandomCutForest(1, 64, trees=10, sample_size=256, time_decay=0.0, seed=7)
    x = np.random.default_rng(7).normal(size=200_300)
    forest.process_many(x[:200_000])
    restored = RandomCutForest.from_bytes(forest.to_bytes())
    assert int(views(restored._block).integers[STORED]) > 65_536
    assert_restored_alike(forest, x[200_000:])


def test_too_little_room_for_the_bytes_is_made_good(monkeypatch: pytest.MonkeyPatch) -> None:
    forest = forest_of("gaussian", 100)
    data = forest.to_bytes()
    monkeypatch.setattr(packing, "_usual_bytes", lambda *_: 10)
    assert forest.to_bytes() == data
