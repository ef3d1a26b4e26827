"""The segments of one folder of a store, read and checked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from stream_rcf.state.objects import Objects
from stream_rcf.state.segments import Segment, SegmentIndex, read_index, verify_segment


class SegmentFolder:
    """What lies in ``folder``. All methods may be called from any thread, and may raise ``StoreUnreachableError``."""

    def __init__(self, objects: Objects, folder: str) -> None:
        self._objects = objects
        self._folder = folder

    def where(self, name: str) -> str:
        """An object of the folder, for messages."""
        return f"{self._objects.root}/{self._folder}/{name}"

    def indexes(self, segments: Iterable[Segment]) -> list[SegmentIndex]:
        """Where each key stands, by segment. Raises ``CheckpointError`` for what was not written so."""
        found: list[SegmentIndex] = []
        for segment in segments:
            ranges = [(segment.bytes - segment.tail_bytes, segment.bytes)]
            tail = self._objects.read_ranges(f"{self._folder}/{segment.name}", ranges)[0]
            found.append(read_index(tail, segment, self.where(segment.name)))
        return found

    def payloads(self, index: SegmentIndex, rows: Sequence[int]) -> list[bytes]:
        """The states in these frames of a segment, each checked. Raises ``CheckpointError``."""
        name = index.segment.name
        found = self._objects.read_ranges(f"{self._folder}/{name}", [index.range_of(row) for row in rows])
        for row, payload in zip(rows, found, strict=True):
            index.check(row, payload, self.where(name))
        return found

    def verify(self, segments: Iterable[Segment], fingerprint: str) -> set[str]:
        """Read whole segments, check every byte and return their keys. ``CheckpointError`` says what is wrong."""
        keys: set[str] = set()
        for segment in segments:
            data = self._objects.read(f"{self._folder}/{segment.name}", segment.bytes)
            keys.update(verify_segment(data, segment, fingerprint, self.where(segment.name)).keys)
        return keys
