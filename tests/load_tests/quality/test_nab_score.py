"""The scorer against the protocol's own constants, and against a slow twin that walks every row at every threshold."""

from __future__ import annotations

import math

import numpy as np
import pytest

from load_tests.quality.nab_corpus import Series, nab_corpus
from load_tests.quality.nab_score import PROFILES, STANDARD, Profile, alarms, sweep


def small_series(name: str, rows: int, windows: tuple[tuple[int, int], ...]) -> Series:
    return Series(name, np.arange(rows) * 300_000, np.zeros(rows), windows, ())


def naive_raw(series: Series, score: np.ndarray, threshold: float, profile: Profile) -> float:
    """Row by row, as the protocol tells it."""
    total = 0.0
    for first, last in series.windows:
        width = last - first + 1
        worth = [
            profile.found * sigmoid(-(last - row + 1) / width) / sigmoid(-1.0)
            for row in range(first, last + 1)
            if score[row] >= threshold
        ]
        total += max(worth) if worth else -profile.missed
    for row in range(series.probation, len(score)):
        if score[row] < threshold or any(first <= row <= last for first, last in series.windows):
            continue
        before = [window for window in series.windows if window[1] < row]
        if not before:
            total -= profile.false_alarm
            continue
        first, last = before[-1]
        position = (row - last) / (last - first)
        total += profile.false_alarm * (-1.0 if position > 3.0 else sigmoid(position))
    return total


def sigmoid(position: float) -> float:
    return 2.0 / (1.0 + math.exp(5.0 * position)) - 1.0


@pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.name)
def test_every_threshold_gives_what_the_slow_twin_gives(profile: Profile) -> None:
    corpus = [
        small_series("one", 300, ((60, 80), (200, 239))),
        small_series("two", 100, ()),
        small_series("three", 150, ((30, 60),)),
    ]
    random = np.random.default_rng(5)
    scores = [random.integers(0, 12, len(series.values)) / 12.0 for series in corpus]

    found = sweep(corpus, scores, profile)

    least, most = -3.0 * profile.missed, 3.0 * profile.found
    for threshold in (0.0, 0.25, 0.5, 0.7, 11 / 12, 2.0):
        raw = sum(
            naive_raw(series, score, threshold, profile) for series, score in zip(corpus, scores, strict=True)
        )
        assert found.at(threshold) == pytest.approx(100.0 * (raw - least) / (most - least))
    assert found.best()[1] == max(found.at(threshold) for threshold in [*np.unique(scores[0]), np.inf])


def test_the_corpus_is_the_one_the_protocol_describes() -> None:
    corpus = nab_corpus()

    assert len(corpus) == 58
    assert sum(len(series.values) for series in corpus) == 365_558
    assert sum(len(series.windows) for series in corpus) == 116
    inside = sum(int(series.in_window().sum()) for series in corpus)
    assert round(1000 * inside / 365_558) == 92


def test_a_constant_score_is_worth_nothing() -> None:
    corpus = nab_corpus()
    constant = [np.ones(len(series.values)) for series in corpus]

    assert [round(sweep(corpus, constant, profile).best()[1], 1) for profile in PROFILES] == [0.0, 0.0, 0.0]


def test_an_alarm_exactly_at_every_label_is_worth_what_the_reference_measured() -> None:
    corpus = nab_corpus()
    oracle = [np.isin(np.arange(len(series.values)), series.labels).astype(np.float64) for series in corpus]

    scores = [round(sweep(corpus, oracle, profile).best()[1], 1) for profile in PROFILES]

    assert scores == [92.2, 92.1, 94.5]


def test_alarms_as_they_come_are_counted_in_runs() -> None:
    series = small_series("one", 200, ((100, 119),))
    flags = np.zeros(200, bool)
    flags[[5, 40, 41, 42, 99, 110, 150]] = True  # the first lies in probation

    found = alarms([series], [flags])

    assert (found.windows, found.windows_found, found.false_alarm_runs) == (1, 1, 3)
    assert found.standard == pytest.approx(sweep([series], [flags.astype(float)], STANDARD).at(1.0))


def test_the_halves_share_out_every_category() -> None:
    corpus = nab_corpus()
    counts: dict[tuple[str, str], int] = {}
    for series in corpus:
        place = (series.name.split("/", maxsplit=1)[0], series.half)
        counts[place] = counts.get(place, 0) + 1

    assert sum(count for (_, half), count in counts.items() if half == "development") == 29
    assert all(
        counts[category, "development"] - counts[category, "held out"] in {-1, 0, 1} for category, _ in counts
    )
