"""Files whose events are added up over windows: a row of the output for each that is closed, as the service has it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stream_rcf.errors import UsageError
from stream_rcf.files import score_files
from stream_rcf.files.columns import Columns, Wanted
from stream_rcf.files.rows import Row
from stream_rcf.files.save_state import StateTarget
from stream_rcf.files.score_files import Scoring, score_stream
from stream_rcf.files.series import SeriesCollector
from stream_rcf.files.windowed_rows import WindowsAlone
from stream_rcf.pipeline.events import Event
from stream_rcf.state.key_table import KeyTable
from tests.files.support import MAX_BYTES, bad_row, cells, good_row
from tests.files.test_same_bytes import CELLS
from tests.pipeline.window_support import FEATURES, PARAMETERS, raw_stream, records_of
from tests.state.backfill_support import backfill_store, read_backfill

EVENTS = raw_stream(2000)
COLUMNS = Columns(("key",), "timestamp", FEATURES, "id", is_windowed=True)


def scoring(said: list[str] | None = None, **wanted: object) -> Scoring:
    asked = {"features": FEATURES, "identity": "id", "is_windowed": True, **wanted}
    report = [].append if said is None else said.append
    return Scoring(Wanted(**asked), PARAMETERS, MAX_BYTES, report)  # type: ignore[arg-type] # -- by name


def write(path: Path, events: Sequence[Event] = EVENTS) -> str:
    rows = [{"key": e.key, "timestamp": e.timestamp, "a": e.values[0], "id": e.identity} for e in events]
    match path.suffix:
        case ".jsonl":
            path.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))
        case ".csv":
            lines = [",".join(map(str, row.values())) for row in rows]
            path.write_text("key,timestamp,a,id\n" + "\n".join(lines), encoding="utf-8")
        case ".parquet":
            pq.write_table(pa.Table.from_pylist(rows), path)
    return str(path)


@pytest.mark.parametrize("suffix", [".jsonl", ".csv", ".parquet"])
def test_rows_are_the_windows_that_the_service_scores(tmp_path: Path, suffix: str) -> None:
    said: list[str] = []
    columns = score_stream(scoring(said), [write(tmp_path / f"raw{suffix}")], str(tmp_path / "out.csv"))
    assert columns == COLUMNS
    rows = cells((tmp_path / "out.csv").read_text(encoding="utf-8"))
    records, passed_over = records_of(PARAMETERS, EVENTS, KeyTable(PARAMETERS))
    assert [(row[0], int(row[1]), float(row[2])) for row in rows] == [
        (record.key, record.start, record.score) for record in records
    ]
    assert any(row[CELLS.index("is_anomaly")] == "true" for row in rows)
    late = sum(reason == "LATE_EVENT" for _, reason in passed_over)
    duplicates = len(passed_over) - late
    assert f"{len(EVENTS)} events, {len(records)} windows, 5 keys, " in said[-1]
    assert said[-1].endswith(
        f"{len(passed_over)} events passed over (duplicate_event {duplicates}, late_event {late})"
    )


def test_the_cut_into_batches_and_files_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    score_stream(scoring(), [write(tmp_path / "raw.jsonl")], str(tmp_path / "one.csv"))
    parts = [write(tmp_path / "a.csv", EVENTS[:777]), write(tmp_path / "b.csv", EVENTS[777:])]
    for batch in (1, 50):
        monkeypatch.setattr(score_files, "BATCH_ROWS", batch)
        score_stream(scoring(), parts, str(tmp_path / "two.csv"))
        assert (tmp_path / "two.csv").read_bytes() == (tmp_path / "one.csv").read_bytes()


def test_rows_that_are_no_events_keep_their_place(tmp_path: Path) -> None:
    path = tmp_path / "raw.jsonl"
    good = [b'{"key":"a","timestamp":%d,"a":1}' % (1_767_225_600_000 + 5000 * n) for n in range(8)]
    path.write_bytes(b"\n".join([*good[:4], b"nonsense", b'{"key":"a","a":1}', *good[4:]]))
    said: list[str] = []
    score_stream(scoring(said, identity=""), [str(path)], str(tmp_path / "out.csv"))
    rows = cells((tmp_path / "out.csv").read_text(encoding="utf-8"))
    assert [row[1] for row in rows] == ["1767225600000", "", "", "1767225610000", "1767225620000"][
        : len(rows)
    ]
    assert [row[8].split(":")[0] for row in rows][1:3] == ["invalid_json", "invalid_timestamp"]
    assert said[-1].startswith(
        f"{path}: 8 events, {len(rows) - 2} windows, 1 key, 0 anomalies, 2 not scored ("
    )


def test_windows_need_times_and_aggregates(tmp_path: Path) -> None:
    source = tmp_path / "a.csv"
    source.write_text("key,a,id\nx,1,1\n")
    with pytest.raises(UsageError, match="windows are of event time; name the rows' time by --timestamp"):
        score_stream(scoring(), [str(source)], str(tmp_path / "out.csv"))
    with pytest.raises(UsageError, match=r"name what to watch by --features: count, sum"):
        score_stream(scoring(features=None), [write(tmp_path / "b.csv")], str(tmp_path / "out.csv"))
    with pytest.raises(UsageError, match=r"b\.csv: no column z; it has key, timestamp, a, id"):
        score_stream(scoring(features=("max(z)",)), [str(tmp_path / "b.csv")], str(tmp_path / "out.csv"))


def test_what_is_drawn_are_the_windows(tmp_path: Path) -> None:
    collected = SeriesCollector()
    score_stream(scoring(), [write(tmp_path / "a.csv")], str(tmp_path / "out.csv"), collected)
    (series,) = collected.most_anomalous(1)
    rows = [row for row in cells((tmp_path / "out.csv").read_text()) if row[0] == series.key]
    assert [float(row[2]) for row in rows] == series.scores.tolist()
    assert series.values.shape == (len(rows), len(FEATURES))


def test_windows_alone_are_those_of_the_detector_and_go_on_from_input_to_input() -> None:
    rows = [Row(event, event.key, event.timestamp) for event in EVENTS]
    alone = WindowsAlone(replace(PARAMETERS, forest=replace(PARAMETERS.forest, trees=50)))
    found = [*alone.rows(iter(rows[:900])), *alone.rows(iter(rows[900:]))]
    records, _ = records_of(PARAMETERS, EVENTS, KeyTable(PARAMETERS))
    assert [
        (row.key, row.timestamp, repr(row.outcome.values)) for row in found if isinstance(row.outcome, Event)
    ] == [(record.key, record.start, record.values) for record in records]


def test_an_empty_window_is_in_the_place_of_the_event_that_closed_it() -> None:
    alone = WindowsAlone(PARAMETERS)
    rows = [good_row("x", 0, 1.0), bad_row("x"), good_row("x", 40_000, 1.0), bad_row("y")]
    found = list(alone.rows(rows))
    assert [row.key if isinstance(row.outcome, Event) else "-" for row in found] == ["-", "x", "x", "x", "-"]
    empty = found[2].outcome
    assert isinstance(empty, Event)
    assert empty.values[:2] == (0.0, 0.0)
    assert math.isnan(empty.values[2])


def test_what_is_saved_goes_on_with_the_windows_that_were_open(tmp_path: Path) -> None:
    """A history first, then the stream, as the service begins with it: the records of one run over both."""
    half, store = len(EVENTS) // 2, backfill_store()
    source = write(tmp_path / "history.csv", EVENTS[:half])
    score_stream(scoring(), [source], str(tmp_path / "out.csv"), None, StateTarget(store, "memory"))
    table = KeyTable(PARAMETERS)
    for key, state in read_backfill(store).items():
        table.restore(key, state)
    rest, _ = records_of(PARAMETERS, EVENTS[half:], table)
    whole, _ = records_of(PARAMETERS, EVENTS, KeyTable(PARAMETERS))
    before = len(cells((tmp_path / "out.csv").read_text()))
    assert [record._replace(closed_by=record.closed_by + half) for record in rest] == whole[before:]
    latest = {
        event.key: event.timestamp for event in sorted(EVENTS[:half], key=lambda event: event.timestamp)
    }
    document = store.newest()
    assert document is not None
    assert document.latest_event == max(latest.values()), (
        "of the events, by which the service tells what it knows"
    )
