"""What both implementations are seen to do on a data set: the same measurements of either."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np

from stream_rcf import RandomCutForest
from tests.parity.data_sets import SEEDS, DataSet
from tests.support.aws_forest import run_program

WATCHED_TREES = 3  # of ours, whose acceptances are counted: one call for each record and tree


class Observation(NamedTuple):
    """Measurements of ``s`` forests, one for each seed, over ``n`` records; ``k`` of them attributed."""

    scores: np.ndarray  # (s, n)
    acceptance: np.ndarray  # (s,) share of points taken, over trees and records, once samples are full
    attributions: np.ndarray  # (s, k, d, 2): above, below
    sequences: np.ndarray  # (s, trees, sample_size): of the points in the samples at the end


@cache
def observe_theirs(data: DataSet, first_seed: int = 0) -> Observation:
    """AWS's forest."""
    records, attributed = data.records, data.attributed
    n, b = records.shape
    arguments = {
        "dimensions": b,
        "shingle_size": data.shingle_size,
        "trees": data.trees,
        "sample_size": data.sample_size,
        "time_decay": data.time_decay,
        "output_after": data.output_after,
        "bounding_boxes": 1,
        "first_seed": first_seed,
        "seeds": SEEDS,
        "attributed": attributed,
    }
    output = run_program("Observation", arguments, records.astype("<f4").tobytes())
    rows = np.frombuffer(output, "<f8").reshape(SEEDS, -1)
    shape = (len(attributed), b * data.shingle_size, 2)
    scores, taken, attributions, sequences = np.split(rows, np.cumsum([n, n, np.prod(shape)]), axis=1)
    return Observation(
        scores,
        taken[:, data.first_full :].mean(axis=1) / data.trees,
        attributions.reshape(SEEDS, *shape),
        sequences.reshape(SEEDS, data.trees, data.sample_size).astype(np.int64),
    )


@cache
def observe_ours(data: DataSet, first_seed: int = 0) -> Observation:
    """Our forest."""
    forests = [_observe(data, seed) for seed in range(first_seed, first_seed + SEEDS)]
    return Observation(*(np.array(each) for each in zip(*forests, strict=True)))


def _observe(data: DataSet, seed: int) -> tuple[np.ndarray, float, np.ndarray, np.ndarray]:
    records, attributed = data.records.astype(np.float64), set(data.attributed)
    n, b = records.shape
    forest = RandomCutForest(b, data.shingle_size, data.trees, data.sample_size, data.time_decay, seed)
    scores, attributions, taken = np.empty(n), [], []
    for i in range(n):
        if i in attributed:
            attributions.append(forest.attribution(records[i]))
        scores[i] = forest.process_many(records[i : i + 1])[0]
        if i >= data.first_full:
            newest = i + 1 - data.shingle_size
            taken += [newest in forest.sample_sequences(tree) for tree in range(WATCHED_TREES)]
    sequences = np.array([np.sort(forest.sample_sequences(tree)) for tree in range(data.trees)])
    return scores, float(np.mean(taken)), np.array(attributions), sequences
