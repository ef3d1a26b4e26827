"""The bytes of one segment: a header, one frame a key, an index of the frames, a footer.

    header   magic, format version, fingerprint of the model's settings
    frame    tag, key length, payload length, CRC-32 of all the frame but itself, key (UTF-8), payload
    index    for each frame: key length, payload length, CRC-32 of the payload, time of the key's last event, key
    footer   tag, number of frames, length of the index

Integers are little endian. A manifest knows a segment's size, the SHA-256 of the whole and that of index and footer,
so that the index, and then any one key, can be read alone and be trusted.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from stream_rcf.errors import CheckpointError

FORMAT_VERSION = 2  # raise it whenever an older program could not read the bytes
MAGIC = b"SRCFSEG\n"
# Far above the decoder's own limit; a bound so that a damaged length cannot ask for more.
MAXIMUM_KEY_BYTES = 65_536
MAXIMUM_PAYLOAD_BYTES = 2**31 - 1  # some zlib builds take 32-bit lengths only
_FINGERPRINT_BYTES = 32  # the digits of today, padded with zero bytes
_HEADER = struct.Struct(f"<8sI{_FINGERPRINT_BYTES}s")
_FRAME = struct.Struct("<BII")
_CHECKSUM = struct.Struct("<I")
_ENTRY = struct.Struct("<IIIq")
_FOOTER = struct.Struct("<BQQ")
_FRAME_TAG, _FOOTER_TAG = 1, 2
_FRAME_BYTES = _FRAME.size + _CHECKSUM.size  # of a frame beside its key and payload
LEAST_TIME, LATEST_TIME = -(2**62), 2**62  # epoch ms; what an index may say


class Segment(NamedTuple):
    """What a manifest says of one segment."""

    name: str
    bytes: int
    frames: int
    sha256: str  # of all bytes
    tail_bytes: int  # index and footer
    tail_sha256: str  # of these


class SavedKey(NamedTuple):
    """One key on its way into a segment. ``last_event`` is the time of its last event, epoch ms."""

    key: str
    payload: bytes
    last_event: int


@dataclass(frozen=True, slots=True)
class SegmentIndex:
    """Where each key of a segment stands. The arrays and ``keys`` have one element per frame, in their order."""

    segment: Segment
    keys: tuple[str, ...]
    start: np.ndarray  # (frames,) int64: of the payload, from the beginning of the segment
    length: np.ndarray  # (frames,) int64: of the payload
    checksum: np.ndarray  # (frames,) uint32: of the payload
    last_event: np.ndarray  # (frames,) int64, epoch ms

    def range_of(self, row: int) -> tuple[int, int]:
        """Where the payload of a frame begins and ends."""
        start = int(self.start[row])
        return start, start + int(self.length[row])

    def costs(self) -> np.ndarray:
        """Bytes that each frame takes of the segment, with its name and its entry in the index, (frames,) int64."""
        ends = self.start + self.length
        heads = self.start - np.concatenate([np.array([_HEADER.size], np.int64), ends[:-1]])
        costs: np.ndarray = 2 * heads + self.length + (_ENTRY.size - _FRAME_BYTES)
        return costs

    def check(self, row: int, payload: bytes, where: str) -> None:
        """Raise ``CheckpointError`` unless these are the bytes that were written. ``where`` names the segment."""
        if zlib.crc32(payload) != int(self.checksum[row]):
            raise CheckpointError(
                f"{where} is corrupt: the state of key {self.keys[row][:40]!r} differs from its CRC-32"
            )


class SegmentBuilder:
    """One segment being put together in memory; ``bytes`` is its size so far, without the index."""

    def __init__(self, fingerprint: str) -> None:
        self._parts: list[bytes] = [_HEADER.pack(MAGIC, FORMAT_VERSION, _fingerprint_field(fingerprint))]
        self._entries: list[bytes] = []
        self._keys: list[str] = []
        self._rows: list[tuple[int, int, int, int]] = []
        self.bytes = _HEADER.size

    def __len__(self) -> int:
        return len(self._keys)

    def append(self, saved: SavedKey) -> None:
        """Add one key. Raises ``CheckpointError`` for one that no reader would accept."""
        name, payload = saved.key.encode("utf-8"), saved.payload
        if len(name) > MAXIMUM_KEY_BYTES or len(payload) > MAXIMUM_PAYLOAD_BYTES:
            raise CheckpointError(
                f"key {saved.key[:40]!r} does not fit a checkpoint: its name has {len(name)} bytes and its state"
                f" {len(payload)}; at most {MAXIMUM_KEY_BYTES} and {MAXIMUM_PAYLOAD_BYTES} are allowed"
            )
        head = _FRAME.pack(_FRAME_TAG, len(name), len(payload))
        checksum = zlib.crc32(payload)
        self._parts += (head, _CHECKSUM.pack(_frame_checksum(head, name, payload)), name, payload)
        last_event = min(max(saved.last_event, LEAST_TIME + 1), LATEST_TIME - 1)
        self._entries += (_ENTRY.pack(len(name), len(payload), checksum, last_event), name)
        start = self.bytes + _FRAME_BYTES + len(name)
        self._keys.append(saved.key)
        self._rows.append((start, len(payload), checksum, last_event))
        self.bytes = start + len(payload)

    def finish(self, name: str) -> tuple[bytes, SegmentIndex]:
        """All bytes of the segment, to be stored under ``name``, and its index."""
        index = b"".join(self._entries)
        tail = index + _FOOTER.pack(_FOOTER_TAG, len(self._keys), len(index))
        data = b"".join([*self._parts, tail])
        segment = Segment(
            name,
            len(data),
            len(self._keys),
            hashlib.sha256(data).hexdigest(),
            len(tail),
            hashlib.sha256(tail).hexdigest(),
        )
        return data, _index_of(segment, self._keys, self._rows)


def read_index(tail: bytes, segment: Segment, where: str) -> SegmentIndex:
    """The index of a segment from its last ``segment.tail_bytes`` bytes.

    ``where`` names the segment in messages. Raises ``CheckpointError`` for any byte that differs from what was written,
    and for an index, made up with a right checksum, that leads out of the segment.
    """
    if len(tail) != segment.tail_bytes or hashlib.sha256(tail).hexdigest() != segment.tail_sha256:
        raise CheckpointError(f"{where} is corrupt: its index differs from the SHA-256 in its manifest")
    if len(tail) < _FOOTER.size:
        raise CheckpointError(f"{where} is corrupt: it has no footer")
    tag, frames, index_bytes = _FOOTER.unpack_from(tail, len(tail) - _FOOTER.size)
    if tag != _FOOTER_TAG or index_bytes != len(tail) - _FOOTER.size or frames != segment.frames:
        raise CheckpointError(
            f"{where} is corrupt: its footer speaks of {frames} frames and {index_bytes} bytes of index,"
            f" its manifest of {segment.frames} and {len(tail) - _FOOTER.size}"
        )
    keys: list[str] = []
    rows: list[tuple[int, int, int, int]] = []
    position, start = 0, _HEADER.size
    while position < index_bytes:
        if index_bytes - position < _ENTRY.size:
            raise CheckpointError(f"{where} is corrupt: its index ends within an entry")
        key_bytes, payload_bytes, checksum, last_event = _ENTRY.unpack_from(tail, position)
        position += _ENTRY.size
        if key_bytes > min(MAXIMUM_KEY_BYTES, index_bytes - position):
            raise CheckpointError(f"{where} is corrupt: its index names a key of {key_bytes} bytes")
        if not LEAST_TIME < last_event < LATEST_TIME:
            raise CheckpointError(f"{where} is corrupt: its index names the time {last_event}")
        try:
            keys.append(tail[position : position + key_bytes].decode("utf-8"))
        except UnicodeDecodeError as error:
            raise CheckpointError(f"{where} is corrupt: a key in its index is not UTF-8") from error
        position += key_bytes
        start += _FRAME_BYTES + key_bytes
        rows.append((start, payload_bytes, checksum, last_event))
        start += payload_bytes
    if len(keys) != frames or start != segment.bytes - len(tail):
        raise CheckpointError(f"{where} is corrupt: its index does not fit its {segment.bytes} bytes")
    if len(set(keys)) != len(keys):
        raise CheckpointError(f"{where} is corrupt: it holds a key twice")
    return _index_of(segment, keys, rows)


def verify_segment(data: bytes, segment: Segment, fingerprint: str, where: str) -> SegmentIndex:
    """Check every byte of a segment and return its index; raises ``CheckpointError`` saying what is wrong."""
    if len(data) != segment.bytes:
        raise CheckpointError(
            f"{where} has {len(data)} bytes, but its manifest says {segment.bytes}: it was cut short or changed"
        )
    if hashlib.sha256(data).hexdigest() != segment.sha256:
        raise CheckpointError(f"{where} is corrupt: its SHA-256 differs from the one in its manifest")
    magic, version, written = _HEADER.unpack_from(data.ljust(_HEADER.size, b"\0"))
    if magic != MAGIC:
        raise CheckpointError(f"{where} is not a segment of a checkpoint: it does not begin with {MAGIC!r}")
    if version > FORMAT_VERSION:
        raise CheckpointError(
            f"{where} has format {version}, but this program reads up to format {FORMAT_VERSION}: upgrade stream-rcf"
        )
    if version != FORMAT_VERSION:
        raise CheckpointError(f"{where} is corrupt: format {version} is none of a released program")
    if written != _fingerprint_field(fingerprint):
        found = written.rstrip(b"\0").decode("ascii", "backslashreplace")
        raise CheckpointError(f"{where} has fingerprint {found}, but its manifest says {fingerprint}")
    index = read_index(data[len(data) - segment.tail_bytes :], segment, where)
    for row, key in enumerate(index.keys):
        start, end = index.range_of(row)
        name, payload = key.encode("utf-8"), data[start:end]
        index.check(row, payload, where)
        head = _FRAME.pack(_FRAME_TAG, len(name), len(payload))
        written_frame = data[start - len(name) - _FRAME_BYTES : start]
        if written_frame != head + _CHECKSUM.pack(_frame_checksum(head, name, payload)) + name:
            raise CheckpointError(f"{where} is corrupt: the frame of key {key[:40]!r} differs from its index")
    return index


def _index_of(segment: Segment, keys: list[str], rows: list[tuple[int, int, int, int]]) -> SegmentIndex:
    columns = np.array(rows, np.int64).reshape(-1, 4)
    return SegmentIndex(
        segment,
        tuple(keys),
        columns[:, 0].copy(),
        columns[:, 1].copy(),
        columns[:, 2].astype(np.uint32),
        columns[:, 3].copy(),
    )


def _frame_checksum(head: bytes, name: bytes, payload: bytes) -> int:
    return zlib.crc32(payload, zlib.crc32(name, zlib.crc32(head)))


def _fingerprint_field(fingerprint: str) -> bytes:
    field = fingerprint.encode("ascii")
    if not 0 < len(field) <= _FINGERPRINT_BYTES:
        raise ValueError(f"a fingerprint has 1 to {_FINGERPRINT_BYTES} characters, not {len(field)}")
    return field.ljust(_FINGERPRINT_BYTES, b"\0")
