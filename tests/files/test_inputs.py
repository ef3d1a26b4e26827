from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stream_rcf.errors import UsageError
from stream_rcf.files.csv_input import CsvInput
from stream_rcf.files.inputs import open_input
from stream_rcf.files.json_lines_input import JsonLinesInput
from stream_rcf.files.parquet_input import ParquetInput
from tests.files.support import MAX_BYTES

CSV, JSON_LINES = b"value\n1\n", b'{"value":1}\n'


class Terminal:
    """Stands in for standard input."""

    def __init__(self, data: bytes) -> None:
        self.buffer = io.BufferedReader(io.BytesIO(data))


def kind_of(path: Path | str) -> Any:
    with open_input(str(path), MAX_BYTES) as opened:
        return type(opened)


@pytest.mark.parametrize(
    ("name", "data", "kind"),
    [
        ("a.csv", CSV, CsvInput),
        ("a.CSV", b"{strange}\n1\n", CsvInput),
        ("a.tsv", CSV, CsvInput),
        ("a.jsonl", JSON_LINES, JsonLinesInput),
        ("a.ndjson", b"broken\n", JsonLinesInput),
        ("a.data", CSV, CsvInput),
        ("a.data", b"\xef\xbb\xbf \n" + JSON_LINES, JsonLinesInput),
        ("a", JSON_LINES, JsonLinesInput),
    ],
)
def test_the_suffix_tells_the_format_else_the_first_byte_does(
    tmp_path: Path, name: str, data: bytes, kind: type
) -> None:
    (tmp_path / name).write_bytes(data)
    assert kind_of(tmp_path / name) is kind


@pytest.mark.parametrize("name", ["a.parquet", "a.pq", "a.data"])
def test_parquet_is_known_by_its_suffix_or_its_first_bytes(tmp_path: Path, name: str) -> None:
    pq.write_table(pa.table({"value": [1.0]}), tmp_path / name)
    assert kind_of(tmp_path / name) is ParquetInput


@pytest.mark.parametrize(("data", "kind"), [(CSV, CsvInput), (b"\n " + JSON_LINES, JsonLinesInput)])
def test_a_hyphen_is_standard_input(monkeypatch: pytest.MonkeyPatch, data: bytes, kind: type) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal(data))
    with open_input("-", MAX_BYTES) as opened:
        assert type(opened) is kind
        assert opened.name == "standard input"


def test_parquet_needs_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal(b"PAR1"))
    with pytest.raises(UsageError, match="from files only"):
        kind_of("-")


def test_what_cannot_be_opened_is_refused_with_the_reason(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"none\.csv: cannot be read: No such file or directory"):
        kind_of(tmp_path / "none.csv")
    with pytest.raises(UsageError, match="cannot be read: Is a directory"):
        kind_of(tmp_path)
