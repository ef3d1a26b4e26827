from __future__ import annotations

import numpy as np
import pytest

from stream_rcf.files.rows import Row
from stream_rcf.tuning import sample as sample_module
from stream_rcf.tuning.sample import Refused, SampleCollector, sample_of
from tests.files.support import bad_row, good_row


def rows(key: str, count: int, step: int = 1000) -> list[Row]:
    return [good_row(key, step * number, float(number), -float(number)) for number in range(count)]


def test_everything_is_kept_of_a_small_input() -> None:
    found = sample_of([*rows("a", 3), bad_row(), *rows("b", 5), bad_row()], ("x", "y"))
    assert (found.events, found.key_count, found.counts_all_keys, found.span_ms) == (8, 2, True, 4000)
    assert [key.key for key in found.keys] == ["b", "a"], "the key with the most events comes first"
    assert found.keys[1].values.tolist() == [[0, 0], [1, -1], [2, -2]]
    assert found.keys[1].times is not None
    assert found.keys[1].times.tolist() == [0, 1000, 2000]
    assert found.refused == {"invalid_json": Refused(2, "it is broken, badly")}
    assert found.step_ms == 1000


def test_the_newest_are_kept_in_bounded_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sample_module, "EVENTS_PER_KEY", 100)
    monkeypatch.setattr(sample_module, "KEPT_VALUES", 300)
    collector = SampleCollector(("x", "y"))
    for row in rows("a", 1000):
        collector.add(row)
        assert len(collector._kept["a"].times) < 200
    assert len(collector.sample().keys[0].values) == 100
    for row in rows("b", 1000):
        collector.add(row)
    found = collector.sample()
    assert found.events == 2000
    assert found.kept_events == 150, "two keys share what may be kept"
    assert found.keys[0].values[-1].tolist() == [999, -999]
    assert [key.events for key in found.keys] == [1000, 1000]


def test_keys_beyond_the_bounds_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sample_module, "MOST_KEYS", 2)
    monkeypatch.setattr(sample_module, "MOST_COUNTED_KEYS", 3)
    found = sample_of([row for key in "abcde" for row in rows(key, 2)], ("x", "y"))
    assert (len(found.keys), found.key_count, found.counts_all_keys, found.events) == (2, 3, False, 10)


def test_rows_without_a_time_have_none() -> None:
    found = sample_of([good_row("a", 5, 1.0), good_row("a", None, 2.0)], ("x",))
    assert found.keys[0].times is None
    assert (found.span_ms, found.step_ms) == (None, None)
    assert sample_of([], ("x",)).events == 0


def test_a_late_event_does_not_change_the_usual_step() -> None:
    times = [1000, 2000, 9000, 3000, 4000, 5000]
    found = sample_of([good_row("a", time, 1.0) for time in times], ("x",))
    assert found.step_ms == 1000
    same = sample_of([good_row("a", 1000, 1.0)] * 3, ("x",))
    assert same.step_ms is None, "events that come all at once have no step"


def test_features_are_chosen_by_name() -> None:
    found = sample_of(rows("a", 3), ("x", "y")).only(("y",))
    assert found.features == ("y",)
    assert np.array_equal(found.keys[0].values, [[0], [-1], [-2]])
