"""Fields of the event that its alert repeats, so that who reads it need not look the event up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from stream_rcf.pipeline.events import Rejection
from stream_rcf.pipeline.paths import path_reader
from stream_rcf.pipeline.payload import PayloadReader

MAX_TEXT = 1024  # characters; longer text is cut there
WHOLE_BITS = 64  # of a number: JSON readers take no longer ones


class CopiedFields:
    """Reads the values at ``paths``: text, numbers and truth values, as they stand in the event."""

    def __init__(self, paths: Sequence[str], reader: PayloadReader) -> None:
        self._paths = [(path, path_reader(path)) for path in paths]
        self._reader = reader

    def read(self, value: bytes | None) -> dict[str, object]:
        """The fields by path; those that are absent, null, lists or objects are left out.

        ``value``: of a record that was decoded before.
        """
        document = None if value is None else self._reader.read(value)
        if document is None or isinstance(document, Rejection):
            return {}
        return self._of(document)

    def _of(self, document: Mapping[str, object]) -> dict[str, object]:
        found: dict[str, object] = {}
        for path, read in self._paths:
            field = read(document)
            if isinstance(field, str):
                found[path] = field[:MAX_TEXT].encode("utf-8", "replace").decode("utf-8")
            elif isinstance(field, bool | float) or (
                isinstance(field, int) and field.bit_length() < WHOLE_BITS
            ):
                found[path] = field
        return found
