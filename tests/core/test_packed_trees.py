"""The bytes of a key, in either form, are those that its slow twin writes, for the same state."""

from __future__ import annotations

import numpy as np
import pytest

from stream_rcf.core.forest import RandomCutForest
from stream_rcf.core.packing import CHECKSUM, PREFIX, STATE, pack
from tests.oracle.naive_packing import NaivePacker
from tests.oracle.naive_quick_packing import NaiveQuickPacker
from tests.oracle.streams import STREAMS, stream

BODY = PREFIX.size + STATE.size


def assert_twin_writes_the_same(forest: RandomCutForest) -> None:
    for quick, twin in ((False, NaivePacker), (True, NaiveQuickPacker)):
        data = pack(forest._block, quick=quick)
        assert data[BODY : -CHECKSUM.size] == twin(forest._block).encode()


@pytest.mark.parametrize("events", [0, 1, 2, 40, 400])
@pytest.mark.parametrize("name", list(STREAMS))
def test_of_every_kind_of_stream(name: str, events: int) -> None:
    forest = RandomCutForest(2, 2, trees=3, sample_size=20, time_decay=0.02, seed=5)
    forest.process_many(stream(name, events, 2))
    assert_twin_writes_the_same(forest)


@pytest.mark.parametrize("dimensions", [1, 3, 9])
@pytest.mark.parametrize("shingle_size", [1, 3])
def test_of_every_shape(dimensions: int, shingle_size: int) -> None:
    forest = RandomCutForest(dimensions, shingle_size, trees=2, sample_size=40, seed=6)
    forest.process_many(stream("gaussian", 300, dimensions))
    assert_twin_writes_the_same(forest)


def test_of_samples_that_are_not_as_the_seed_draws() -> None:
    weighted, changed, slow = (
        RandomCutForest(1, 2, trees=3, sample_size=24, seed=7, initial_accept_fraction=fraction)
        for fraction in (1.0, 1.0, 0.2)
    )
    for event, record in enumerate(np.random.default_rng(8).normal(size=150)):
        weighted.update([record], (0.5, 1.0, 0.0, 3.0)[event % 4])
        changed.update([record])
        if event == 100:
            changed.set_time_decay(0.1)
        slow.update([record])
    for forest in (weighted, changed, slow):
        assert_twin_writes_the_same(forest)
