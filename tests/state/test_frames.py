from __future__ import annotations

import hashlib
import io
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream_rcf.errors import CheckpointError
from stream_rcf.state import frames
from stream_rcf.state.frames import SegmentEncoder, SegmentSummary, read_frames
from tests.state.support import FINGERPRINT

KEYS = {"host-1": b"state one", "höst\n2": b"", "": b"\x00" * 40}


def encode(states: dict[str, bytes], fingerprint: str = FINGERPRINT) -> tuple[bytes, SegmentSummary]:
    file = io.BytesIO()
    encoder = SegmentEncoder(file, fingerprint)
    for key, payload in states.items():
        encoder.append(key, payload)
    summary = encoder.finish()
    return file.getvalue(), summary


def decode(data: bytes, summary: SegmentSummary, fingerprint: str = FINGERPRINT) -> list[tuple[str, bytes]]:
    return list(read_frames(io.BytesIO(data), len(data), summary, fingerprint, "segment"))


@given(st.dictionaries(st.text(max_size=20), st.binary(max_size=200), max_size=8))
def test_what_was_written_is_read_back_in_order(states):
    data, summary = encode(states)
    assert decode(data, summary) == list(states.items())
    assert summary == SegmentSummary(len(data), len(states), hashlib.sha256(data).hexdigest())


def test_truncation_at_every_byte_is_detected_even_if_the_manifest_agrees_on_the_size():
    data, summary = encode(KEYS)
    for length in range(len(data)):
        with pytest.raises(CheckpointError, match="cut short"):
            decode(data[:length], summary)
        with pytest.raises(CheckpointError, match="segment"):
            decode(data[:length], summary._replace(bytes=length))


def test_every_flipped_bit_is_detected():
    data, summary = encode(KEYS)
    for position in range(len(data)):
        for bit in range(8):
            damaged = bytearray(data)
            damaged[position] ^= 1 << bit
            with pytest.raises(CheckpointError):
                decode(bytes(damaged), summary)


def test_a_damaged_frame_is_never_yielded():
    data, summary = encode({"a": b"x" * 50, "b": b"y" * 50})
    position = data.index(b"y" * 50)
    damaged = data[:position] + b"Y" + data[position + 1 :]
    reading = read_frames(io.BytesIO(damaged), len(damaged), summary, FINGERPRINT, "segment")
    assert next(reading) == ("a", b"x" * 50)
    with pytest.raises(CheckpointError, match="key b'b' differs from its CRC-32"):
        next(reading)


@settings(max_examples=200)
@given(data=st.binary(max_size=400), framed=st.booleans())
def test_random_bytes_are_refused_without_large_allocations(data, framed):
    if framed:  # a right header before them lets them reach the frame reader
        data = encode({})[0][:44] + data
    summary = SegmentSummary(len(data), 1, hashlib.sha256(data).hexdigest())
    with pytest.raises(CheckpointError):
        decode(data, summary)


def test_a_length_beyond_the_file_is_refused_before_anything_is_read():
    data, summary = encode({"a": b"payload"})
    head = struct.calcsize("<8sI32s")
    huge = data[:head] + struct.pack("<BII", 1, 1, 2**32 - 1) + data[head + 9 :]
    with pytest.raises(CheckpointError, match="4294967295 of state, where"):
        decode(huge, summary)


def test_a_newer_format_asks_for_an_upgrade(monkeypatch):
    monkeypatch.setattr(frames, "FORMAT_VERSION", 2)
    data, summary = encode(KEYS)
    monkeypatch.undo()
    with pytest.raises(
        CheckpointError, match="format 2, but this program reads up to format 1: upgrade stream-rcf"
    ):
        decode(data, summary)


def test_another_fingerprint_is_refused():
    data, summary = encode(KEYS, "fedcba9876543210")
    with pytest.raises(
        CheckpointError, match="fingerprint fedcba9876543210, but its manifest says 0123456789abcdef"
    ):
        decode(data, summary)


def test_a_segment_in_which_a_key_comes_twice_is_refused():
    file = io.BytesIO()
    encoder = SegmentEncoder(file, FINGERPRINT)
    encoder.append("a", b"1")
    encoder.append("a", b"2")
    summary = encoder.finish()
    with pytest.raises(CheckpointError, match="holds key 'a' twice"):
        decode(file.getvalue(), summary)


def test_a_key_that_no_reader_would_accept_is_not_written():
    encoder = SegmentEncoder(io.BytesIO(), FINGERPRINT)
    with pytest.raises(CheckpointError, match="its name has 65537 bytes"):
        encoder.append("k" * 65_537, b"")
