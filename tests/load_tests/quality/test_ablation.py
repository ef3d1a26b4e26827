"""The ablation's arithmetic, and that a mechanism which does nothing costs nothing."""

from __future__ import annotations

import numpy as np
import pytest

from load_tests.quality.ablation import Ablation, costs, markdown, plain_data
from load_tests.quality.nab_corpus import DEVELOPMENT, HELD_OUT, nab_corpus


def test_the_cost_is_in_points_of_the_benchmark() -> None:
    corpus = nab_corpus()
    windows = np.array([len(series.windows) for series in corpus], float)
    found = costs(corpus, windows, 0.5 * windows)  # each window is worth 1, or a half
    for half in (DEVELOPMENT, HELD_OUT):
        cost, low, high = found[half]
        assert cost == pytest.approx(25.0)  # of 200 for the range from none found to all
        assert (low, high) == (pytest.approx(25.0), pytest.approx(25.0))


def test_what_changes_one_file_has_an_interval_that_holds_0() -> None:
    corpus = nab_corpus()
    whole, without = np.zeros(len(corpus)), np.zeros(len(corpus))
    without[3] = -2.0
    cost, low, high = costs(corpus, whole, without)["all files"]
    assert 0.0 == low < cost < high


def test_the_report_has_a_row_for_each() -> None:
    found = [Ablation("noise", {"all files": (0.5, -0.25, 1.0)})]
    assert "| noise | 0.5 (-0.2 to 1.0) |" in markdown(found)
    assert plain_data(found)[0]["left_out"] == "noise"
