from __future__ import annotations

import builtins
import decimal
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stream_rcf.errors import UsageError
from stream_rcf.files.columns import Columns
from stream_rcf.files.parquet_input import READ_ROWS, ParquetInput
from stream_rcf.files.rows import Row
from stream_rcf.pipeline.event_errors import EventError
from tests.files.support import decoder_of, error_of, event_of

NEW_YEAR = 1_767_225_600_000  # 2026-01-01, ms


def opened(tmp_path: Path, **columns: Any) -> ParquetInput:
    path = tmp_path / "data.parquet"
    pq.write_table(pa.table(columns), path)
    return ParquetInput("data.parquet", str(path))


def rows(reader: ParquetInput, columns: Columns) -> list[Row]:
    return list(reader.rows(columns, decoder_of(columns)))


def test_rows_become_events_in_order(tmp_path: Path) -> None:
    count = READ_ROWS + 10
    reader = opened(tmp_path, key=[f"k{n % 3}" for n in range(count)], a=list(range(count)), b=[0.5] * count)
    found = rows(reader, Columns(("key",), None, ("a", "b")))
    assert [event_of(row).values for row in found] == [(float(n), 0.5) for n in range(count)]
    assert [row.key for row in found[:4]] == ["k0", "k1", "k2", "k0"]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "UTC", "America/New_York"])
def test_times_of_every_unit_are_utc(tmp_path: Path, unit: str, zone: str | None) -> None:
    moment = datetime(2026, 1, 1, tzinfo=None if zone is None else UTC)  # naive is what is tested
    times = pa.array([moment], pa.timestamp(unit, zone))
    (row,) = rows(opened(tmp_path, at=times, value=[1.0]), Columns((), "at", ("value",)))
    assert row.timestamp == NEW_YEAR


def test_nanoseconds_beyond_a_microsecond_are_rounded_down(tmp_path: Path) -> None:
    times = pa.array([NEW_YEAR * 10**6 + 1_999_999], pa.timestamp("ns"))
    (row,) = rows(opened(tmp_path, at=times, value=[1.0]), Columns((), "at", ("value",)))
    assert row.timestamp == NEW_YEAR + 1


def test_dates_whole_numbers_and_text_are_times_too(tmp_path: Path) -> None:
    for times in ([date(2026, 1, 1)], [NEW_YEAR], ["2026-01-01T00:00:00Z"]):
        (row,) = rows(opened(tmp_path, at=times, value=[1.0]), Columns((), "at", ("value",)))
        assert row.timestamp == NEW_YEAR


def test_numbers_of_every_kind_are_features(tmp_path: Path) -> None:
    columns = {
        "small": pa.array([1], pa.int8()),
        "large": pa.array([2**64 - 1], pa.uint64()),
        "single": pa.array([0.5], pa.float32()),
        "exact": pa.array([decimal.Decimal("1.25")]),
    }
    reader = opened(tmp_path, **columns, flag=[True], text=["1"])
    assert dict(reader.fields().numeric) == {**dict.fromkeys(columns, True), "flag": False, "text": False}
    (row,) = rows(reader, Columns((), None, tuple(columns)))
    assert event_of(row).values == (1.0, float(2**64 - 1), 0.5, 1.25)


def test_dotted_paths_lead_into_nested_columns(tmp_path: Path) -> None:
    reader = opened(tmp_path, cpu=[{"load": 0.5}], **{"disk.used": [7]})
    assert reader.fields().holds("cpu.load")
    assert not reader.fields().holds("memory.used")
    (row,) = rows(reader, Columns((), None, ("cpu.load", "disk.used")))
    assert event_of(row).values == (0.5, 7.0)


def test_bad_cells_spoil_their_rows_only(tmp_path: Path) -> None:
    reader = opened(tmp_path, key=["a", None, "c", "d"], value=[1.0, 2.0, None, float("nan")])
    found = rows(reader, Columns(("key",), None, ("value",)))
    assert event_of(found[0]).values == (1.0,)
    errors = [EventError.MISSING_KEY, EventError.MISSING_FEATURE, EventError.NON_FINITE_NUMBER]
    assert [error_of(row) for row in found[1:]] == errors


def test_a_file_that_is_not_parquet_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "data.parquet"
    path.write_bytes(b"PAR1 and nothing else PAR1")
    with pytest.raises(UsageError, match=r"^data.parquet: cannot be read as Parquet: "):
        ParquetInput("data.parquet", str(path))


def test_without_pyarrow_the_line_that_installs_it_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real_import = builtins.__import__

    def without_pyarrow(name: str, *others: Any, **more: Any) -> Any:
        if name.startswith("pyarrow"):
            raise ImportError(name)
        return real_import(name, *others, **more)

    monkeypatch.setattr(builtins, "__import__", without_pyarrow)
    with pytest.raises(UsageError, match=r"pip install 'stream-rcf\[parquet\]'"):
        ParquetInput("data.parquet", str(tmp_path / "data.parquet"))
