"""Stretches of events, tree by tree, against the same events one by one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from stream_rcf import RandomCutForest
from stream_rcf.core.stretch import SHORTEST_STRETCH
from tests.properties.invariants import check_block

EVENTS = 900

SHAPES: dict[str, dict[str, Any]] = {
    "default": {"dimensions": 1, "shingle_size": 8, "trees": 7, "sample_size": 64},
    "several features": {"dimensions": 3, "shingle_size": 4, "trees": 5, "sample_size": 100},
    "no shingle": {"dimensions": 1, "shingle_size": 1, "trees": 9, "sample_size": 32},
    "one tree of two samples": {"dimensions": 2, "shingle_size": 1, "trees": 1, "sample_size": 2},
    "base moves often": {
        "dimensions": 1,
        "shingle_size": 2,
        "trees": 6,
        "sample_size": 40,
        "time_decay": 0.1,
    },
    "base moves all the time": {
        "dimensions": 1,
        "shingle_size": 2,
        "trees": 3,
        "sample_size": 40,
        "time_decay": 0.9,
    },
    "no decay": {"dimensions": 1, "shingle_size": 3, "trees": 4, "sample_size": 40, "time_decay": 0.0},
    "few admitted": {
        "dimensions": 1,
        "shingle_size": 3,
        "trees": 4,
        "sample_size": 200,
        "initial_accept_fraction": 0.1,
    },
}


def records(dimensions: int, kind: str) -> np.ndarray:
    random = np.random.default_rng(5)
    x = random.normal(size=(EVENTS, dimensions))
    if kind == "duplicates":
        return np.asarray(np.round(x))
    if kind == "constant":
        return np.full_like(x, 3.0)
    if kind == "huge":
        return np.asarray(x * 1e38 / 4)
    return x


def one_by_one(forest: RandomCutForest, x: np.ndarray) -> np.ndarray:
    return np.array([forest.process_many(row[None])[0] for row in x])


@pytest.mark.parametrize("kind", ["normal", "duplicates", "constant", "huge"])
@pytest.mark.parametrize("shape", SHAPES)
def test_a_stretch_gives_the_same_bits_as_its_events_alone(shape: str, kind: str) -> None:
    together, alone = (RandomCutForest(seed=4, **SHAPES[shape]) for _ in range(2))
    x = records(SHAPES[shape]["dimensions"], kind)

    scores = together.process_many(x)

    assert scores.tobytes() == one_by_one(alone, x).tobytes()
    assert together.to_bytes() == alone.to_bytes()
    assert np.count_nonzero(scores) > EVENTS / 2
    check_block(together._block)


@pytest.mark.parametrize("length", [SHORTEST_STRETCH - 1, SHORTEST_STRETCH, SHORTEST_STRETCH + 1, 513])
def test_the_length_of_calls_changes_nothing(length: int) -> None:
    whole, parts = (RandomCutForest(seed=2, **SHAPES["default"]) for _ in range(2))
    x = records(1, "normal")

    scores = whole.process_many(x)
    in_parts = [parts.process_many(x[start : start + length]) for start in range(0, EVENTS, length)]

    assert np.concatenate(in_parts).tobytes() == scores.tobytes()
    assert parts.to_bytes() == whole.to_bytes()


def test_kept_boxes_of_single_events_survive_a_stretch_between_them() -> None:
    mixed, alone = (RandomCutForest(seed=2, dimensions=2, trees=5, sample_size=200) for _ in range(2))
    x = np.random.default_rng(3).normal(size=(3000, 2))
    scores = []
    for start in range(0, 3000, 300):
        scores += one_by_one(mixed, x[start : start + 100]).tolist()
        scores += mixed.process_many(x[start + 100 : start + 300]).tolist()
        check_block(mixed._block)

    assert scores == one_by_one(alone, x).tolist()
    assert mixed.to_bytes() == alone.to_bytes()


def test_weights_and_another_decay_hold_in_the_next_stretch() -> None:
    together, alone = (RandomCutForest(seed=4, **SHAPES["default"]) for _ in range(2))
    x = records(1, "normal")
    for forest in (together, alone):
        forest.process_many(x[:300])
        for row in x[:20]:
            forest.update(row, weight=0.3)
        forest.update(x[0], weight=0.0)
        forest.set_time_decay(0.05)

    assert together.process_many(x[300:]).tobytes() == one_by_one(alone, x[300:]).tobytes()
    assert together.to_bytes() == alone.to_bytes()


def test_events_that_carry_no_weight_leave_a_stretch_without_samples_at_first() -> None:
    together, alone = (RandomCutForest(seed=4, **SHAPES["default"]) for _ in range(2))
    x = records(1, "normal")
    for forest in (together, alone):
        for row in x[:50]:
            forest.update(row, weight=0.0)

    scores = together.process_many(x[50:])

    assert scores.tobytes() == one_by_one(alone, x[50:]).tobytes()
    assert scores[0] == 0.0
    assert scores[1] > 0.0
