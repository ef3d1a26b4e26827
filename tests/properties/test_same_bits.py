"""The same records give the same bits: in any batches, through any saves, whoever looked in between."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream_rcf.core.forest import RandomCutForest
from stream_rcf.core.packing import pack, unpack
from tests.oracle.comparison import assert_same_state
from tests.oracle.naive_forest import NaiveForest
from tests.properties.generated import FLOAT32, bounded, forests_and_records

Drawn = tuple[dict[str, Any], np.ndarray]
CUTS = st.lists(st.floats(0, 1), max_size=6)


def pieces(x: np.ndarray, cuts: list[float]) -> list[np.ndarray]:
    """`x` cut at these fractions of its length; empty pieces occur."""
    return np.split(x, sorted(round(cut * len(x)) for cut in cuts))


@bounded(100)
@given(forests_and_records(), CUTS)
def test_any_batching_gives_the_same_bits(drawn: Drawn, cuts: list[float]) -> None:
    arguments, x = drawn
    whole, split = RandomCutForest(**arguments), RandomCutForest(**arguments)
    expected = whole.process_many(x)
    found = np.concatenate([split.process_many(piece) for piece in pieces(x, cuts)])
    assert found.tobytes() == expected.tobytes()
    assert split.to_bytes() == whole.to_bytes()


@bounded(100)
@given(forests_and_records(), CUTS)
def test_saving_and_loading_continues_bit_for_bit(drawn: Drawn, cuts: list[float]) -> None:
    arguments, x = drawn
    straight, saved = RandomCutForest(**arguments), RandomCutForest(**arguments)
    expected = straight.process_many(x)
    found = []
    for piece in pieces(x, cuts):
        saved = RandomCutForest.from_bytes(saved.to_bytes())
        found.append(saved.process_many(piece))
    assert np.concatenate(found).tobytes() == expected.tobytes()
    assert saved.to_bytes() == straight.to_bytes()


@bounded(100)
@given(forests_and_records(), CUTS)
def test_saving_quickly_and_loading_continues_bit_for_bit(drawn: Drawn, cuts: list[float]) -> None:
    arguments, x = drawn
    straight, saved = RandomCutForest(**arguments), RandomCutForest(**arguments)
    expected = straight.process_many(x)
    found = []
    for piece in pieces(x, cuts):
        saved._block = unpack(saved._model, pack(saved._block, quick=True))
        found.append(saved.process_many(piece))
    assert np.concatenate(found).tobytes() == expected.tobytes()
    assert saved.to_bytes() == straight.to_bytes()
    assert pack(saved._block, quick=True) == pack(straight._block, quick=True)


@bounded(60)
@given(forests_and_records(), st.lists(FLOAT32, min_size=3, max_size=3))
def test_looking_changes_nothing(drawn: Drawn, query: list[float]) -> None:
    arguments, x = drawn
    point = query[: arguments["dimensions"]]
    watched, alone = RandomCutForest(**arguments), RandomCutForest(**arguments)
    for record in x:
        before = watched.to_bytes()
        score, shares = watched.score(point), watched.attribution(point)
        assert watched.score(point) == score
        assert watched.attribution(point).tobytes() == shares.tobytes()
        assert watched.to_bytes() == before
        assert (
            watched.process_many(record[None, :]).tobytes() == alone.process_many(record[None, :]).tobytes()
        )


@bounded(100)
@given(forests_and_records(), st.lists(FLOAT32, min_size=3, max_size=3))
def test_attribution_is_not_negative_and_sums_to_the_score(drawn: Drawn, query: list[float]) -> None:
    arguments, x = drawn
    forest = RandomCutForest(**arguments)
    forest.process_many(x)
    for point in (query[: arguments["dimensions"]], x[-1], x[0]):
        shares = forest.attribution(point)
        assert (shares >= 0.0).all()
        assert shares.sum() == pytest.approx(forest.score(point), rel=1e-9, abs=0.0)


@bounded(60)
@given(forests_and_records())
def test_every_forest_equals_its_slow_twin(drawn: Drawn) -> None:
    arguments, x = drawn
    forest, twin = RandomCutForest(**arguments), NaiveForest(**arguments)
    scores = forest.process_many(x)
    assert scores == pytest.approx([twin.process(record) for record in x], rel=1e-9, abs=0.0)
    assert forest.attribution(x[0]) == pytest.approx(twin.attribution(x[0]), rel=1e-9, abs=1e-9)
    assert_same_state(twin, forest._block)
