"""The bytes of one segment: header, one frame a key, footer; read back only where every byte is right.

    header   magic, format version, fingerprint of the model's settings
    frame    tag, key length, payload length, CRC-32 of all the frame but itself, key (UTF-8), payload
    footer   tag, number of frames, SHA-256 of everything before the footer

Integers are little endian. The manifest also knows a segment's size and the SHA-256 of the whole file, footer
included, so that an operator may compare it with what ``sha256sum`` prints.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from stream_rcf.errors import CheckpointError

FORMAT_VERSION = 1  # raise it whenever an older program could not read the bytes
MAGIC = b"SRCFSEG\n"
# Far above the decoder's own limit; a bound so that a damaged length cannot ask for more.
MAXIMUM_KEY_BYTES = 65_536
MAXIMUM_PAYLOAD_BYTES = 2**31 - 1  # some zlib builds take 32-bit lengths only
_FINGERPRINT_BYTES = 32  # twice the sixteen digits of today, padded with zero bytes
_HEADER = struct.Struct(f"<8sI{_FINGERPRINT_BYTES}s")
_FRAME = struct.Struct("<BII")
_CHECKSUM = struct.Struct("<I")
_FOOTER = struct.Struct("<BQ32s")
_FRAME_TAG, _FOOTER_TAG = 1, 2


class SegmentSummary(NamedTuple):
    """What a manifest records of one finished segment."""

    bytes: int
    frames: int
    sha256: str


class SegmentEncoder:
    """Writes one segment into a binary file, frame by frame, holding nothing but a running digest."""

    def __init__(self, file: BinaryIO, fingerprint: str) -> None:
        self._file = file
        self._digest = hashlib.sha256()
        self._bytes = 0
        self._frames = 0
        self._write(_HEADER.pack(MAGIC, FORMAT_VERSION, _fingerprint_field(fingerprint)))

    def append(self, key: str, payload: bytes) -> None:
        """Write one key's state. Raises ``CheckpointError`` for one that no reader would accept."""
        name = key.encode("utf-8")
        if len(name) > MAXIMUM_KEY_BYTES or len(payload) > MAXIMUM_PAYLOAD_BYTES:
            raise CheckpointError(
                f"key {key[:40]!r} does not fit a checkpoint: its name has {len(name)} bytes and its state"
                f" {len(payload)}; at most {MAXIMUM_KEY_BYTES} and {MAXIMUM_PAYLOAD_BYTES} are allowed"
            )
        head = _FRAME.pack(_FRAME_TAG, len(name), len(payload))
        self._write(head + _CHECKSUM.pack(_frame_checksum(head, name, payload)) + name)
        self._write(payload)
        self._frames += 1

    def finish(self) -> SegmentSummary:
        """Write the footer; the caller syncs and closes the file."""
        self._write(_FOOTER.pack(_FOOTER_TAG, self._frames, self._digest.digest()))
        return SegmentSummary(self._bytes, self._frames, self._digest.hexdigest())

    def _write(self, data: bytes) -> None:
        self._digest.update(data)
        self._file.write(data)
        self._bytes += len(data)


def read_frames(
    file: BinaryIO, size: int, expected: SegmentSummary, fingerprint: str, where: str
) -> Iterator[tuple[str, bytes]]:
    """Yield each (key, payload) of a segment of ``size`` bytes in the order written.

    Every frame is checked before it is yielded, the whole segment once the last frame is out: what was
    yielded may be trusted only when the iterator has ended without raising. ``where`` names the segment in
    messages. Raises ``CheckpointError`` for any byte that differs from what was written.
    """
    if size != expected.bytes:
        raise CheckpointError(
            f"{where} has {size} bytes, but its manifest says {expected.bytes}: it was cut short or changed"
        )
    reader = _Reader(file, size, where)
    _check_header(reader, fingerprint)
    keys: set[str] = set()
    while reader.remaining > _FOOTER.size:
        key, payload = _read_frame(reader)
        if key in keys:
            raise CheckpointError(f"{where} holds key {key[:40]!r} twice")
        keys.add(key)
        yield key, payload
    digest = reader.digest.digest()
    tag, frames, written_digest = _FOOTER.unpack(reader.take(_FOOTER.size))
    if tag != _FOOTER_TAG or written_digest != digest:
        raise CheckpointError(f"{where} is corrupt: its content differs from the SHA-256 in its footer")
    if not frames == len(keys) == expected.frames:
        raise CheckpointError(
            f"{where} is corrupt: {len(keys)} frames found, {frames} named by its footer,"
            f" {expected.frames} by its manifest"
        )
    if reader.digest.hexdigest() != expected.sha256:
        raise CheckpointError(f"{where} is corrupt: its SHA-256 differs from the one in its manifest")


class _Reader:
    """Reads exact lengths, never past the known end, and digests what it read."""

    def __init__(self, file: BinaryIO, size: int, where: str) -> None:
        self._file = file
        self.remaining = size
        self.where = where
        self.digest = hashlib.sha256()

    def take(self, length: int) -> bytes:
        if length > self.remaining:  # so nothing larger than the file is ever allocated
            raise CheckpointError(
                f"{self.where} ends too early: {length} bytes wanted, {self.remaining} left"
            )
        data = self._file.read(length)
        if len(data) != length:
            raise CheckpointError(
                f"{self.where} shrank while it was read: {length} bytes wanted, {len(data)} found"
            )
        self.digest.update(data)
        self.remaining -= length
        return data


def _check_header(reader: _Reader, fingerprint: str) -> None:
    magic, version, written_fingerprint = _HEADER.unpack(reader.take(_HEADER.size))
    if magic != MAGIC:
        raise CheckpointError(
            f"{reader.where} is not a segment of a checkpoint: it does not begin with {MAGIC!r}"
        )
    if version > FORMAT_VERSION:
        raise CheckpointError(
            f"{reader.where} has format {version}, but this program reads up to format {FORMAT_VERSION}:"
            f" upgrade stream-rcf"
        )
    if version != FORMAT_VERSION:
        raise CheckpointError(f"{reader.where} is corrupt: format {version} never existed")
    if written_fingerprint != _fingerprint_field(fingerprint):
        found = written_fingerprint.rstrip(b"\0").decode("ascii", "backslashreplace")
        raise CheckpointError(f"{reader.where} has fingerprint {found}, but its manifest says {fingerprint}")


def _read_frame(reader: _Reader) -> tuple[str, bytes]:
    head = reader.take(_FRAME.size)
    tag, key_length, payload_length = _FRAME.unpack(head)
    left = reader.remaining - _CHECKSUM.size - _FOOTER.size
    if tag != _FRAME_TAG or key_length > MAXIMUM_KEY_BYTES or key_length + payload_length > left:
        raise CheckpointError(
            f"{reader.where} is corrupt: a frame of kind {tag} with {key_length} bytes of key and"
            f" {payload_length} of state, where {max(left, 0)} bytes are left"
        )
    (checksum,) = _CHECKSUM.unpack(reader.take(_CHECKSUM.size))
    name = reader.take(key_length)
    payload = reader.take(payload_length)
    if checksum != _frame_checksum(head, name, payload):
        raise CheckpointError(
            f"{reader.where} is corrupt: the frame of key {name[:40]!r} differs from its CRC-32"
        )
    try:
        return name.decode("utf-8"), payload
    except UnicodeDecodeError as error:
        raise CheckpointError(f"{reader.where} is corrupt: key {name[:40]!r} is not UTF-8") from error


def _frame_checksum(head: bytes, name: bytes, payload: bytes) -> int:
    return zlib.crc32(payload, zlib.crc32(name, zlib.crc32(head)))


def _fingerprint_field(fingerprint: str) -> bytes:
    field = fingerprint.encode("ascii")
    if not 0 < len(field) <= _FINGERPRINT_BYTES:
        raise ValueError(f"a fingerprint has 1 to {_FINGERPRINT_BYTES} characters, not {len(field)}")
    return field.ljust(_FINGERPRINT_BYTES, b"\0")
