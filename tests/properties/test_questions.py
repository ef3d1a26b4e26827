"""What holds of every answer of every forest, and of the forest after the question."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream_rcf.core.forest import RandomCutForest
from tests.properties.generated import FLOAT32, bounded, forests_and_records

Drawn = tuple[dict[str, Any], np.ndarray]
QUERY = st.lists(FLOAT32, min_size=3, max_size=3)


def ask_everything(forest: RandomCutForest, point: list[float]) -> list[Any]:
    """Every question that this forest can answer, as plain values."""
    answers: list[Any] = [forest.displacement(point), forest.codisp(point)]
    answers += [np.array(value).tolist() for value in forest.density(point)]
    answers += [(n.distance, n.point.tolist(), n.trees, n.sequences) for n in forest.near_neighbors(point)]
    if forest.parameters.shingle_size > 1:
        for centrality in (1.0, 0.3):
            answers += [values.tolist() for values in forest.impute(point, [0], centrality)]
        answers += [values.tolist() for values in forest.extrapolate(3)]
    return answers


@bounded(60)
@given(forests_and_records(), QUERY)
def test_asking_changes_nothing_and_a_copy_answers_alike(drawn: Drawn, query: list[float]) -> None:
    arguments, x = drawn
    point = query[: arguments["dimensions"]]
    asked, alone = RandomCutForest(**arguments), RandomCutForest(**arguments)
    half = len(x) // 2
    for part in (x[:half], x[half:]):
        assert asked.process_many(part).tobytes() == alone.process_many(part).tobytes()
        before = asked.to_bytes()
        answers = repr(ask_everything(asked, point))  # as text, because NaN is not equal to itself
        assert repr(ask_everything(asked, point)) == answers
        assert repr(ask_everything(RandomCutForest.from_bytes(before), point)) == answers
        assert asked.to_bytes() == before


@bounded(100)
@given(forests_and_records(), QUERY)
def test_answers_stay_within_their_ranges(drawn: Drawn, query: list[float]) -> None:
    arguments, x = drawn
    forest = RandomCutForest(**arguments)
    forest.process_many(x)
    for point in (query[: arguments["dimensions"]], x[0].tolist()):
        if forest.score(point) == 0.0:
            continue
        size, d = arguments["sample_size"], forest.attribution(point).shape[0]
        assert 1.0 - 1e-9 <= forest.displacement(point) <= size * (1 + 1e-9)
        assert 0.0 <= forest.codisp(point) <= size * (1 + 1e-9)
        found = forest.density(point)
        assert 0.0 <= found.density <= 1000.0 * (1 + 1e-9)
        assert found.distance >= 0.0
        assert found.directional_density.sum() == pytest.approx(found.density)
        assert found.directional_distance.sum() == pytest.approx(found.distance)
        neighbors = forest.near_neighbors(point)
        assert sum(neighbor.trees for neighbor in neighbors) == arguments["trees"]
        assert all(neighbor.point.shape == (d,) for neighbor in neighbors)
        if arguments["shingle_size"] > 1:
            imputed = forest.impute(point, [0])
            assert imputed.lower[0] <= imputed.values[0] <= imputed.upper[0]
            seen = (x.astype(np.float32) + np.float32(0.0)).tolist()
            assert [imputed.values[0]] in [record[:1] for record in seen]
            assert np.isfinite(np.stack(forest.extrapolate(2))).all()
