"""The statistics themselves: equal distributions pass, and a difference worth finding is found."""

from __future__ import annotations

import numpy as np

from tests.parity.two_samples import permutation_p_value, within_three_errors

FORESTS, MEASUREMENTS = 30, 2000


def normal(seed: int, mean: float = 0.0) -> np.ndarray:
    return np.random.default_rng(seed).normal(mean, 1.0, (FORESTS, MEASUREMENTS))


def test_means_of_one_distribution_agree_but_for_chance() -> None:
    outside = 1.0 - within_three_errors(normal(1), normal(2)).mean()

    assert 0.0 < outside < 0.01  # 0.4 % is expected


def test_a_shift_of_six_standard_errors_is_seen() -> None:
    six = 6.0 * np.sqrt(2.0 / FORESTS)

    assert within_three_errors(normal(1), normal(2, six)).mean() < 0.01


def test_what_no_seed_changes_must_be_the_same_number() -> None:
    same = np.full((FORESTS, 2), 1.5)

    assert within_three_errors(same, same * (1.0 + 1e-9)).all()
    assert not within_three_errors(same, same * 1.0001).any()


def test_shuffled_labels_tell_a_shift_from_chance() -> None:
    curves = np.cumsum(np.abs(normal(1)), axis=1) / MEASUREMENTS

    assert permutation_p_value(curves[::2], curves[1::2]) > 0.05
    assert permutation_p_value(curves[::2], curves[1::2] * 1.05) == 0.0005


def test_p_values_of_one_distribution_are_spread_evenly() -> None:
    p_values = [permutation_p_value(normal(2 * i)[:, :20], normal(2 * i + 1)[:, :20]) for i in range(100)]

    assert 0.4 < np.mean(p_values) < 0.6
    assert 2 <= np.sum(np.array(p_values) < 0.1) <= 20
