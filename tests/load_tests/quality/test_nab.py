"""The report on labelled series, from small ones."""

from __future__ import annotations

import numpy as np
import pytest

from load_tests.quality.coverage import Coverage, measure_coverage
from load_tests.quality.coverage import markdown as coverage_markdown
from load_tests.quality.detections import detect
from load_tests.quality.nab import NabResults, alarms_by_half, markdown, plain_data, quality
from load_tests.quality.nab_corpus import DEVELOPMENT, HELD_OUT, Series, nab_corpus
from load_tests.quality.quiet_series import KINDS, quiet_series


@pytest.fixture(scope="module")
def corpus() -> list[Series]:
    """Two short files of each half, one of them labelled."""
    files = sorted(nab_corpus(), key=lambda series: len(series.values))
    halves = [[series for series in files if series.half == half] for half in (DEVELOPMENT, HELD_OUT)]
    return [series for half in halves for series in half[:2]]


def test_a_perfect_score_is_told_from_none(corpus: list[Series]) -> None:
    perfect = [series.in_window().astype(float) for series in corpus]
    silent = [np.zeros(len(series.values)) for series in corpus]

    assert quality(corpus, perfect).best["standard"] > 99.0
    assert quality(corpus, perfect).cross_fitted > 99.0
    assert quality(corpus, silent).best["standard"] == 0.0


def test_the_report_has_a_row_for_each_thing_measured(corpus: list[Series]) -> None:
    found = [detect(series.values[:, None], series.timestamps, seed=0) for series in corpus]
    entry = quality(corpus, [detections.likelihood for detections in found])
    alerts = alarms_by_half(corpus, [detections.is_anomaly for detections in found])
    results = NabResults([entry], [entry], [alerts])

    text = markdown(results)
    for name in ("raw score", "anomaly_likelihood", "all files", DEVELOPMENT, HELD_OUT):
        assert f"| {name}" in text
    assert plain_data(results)["alerts"]


@pytest.mark.parametrize("kind", KINDS)
def test_quiet_series_are_the_same_for_the_same_seed_and_finite(kind: str) -> None:
    values, timestamps = quiet_series(kind, 600, seed=4)

    assert values.shape == (600, 1)
    assert np.isfinite(values).all()
    assert (np.diff(timestamps) == 300_000).all()
    assert (values == quiet_series(kind, 600, seed=4)[0]).all()
    assert (values != quiet_series(kind, 600, seed=5)[0]).any()


def test_coverage_counts_alerts_against_what_is_allowed() -> None:
    found = measure_coverage(1200)

    assert [entry.kind for entry in found] == list(KINDS)
    assert all(0.0 <= entry.above <= 1000.0 and entry.alerts <= entry.events for entry in found)
    assert "| noise | 1.50 | 3 | 2 | 1.50 |" in coverage_markdown([Coverage("noise", 4000, 1.5, 3, 2.0)])
