"""Sampling: our trees take as many points as AWS's, and remember them for as long."""

from __future__ import annotations

import numpy as np
import pytest

from tests.parity.data_sets import DATA_SETS, DataSet
from tests.parity.observations import observe_ours, observe_theirs
from tests.parity.two_samples import permutation_p_value, within_three_errors

each_data_set = pytest.mark.parametrize("data", DATA_SETS, ids=lambda data: data.name)


def age_distributions(sequences: np.ndarray, points: int) -> np.ndarray:
    """(forests, points): the share of a forest's samples that have at most this sequence number."""
    flat = np.sort(sequences.reshape(len(sequences), -1), axis=1)
    counts = [np.searchsorted(forest, np.arange(points), side="right") for forest in flat]
    return np.array(counts) / flat.shape[1]


@each_data_set
def test_the_same_share_of_points_is_taken(data: DataSet) -> None:
    """Of a full sample's points, per tree and record; within three standard errors."""
    assert within_three_errors(observe_ours(data).acceptance, observe_theirs(data).acceptance)


@each_data_set
def test_samples_are_of_the_same_age(data: DataSet) -> None:
    points = len(data.records) - data.shingle_size + 1
    ours, theirs = observe_ours(data).sequences, observe_theirs(data).sequences

    for sequences in (ours, theirs):
        assert sequences.min() >= 0
        assert sequences.max() < points
        assert (np.diff(np.sort(sequences, axis=2), axis=2) > 0).all()  # a tree samples a point once
    assert permutation_p_value(age_distributions(ours, points), age_distributions(theirs, points)) > 0.001
