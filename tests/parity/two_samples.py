"""Whether two samples of forests, one of each implementation, could come from one distribution.

A sample is an array whose first axis is the seed. Forests of different seeds are independent; what is measured on one
forest (its records, coordinates, trees) is not, so every statistic here takes a whole forest as one observation.
"""

from __future__ import annotations

import numpy as np

STANDARD_ERRORS = 3.0  # a normal difference is beyond in 0.3 % of cases; with 30 forests on each side, 0.4 %
# Of the mean: AWS's boxes and cuts give the same numbers in another order of float operations. It decides only where
# no seed differs from another (a tree of one point has one score).
ROUNDING = 1e-6
PERMUTATIONS = 1999  # the smallest p-value is then 0.0005


def within_three_errors(ours: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    """For each measurement, whether the means of both samples agree within three standard errors of the difference."""
    difference = np.abs(ours.mean(axis=0) - theirs.mean(axis=0))
    error = np.sqrt(ours.var(axis=0, ddof=1) / len(ours) + theirs.var(axis=0, ddof=1) / len(theirs))
    return difference <= STANDARD_ERRORS * error + ROUNDING * np.abs(theirs.mean(axis=0))


def permutation_p_value(ours: np.ndarray, theirs: np.ndarray) -> float:
    """How often shuffled forests (labels of the implementation drawn anew) differ at least as much as the real ones.

    ``ours``, ``theirs``: (forests, m), a curve of each forest. The difference is the greatest distance of the mean
    curves: for distribution functions that of Kolmogorov and Smirnov, whose own tables would be wrong here, since the
    entries of one sample were drawn without replacement and are not independent. Exact for any such dependence.
    """
    curves = np.concatenate([ours, theirs])
    random = np.random.default_rng(0)
    shuffled = [random.permutation(len(curves)) < len(ours) for _ in range(PERMUTATIONS)]
    is_ours = np.array([np.arange(len(curves)) < len(ours), *shuffled], np.float64)
    mean_ours = is_ours @ curves / len(ours)
    mean_theirs = (1.0 - is_ours) @ curves / len(theirs)
    distances = np.abs(mean_ours - mean_theirs).max(axis=1)
    return float(np.mean(distances >= distances[0] * (1.0 - 1e-12)))
