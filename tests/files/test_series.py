from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream_rcf.files.series import Episode, SeriesCollector, outline
from tests.files.support import bad_row, good_row, results


def collected(*batches: tuple[list[tuple[str, float]], list[float]]) -> SeriesCollector:
    """Collect batches of (key, value) with their grades."""
    collector = SeriesCollector()
    for rows, grades in batches:
        collector.add([good_row(key, 1000 + int(value), value) for key, value in rows], results(grades))
    return collector


def test_a_keys_events_are_kept_in_order_over_batches() -> None:
    collector = collected(([("a", 1.0), ("b", 2.0), ("a", 3.0)], [0.0, 0.0, 0.5]), ([("a", 4.0)], [0.0]))
    first, second = collector.most_anomalous(6)
    assert (first.key, second.key, collector.keys) == ("a", "b", 2)
    assert first.values.tolist() == [[1.0], [3.0], [4.0]]
    assert first.times is not None
    assert first.times.tolist() == [1001, 1003, 1004]
    assert first.rows.tolist() == [1, 3, 4]
    assert first.scores.tolist() == [1.0, 1.5, 1.0]
    assert first.grades.tolist() == [0.0, 0.5, 0.0]
    assert first.anomalies.tolist() == [1]


def test_bad_rows_take_a_place_but_have_no_event() -> None:
    collector = SeriesCollector()
    collector.add([bad_row(), good_row("a", 5, 1.0, 2.0)], results([0.0]))
    collector.add([bad_row()], results([]))
    collector.add([good_row("a", 6, 3.0, 4.0)], results([0.0]))
    (series,) = collector.most_anomalous(6)
    assert series.rows.tolist() == [2, 4]
    assert series.values.tolist() == [[1.0, 2.0], [3.0, 4.0]]


def test_a_stream_without_events_has_no_series() -> None:
    collector = SeriesCollector()
    collector.add([bad_row()], results([]))
    assert collector.most_anomalous(6) == []


def test_one_event_without_a_time_makes_rows_the_axis() -> None:
    collector = SeriesCollector()
    collector.add([good_row("a", 5, 1.0), good_row("a", None, 1.0)], results([0.0, 0.0]))
    (series,) = collector.most_anomalous(6)
    assert series.times is None


def test_keys_are_ranked_by_grade_then_anomalies_then_score() -> None:
    rows = [("calm", 1.0), ("twice", 1.0), ("once", 1.0), ("high", 1.0), ("twice", 1.0)]
    collector = SeriesCollector()
    collector.add(
        [good_row(key, 1, value) for key, value in rows],
        results([0.0, 0.5, 0.5, 1.0, 0.25], scores=[9.0, 1.0, 1.0, 1.0, 1.0]),
    )
    assert [series.key for series in collector.most_anomalous(3)] == ["high", "twice", "once"]
    assert [series.key for series in collector.most_anomalous(9)][-1] == "calm"


def test_anomalies_near_each_other_are_one_episode() -> None:
    grades = [0, 1, 0, 1, 0, 0, 0, 1, 1]
    scores = [0, 2, 0, 3, 0, 0, 0, 5, 4]
    collector = SeriesCollector()
    collector.add(
        [good_row("a", 1, 1.0)] * 9, results([float(g) for g in grades], [float(s) for s in scores])
    )
    (series,) = collector.most_anomalous(1)
    assert series.episodes(2) == [Episode(1, 3, 3), Episode(7, 8, 7)]
    assert series.episodes(1) == [Episode(1, 1, 1), Episode(3, 3, 3), Episode(7, 8, 7)]
    assert series.episodes(4) == [Episode(1, 8, 7)]


def test_a_calm_series_has_no_episodes() -> None:
    (series,) = collected(([("a", 1.0)], [0.0])).most_anomalous(1)
    assert series.episodes(5) == []


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=400), st.integers(1, 20), st.booleans())
def test_an_outline_keeps_every_strips_extremes_in_order(
    heights: list[float], columns: int, tied: bool
) -> None:
    y = np.array(heights)
    x = np.zeros(len(y)) if tied else np.arange(len(y), dtype=np.float64)
    x_kept, y_kept = outline(x, y, columns)
    assert len(y_kept) <= 2 * columns
    assert y_kept.min() == y.min()
    assert y_kept.max() == y.max()
    assert (np.diff(x_kept) >= 0).all()
    points = list(zip(x.tolist(), y.tolist(), strict=True))
    assert set(zip(x_kept.tolist(), y_kept.tolist(), strict=True)) <= set(points)


def test_a_short_line_is_kept_as_it_is() -> None:
    x, y = np.arange(6.0), np.array([3.0, 1.0, 2.0, 2.0, 5.0, 4.0])
    assert [part.tolist() for part in outline(x, y, 3)] == [x.tolist(), y.tolist()]


@pytest.mark.parametrize("size", [100_000])
def test_a_spike_in_a_long_line_survives(size: int) -> None:
    y = np.zeros(size)
    y[size // 3] = 7.0
    x_kept, y_kept = outline(np.arange(size, dtype=np.float64), y, 1200)
    assert x_kept[np.argmax(y_kept)] == size // 3
    assert len(x_kept) <= 2400
