"""An event that stands twice in a file is passed over where ``events.id`` names the column that tells it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stream_rcf.core.arrival_parameters import ArrivalParameters
from stream_rcf.files.columns import Columns, Wanted
from stream_rcf.files.score_files import Scoring, score_stream
from stream_rcf.pipeline.decode import identity_of
from tests.files.support import cells, decoder_of, event_of, scoring

SUFFIXES = (".jsonl", ".csv", ".parquet")
VALUES = [float(n * 31 % 17) for n in range(60)]
REPEATED = {20: 19, 41: 40, 42: 41}  # the row that repeats another, and that one
REMEMBERED = 4


def with_ids() -> Scoring:
    plain = scoring(Wanted(identity="order"))
    arrival = ArrivalParameters(remembered_ids=REMEMBERED)
    return replace(plain, parameters=replace(plain.parameters, arrival=arrival))


def rows(ids: Sequence[object]) -> list[dict[str, object]]:
    return [{"key": "a", "order": one, "value": value} for one, value in zip(ids, VALUES, strict=True)]


def write(path: Path, found: Sequence[dict[str, object]]) -> str:
    match path.suffix:
        case ".jsonl":
            path.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in found))
        case ".csv":
            lines = [",".join("" if cell is None else str(cell) for cell in row.values()) for row in found]
            path.write_text("key,order,value\n" + "\n".join(lines), encoding="utf-8")
        case ".parquet":
            pq.write_table(pa.Table.from_pylist(list(found)), path)
    return str(path)


def reasons(scores: Path) -> list[str]:
    return [row[8] for row in cells(scores.read_text(encoding="utf-8"))]


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("kind", [int, str])
def test_a_row_that_repeats_an_id_is_passed_over(tmp_path: Path, suffix: str, kind: type) -> None:
    ids: list[object] = [kind(1000 + n) for n in range(len(VALUES))]
    for row, first in REPEATED.items():
        ids[row] = ids[first]
    score_stream(with_ids(), [write(tmp_path / f"twice{suffix}", rows(ids))], str(tmp_path / "twice.csv.out"))
    once = [row for n, row in enumerate(rows(ids)) if n not in REPEATED]
    score_stream(with_ids(), [write(tmp_path / f"once{suffix}", once)], str(tmp_path / "once.csv.out"))

    found = (tmp_path / "twice.csv.out").read_text(encoding="utf-8")
    assert [
        n for n, reason in enumerate(reasons(tmp_path / "twice.csv.out")) if "duplicate" in reason
    ] == list(REPEATED)
    kept = [row for n, row in enumerate(cells(found)) if n not in REPEATED]
    assert kept == cells((tmp_path / "once.csv.out").read_text(encoding="utf-8"))


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_rows_without_an_id_are_no_duplicates_of_one_another(tmp_path: Path, suffix: str) -> None:
    ids = [None if n % 2 else f"o-{n}" for n in range(len(VALUES))]
    score_stream(with_ids(), [write(tmp_path / f"a{suffix}", rows(ids))], str(tmp_path / "out.csv"))
    assert not any("duplicate" in reason for reason in reasons(tmp_path / "out.csv"))


def test_an_id_is_the_same_in_a_file_of_one_series_and_in_the_service() -> None:
    decoder = decoder_of(Columns((), None, ("value",), "order"))
    assert (
        event_of(decoder.from_line(b'{"order":7,"value":1}')).identity == identity_of(7) == identity_of("7")
    )
    assert event_of(decoder.from_mapping({"order": "7", "value": 1.0})).identity == identity_of(7)
