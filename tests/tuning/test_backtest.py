from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from stream_rcf.core.parameters import DetectorParameters, ForestParameters
from stream_rcf.errors import UsageError
from stream_rcf.files.columns import Columns
from stream_rcf.files.rows import Row
from stream_rcf.pipeline.score_batch import score_batch
from stream_rcf.state.key_table import KeyTable
from stream_rcf.tuning.backtest import Backtest, Side
from stream_rcf.tuning.backtest_report import report_object, report_text
from tests.files.support import bad_row, event_of, good_row
from tests.tuning.support import START

FOREST = ForestParameters(trees=10, sample_size=32, shingle_size=1)
A = Side("A", DetectorParameters(("x",), FOREST), None)
B = Side("B", DetectorParameters(("x", "y"), replace(FOREST, shingle_size=2, dimensions=2)), 2.0)
COLUMNS = Columns(("key",), "timestamp", ("x", "y", "label"))
SPIKE = 150


def rows(label: float | None = None) -> Iterator[Row]:
    for number in range(200):
        for key in ("a", "b"):
            is_spike = key == "a" and number == SPIKE
            x = 100.0 if is_spike else number % 2.0
            yield good_row(key, START + 60_000 * number, x, 1.0, float(is_spike) if label is None else label)
    yield bad_row()


def test_both_settings_see_what_they_watch_in_one_pass() -> None:
    test = Backtest([A, B], COLUMNS, "label")
    test.feed(rows())
    counts = test.finish()
    for number, side in enumerate((A, B)):
        table = KeyTable(side.parameters)
        places = [COLUMNS.features.index(name) for name in side.parameters.features]
        events = [event_of(row) for row in rows() if row.key]
        events = [event._replace(values=tuple(event.values[place] for place in places)) for event in events]
        grades = score_batch(side.parameters, events, [table] * len(events)).grade
        expected = {
            key: sum(grade > 0 for event, grade in zip(events, grades, strict=True) if event.key == key)
            for key in "ab"
        }
        assert {key: found.sides[number].alerts for key, found in counts.keys.items()} == expected
    assert counts.gap == 2
    assert test.rejected == {"invalid_json": 1}
    spiked = counts.keys["a"]
    assert spiked.anomalies == 1
    assert spiked.sides[0].hits == 1
    first = next(one for one in spiked.sides[0].first if one.event == SPIKE + 1)
    assert (first.timestamp, first.feature, first.share) == (START + 60_000 * SPIKE, "x", 1.0)
    assert first.score > 1
    assert first.other


def test_the_report_says_it_all() -> None:
    test = Backtest([A, B], COLUMNS, "label")
    test.feed(rows())
    test.finish()
    text = report_text(test)
    assert text.startswith(
        "400 events of 2 keys, 6.6 hours of all keys together\nA: shingle 1, 10 trees of 32 samples"
    )
    assert "decided by a budget of 2 per key and week" in text
    assert "1 row not scored (invalid_json 1)" in text
    assert "hits, of 1 labelled anomaly" in text
    assert "incidents that it alone saw" in text
    assert "2026-01-01 02:30:00" in text
    found = report_object(test)
    assert (found["events"], found["keys"], found["labelled_anomalies"]) == (400, 2, 1)
    assert found["settings"][0]["alerts"] == sum(
        one["settings"][0]["alerts"] for one in found["by_key"].values()
    )
    assert found["settings"][0]["hits"] == 1
    assert next(iter(found["by_key"])) == "a", "the key with the most alerts comes first"
    assert found["incidents_both"] + sum(found["incidents_only"]) > 0


def test_one_settings_without_labels_and_times() -> None:
    test = Backtest([A], Columns((), None, ("x",)), None)
    test.feed(good_row("a", None, 100.0 if number == SPIKE else number % 2.0) for number in range(200))
    test.finish()
    text = report_text(test)
    assert "event 151" in text
    for absent in ("week", "alone", "hits", "said by", "B"):
        assert absent not in text
    found = report_object(test)
    assert found["labelled_anomalies"] is None
    assert found["settings"][0]["alerts_per_key_and_week"] is None
    assert "incidents_both" not in found


def test_nothing_found_is_said() -> None:
    test = Backtest([A], Columns((), None, ("x",)), None)
    test.feed(good_row("a", None, 1.0) for _ in range(50))
    test.finish()
    assert report_text(test).endswith("A: no alerts\n")


def test_labels_are_0_or_1() -> None:
    with pytest.raises(UsageError, match="the label of an event of 'a' is 2, but labels are 0 or 1"):
        Backtest([A], COLUMNS, "label").feed(rows(2.0))


def test_the_series_is_kept_for_pictures_only_when_asked() -> None:
    test = Backtest([A, B], COLUMNS, "label", keep_series=True)
    test.feed(rows())
    assert [one.keys for one in test.series] == [2, 2]
    assert test.series[1].most_anomalous(1)[0].values.shape == (200, 2)
    assert Backtest([A], COLUMNS, None).series == []
