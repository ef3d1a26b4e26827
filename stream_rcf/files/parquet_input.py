"""Parquet files, read in batches by pyarrow, which is an extra."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from stream_rcf.errors import UsageError
from stream_rcf.files.columns import Columns, Fields
from stream_rcf.files.rows import Row, RowDecoder

READ_ROWS = 4096  # rows held as Python objects at once


class ParquetInput:
    """Reads a Parquet file batch by batch.

    Raises ``UsageError`` for a file that is not Parquet, and where pyarrow is not installed.
    """

    def __init__(self, name: str, path: str) -> None:
        try:
            import pyarrow
            import pyarrow.parquet
        except ImportError as error:
            raise UsageError(
                f"{name}: reading Parquet takes pyarrow: pip install 'stream-rcf[parquet]'"
            ) from error
        self.name = name
        self._arrow: Any = pyarrow
        try:
            self._file: Any = pyarrow.parquet.ParquetFile(path)
        except (OSError, pyarrow.ArrowException) as error:
            raise UsageError(f"{name}: cannot be read as Parquet: {error}") from error

    def fields(self) -> Fields:
        """Return the columns of the file's schema."""
        numeric = {field.name: self._is_numeric(field.type) for field in self._file.schema_arrow}
        return Fields(self.name, numeric, lambda path: _root(path, numeric) in numeric)

    def rows(self, columns: Columns, decoder: RowDecoder) -> Iterator[Row]:
        """Yield a row for each of the file's."""
        names = {field.name for field in self._file.schema_arrow}
        roots = list(dict.fromkeys(_root(path, names) for path in columns.names))
        try:
            for batch in self._file.iter_batches(batch_size=READ_ROWS, columns=roots):
                values = [self._plain(batch.column(name)) for name in roots]
                for cells in zip(*values, strict=True):
                    yield decoder.from_mapping(dict(zip(roots, cells, strict=True)))
        except (OSError, self._arrow.ArrowException) as error:
            raise UsageError(f"{self.name}: cannot be read on: {error}") from error

    def _is_numeric(self, kind: Any) -> bool:
        types = self._arrow.types
        return bool(types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind))

    def _plain(self, column: Any) -> list[object]:
        """Return a column as numbers, text and naive UTC times, which is what the decoder knows."""
        types, kind = self._arrow.types, column.type
        if types.is_decimal(kind):
            column = column.cast(self._arrow.float64())
        elif types.is_timestamp(kind) or types.is_date(kind):
            # Python's times hold microseconds; the event's keep milliseconds.
            column = column.cast(self._arrow.timestamp("us"), safe=False)
        plain: list[object] = column.to_pylist()
        return plain


def _root(path: str, names: Any) -> str:
    """Return the column that a path begins in."""
    return path if path in names else path.split(".", 1)[0]
