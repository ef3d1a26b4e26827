"""Files of JSON, one event a line: what is read from Kafka, decoded by the very same decoder."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import BinaryIO

import orjson

from stream_rcf.errors import UsageError
from stream_rcf.files.columns import SAMPLE_ROWS, Columns, Fields, mostly
from stream_rcf.files.rows import Row, RowDecoder
from stream_rcf.pipeline.paths import path_reader


class JsonLinesInput:
    """Reads lines as they are asked for; only the first ``SAMPLE_ROWS`` are read ahead.

    Blank lines are left out. ``max_bytes`` bounds what is kept of a line: the rest of a longer one is
    skipped, and its row says so.
    """

    def __init__(self, name: str, stream: BinaryIO, max_bytes: int) -> None:
        self.name = name
        self._stream = stream
        self._keep = max_bytes + len(b"\r\n") + 1  # one more than allowed, for the decoder to see the excess
        self._sample = list(itertools.islice(self._lines(), SAMPLE_ROWS))
        if not self._sample:
            raise UsageError(f"{name}: is empty")

    def fields(self) -> Fields:
        """Return the fields of the first events."""
        documents = [document for document in map(_document, self._sample) if document]
        names = dict.fromkeys(name for document in documents for name in document)
        numeric = {
            name: mostly(
                [_is_number(document[name]) for document in documents if document.get(name) is not None]
            )
            for name in names
        }
        return Fields(
            self.name,
            numeric,
            lambda path: any(path_reader(path)(document) is not None for document in documents),
        )

    def rows(self, columns: Columns, decoder: RowDecoder) -> Iterator[Row]:
        """Yield a row for each line that is not blank."""
        for line in itertools.chain(self._sample, self._lines()):
            yield decoder.from_line(line)

    def _lines(self) -> Iterator[bytes]:
        while True:
            try:
                line = self._stream.readline(self._keep)
                end = line
                while end and not end.endswith(b"\n"):  # too long, or the last one
                    end = self._stream.readline(self._keep)
            except OSError as error:
                raise UsageError(f"{self.name}: cannot be read on: {error.strerror}") from error
            if not line:
                return
            if not line.isspace():
                yield line.rstrip(b"\r\n")


def _document(line: bytes) -> dict[str, object]:
    try:
        document = orjson.loads(line)
    except orjson.JSONDecodeError:
        return {}
    return document if isinstance(document, dict) else {}


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
