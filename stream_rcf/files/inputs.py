"""Opening an input: which format it has, and who reads it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import Protocol, cast

from stream_rcf.errors import UsageError
from stream_rcf.files.columns import Columns, Fields
from stream_rcf.files.csv_input import CsvInput
from stream_rcf.files.json_lines_input import JsonLinesInput
from stream_rcf.files.parquet_input import ParquetInput
from stream_rcf.files.rows import Row, RowDecoder

STANDARD_INPUT = "-"
CSV_SUFFIXES = frozenset({".csv", ".tsv", ".txt"})
JSON_LINES_SUFFIXES = frozenset({".jsonl", ".ndjson", ".json"})
PARQUET_SUFFIXES = frozenset({".parquet", ".pq"})
PARQUET_MAGIC = b"PAR1"
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class Input(Protocol):
    """A file of rows."""

    name: str

    def fields(self) -> Fields:
        """Return what the file offers; reads at most its first rows."""

    def rows(self, columns: Columns, decoder: RowDecoder) -> Iterator[Row]:
        """Yield its rows in order. To be called once."""


@contextmanager
def open_input(source: str, max_bytes: int) -> Iterator[Input]:
    """Open a file, or standard input for ``-``; the suffix tells the format, else its first byte does.

    ``max_bytes`` bounds a line of JSON. Raises ``UsageError`` with the reason for what cannot be read.
    """
    if source == STANDARD_INPUT:
        yield _input("standard input", source, "", cast("BufferedReader", sys.stdin.buffer), max_bytes)
        return
    try:
        stream = Path(source).open("rb")  # noqa: SIM115  # closed below; the reason must be told apart
    except OSError as error:
        raise UsageError(f"{source}: cannot be read: {error.strerror}") from error
    with stream:
        try:
            opened = _input(source, source, Path(source).suffix.lower(), stream, max_bytes)
        except OSError as error:
            raise UsageError(f"{source}: cannot be read: {error.strerror}") from error
        yield opened


def _input(name: str, source: str, suffix: str, stream: BufferedReader, max_bytes: int) -> Input:
    start = stream.peek(1)[:4096].removeprefix(BYTE_ORDER_MARK).lstrip()
    if suffix in PARQUET_SUFFIXES or (suffix not in CSV_SUFFIXES and start.startswith(PARQUET_MAGIC)):
        if source == STANDARD_INPUT:
            raise UsageError("standard input: is Parquet, which can be read from files only")
        return ParquetInput(name, source)
    if suffix in JSON_LINES_SUFFIXES or (suffix not in CSV_SUFFIXES and start.startswith(b"{")):
        return JsonLinesInput(name, stream, max_bytes)
    return CsvInput(name, stream)
