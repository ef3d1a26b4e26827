"""CSV files with a header line."""

from __future__ import annotations

import csv
import io
import itertools
from collections.abc import Iterator
from typing import BinaryIO

from stream_rcf.errors import UsageError
from stream_rcf.files.columns import SAMPLE_ROWS, Columns, Fields, mostly
from stream_rcf.files.rows import Row, RowDecoder
from stream_rcf.pipeline.event_errors import EventError, printable
from stream_rcf.pipeline.events import Rejection

DELIMITERS = (",", ";", "\t")
LONGEST_INDEX = 7  # digits; eight are a date such as 20260101, nine or more an epoch time


class CsvInput:
    """Reads the rows of a CSV file as they are asked for; only the first ``SAMPLE_ROWS`` are read ahead.

    The file must be UTF-8 and start with a header. The delimiter is the one of comma, semicolon and tab that
    the header holds most of. Raises ``UsageError`` for a file without a usable header.
    """

    def __init__(self, name: str, stream: BinaryIO) -> None:
        self.name = name
        # A byte that is not UTF-8 spoils its row, not the file.
        text = io.TextIOWrapper(stream, encoding="utf-8-sig", errors="surrogateescape", newline="")
        first = text.readline()
        delimiter = max(DELIMITERS, key=first.count)
        self._reader = csv.reader(itertools.chain([first], text), delimiter=delimiter)
        self._header = self._read_header()
        self._sample = list(itertools.islice(self._lines(), SAMPLE_ROWS))

    def fields(self) -> Fields:
        """Return the columns of the header."""
        whole = [cells for _, cells in self._sample if len(cells) == len(self._header)]
        numeric = {
            name: mostly([_is_number(cells[index]) for cells in whole if cells[index]])
            for index, name in enumerate(self._header)
        }
        return Fields(self.name, numeric, numeric.__contains__)

    def rows(self, columns: Columns, decoder: RowDecoder) -> Iterator[Row]:
        """Yield a row for each line that is not blank."""
        keys = [(name, self._header.index(name)) for name in columns.keys]
        times = [(name, self._header.index(name)) for name in (columns.timestamp,) if name is not None]
        ids = [(name, self._header.index(name)) for name in (columns.identity,) if name]
        features = [(name, self._header.index(name)) for name in columns.paths]
        width = len(self._header)
        for line, cells in itertools.chain(self._sample, self._lines()):
            if len(cells) != width:
                reason = f"line {line} has {len(cells)} cells, but the header has {width}"
                yield decoder.from_rejection(Rejection(EventError.MALFORMED_ROW, reason))
                continue
            mapping: dict[str, object] = {name: cells[index] or None for name, index in ids}
            for name, index in features:
                mapping[name] = _number(cells[index])
            for name, index in times:
                mapping[name] = _time(cells[index])
            for name, index in keys:
                mapping[name] = cells[index]
            yield decoder.from_mapping(mapping)

    def _read_header(self) -> list[str]:
        _, header = next(self._lines(), (0, []))
        if not header:
            raise UsageError(f"{self.name}: is empty; a CSV file begins with a header line")
        if all(_is_number(cell) for cell in header):
            shown = printable(", ".join(header))
            raise UsageError(
                f"{self.name}: line 1 holds only numbers ({shown}); a CSV file begins with a header line"
            )
        repeated = sorted({name for name in header if header.count(name) > 1})
        if repeated:
            raise UsageError(f"{self.name}: the header names {', '.join(map(repr, repeated))} more than once")
        return header

    def _lines(self) -> Iterator[tuple[int, list[str]]]:
        """Yield the cells of each line that is not blank, with its number."""
        while True:
            try:
                cells = next(self._reader, None)
            except csv.Error as error:
                raise UsageError(f"{self.name}, line {self._reader.line_num}: is not CSV: {error}") from error
            except OSError as error:
                raise UsageError(f"{self.name}: cannot be read on: {error.strerror}") from error
            if cells is None:
                return
            if cells:
                yield self._reader.line_num, cells


def _is_number(cell: str) -> bool:
    return not isinstance(_number(cell), str | None)


def _number(cell: str) -> object:
    """Return the cell as a number, as None where it is empty, and as it is where it is no number."""
    try:
        return float(cell)
    except ValueError:
        return cell if cell.strip() else None


def _time(cell: str) -> object:
    """Return the cell as a time: CSV does not tell numbers from text, so a short number is taken for one."""
    if cell.isascii() and cell.isdigit() and len(cell) <= LONGEST_INDEX:
        return int(cell)
    return cell if cell.strip() else None
