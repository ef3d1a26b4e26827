from __future__ import annotations

import hashlib
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream_rcf.errors import CheckpointError
from stream_rcf.state import segments
from stream_rcf.state.segments import (
    LATEST_TIME,
    LEAST_TIME,
    SavedKey,
    Segment,
    SegmentBuilder,
    SegmentIndex,
    read_index,
    verify_segment,
)
from tests.state.support import FINGERPRINT

KEYS = {"host-1": b"state one", "höst\n2": b"", "": b"\x00" * 40}
ENTRY = struct.Struct("<IIIq")
FOOTER = struct.Struct("<BQQ")


def build(states: dict[str, bytes], fingerprint: str = FINGERPRINT) -> tuple[bytes, SegmentIndex]:
    builder = SegmentBuilder(fingerprint)
    for time, (key, payload) in enumerate(states.items()):
        builder.append(SavedKey(key, payload, 1000 + time))
    assert len(builder) == len(states)
    return builder.finish("segment")


def tail_of(data: bytes, segment: Segment) -> bytes:
    return data[len(data) - segment.tail_bytes :]


def sealed(data: bytes, tail: bytes, frames: int) -> Segment:
    """What a manifest would say of bytes made up on purpose, all its checksums right."""
    return Segment(
        "segment",
        len(data),
        frames,
        hashlib.sha256(data).hexdigest(),
        len(tail),
        hashlib.sha256(tail).hexdigest(),
    )


def resealed(data: bytes, segment: Segment) -> Segment:
    return sealed(data, tail_of(data, segment), segment.frames)


def content(data: bytes, index: SegmentIndex) -> dict[str, bytes]:
    return {key: data[slice(*index.range_of(row))] for row, key in enumerate(index.keys)}


def same(one: SegmentIndex, other: SegmentIndex) -> bool:
    columns = ("start", "length", "checksum", "last_event")
    return (one.segment, one.keys) == (other.segment, other.keys) and all(
        getattr(one, name).tolist() == getattr(other, name).tolist() for name in columns
    )


@given(st.dictionaries(st.text(max_size=20), st.binary(max_size=200), max_size=8))
def test_what_was_written_is_read_back_in_order_from_the_index_alone(states):
    data, written = build(states)
    read = read_index(tail_of(data, written.segment), written.segment, "segment")
    assert same(read, written)
    assert same(verify_segment(data, written.segment, FINGERPRINT, "segment"), written)
    assert list(content(data, read).items()) == list(states.items())
    assert read.last_event.tolist() == [1000 + row for row in range(len(states))]
    for row, payload in enumerate(states.values()):
        read.check(row, payload, "segment")


def test_what_a_manifest_says_of_it_is_so():
    data, index = build(KEYS)
    assert index.segment == resealed(data, index.segment)
    assert index.segment.frames == 3


def test_the_costs_of_the_frames_and_a_head_and_a_footer_are_all_the_bytes():
    data, index = build(KEYS)
    empty, _ = build({})
    assert int(index.costs().sum()) + len(empty) == len(data)
    assert build({})[1].costs().tolist() == []


def test_truncation_at_every_byte_is_detected_even_if_the_manifest_agrees_on_the_size():
    data, index = build(KEYS)
    segment = index.segment
    for length in range(len(data)):
        with pytest.raises(CheckpointError, match="cut short"):
            verify_segment(data[:length], segment, FINGERPRINT, "segment")
        with pytest.raises(CheckpointError, match="segment"):
            verify_segment(data[:length], segment._replace(bytes=length), FINGERPRINT, "segment")
    tail = tail_of(data, segment)
    for length in range(len(tail)):
        with pytest.raises(CheckpointError, match="index differs"):
            read_index(tail[:length], segment, "segment")


def test_every_flipped_bit_is_detected():
    data, index = build(KEYS)
    first_of_tail = len(data) - index.segment.tail_bytes
    for position in range(len(data)):
        for bit in range(8):
            damaged = bytearray(data)
            damaged[position] ^= 1 << bit
            with pytest.raises(CheckpointError):
                verify_segment(bytes(damaged), index.segment, FINGERPRINT, "segment")
            if position >= first_of_tail:
                with pytest.raises(CheckpointError):
                    read_index(tail_of(bytes(damaged), index.segment), index.segment, "segment")


def test_every_flipped_bit_within_the_frames_is_detected_even_if_the_manifest_agrees():
    """Not even who can write manifests puts bytes into a state, a key or a length that the frame does not own."""
    data, index = build(KEYS)
    for position in range(len(data) - index.segment.tail_bytes):
        damaged = bytearray(data)
        damaged[position] ^= 1
        with pytest.raises(CheckpointError):
            verify_segment(bytes(damaged), resealed(bytes(damaged), index.segment), FINGERPRINT, "segment")


def test_every_flipped_bit_of_a_state_that_is_read_alone_is_detected():
    data, index = build({"a": b"x" * 20, "b": b"y" * 20})
    start, end = index.range_of(1)
    for position in range(start, end):
        damaged = bytearray(data[start:end])
        damaged[position - start] ^= 1
        with pytest.raises(CheckpointError, match="segment is corrupt: the state of key 'b' differs"):
            index.check(1, bytes(damaged), "segment")


@settings(max_examples=300)
@given(tail=st.binary(max_size=200), in_segment=st.integers(0, 400), with_footer=st.booleans())
def test_a_made_up_index_leads_nowhere(tail, in_segment, with_footer):
    if with_footer:  # lets the bytes reach the reader of entries
        tail += FOOTER.pack(2, 1, len(tail))
    segment = sealed(b"\0" * (in_segment + len(tail)), tail, 1)
    try:
        index = read_index(tail, segment, "segment")
    except CheckpointError:
        return
    start, end = index.range_of(0)
    assert 0 <= start <= end <= in_segment


def entry(
    key: bytes = b"a", payload_bytes: int = 5, last_event: int = 0, key_bytes: int | None = None
) -> bytes:
    return ENTRY.pack(len(key) if key_bytes is None else key_bytes, payload_bytes, 0, last_event) + key


@pytest.mark.parametrize(
    ("entries", "frames", "message"),
    [
        ([entry(payload_bytes=2**32 - 1)], 1, "its index does not fit its"),
        ([entry(payload_bytes=4)], 1, "its index does not fit its"),
        ([entry(key_bytes=2**32 - 1)], 1, "names a key of 4294967295 bytes"),
        ([entry(key_bytes=2)], 1, "names a key of 2 bytes"),
        ([entry(b"\xff")], 1, "is not UTF-8"),
        ([entry(last_event=LEAST_TIME)], 1, "names the time"),
        ([entry(last_event=LATEST_TIME)], 1, "names the time"),
        ([entry()[:-2]], 1, "ends within an entry"),
        ([entry(), entry()], 2, "holds a key twice"),
        ([entry()], 2, "its footer speaks of 1 frames"),
    ],
)
def test_an_index_with_right_checksums_and_wrong_content_is_refused(entries, frames, message):
    written = 1 if message.startswith("its footer") else len(entries)
    index = b"".join(entries)
    tail = index + FOOTER.pack(2, written, len(index))
    frame_bytes = len(build({"a": b"12345"})[0]) - len(build({})[0]) - len(entry())
    data = b"\0" * (44 + written * frame_bytes) + tail
    with pytest.raises(CheckpointError, match=message):
        read_index(tail, sealed(data, tail, frames), "segment")


@pytest.mark.parametrize("tail", [b"", b"\x02" * 16])
def test_a_segment_without_a_footer_is_refused(tail):
    with pytest.raises(CheckpointError, match="has no footer"):
        read_index(tail, sealed(b"\0" * 100 + tail, tail, 0), "segment")


@given(data=st.binary(max_size=400), framed=st.booleans())
def test_random_bytes_are_refused(data, framed):
    if framed:  # a right header before them lets them pass it
        data = build({})[0][:44] + data
    tail = data[-17:]
    with pytest.raises(CheckpointError):
        verify_segment(data, sealed(data, tail, 1), FINGERPRINT, "segment")


def test_a_frame_that_is_not_what_the_index_says_is_refused():
    """The checksum of the frame is right, and so are all the manifest's: but the key is another."""
    data, index = build({"a": b"12345"})
    other, _ = build({"b": b"12345"})
    mixed = other[: len(other) - index.segment.tail_bytes] + tail_of(data, index.segment)
    with pytest.raises(CheckpointError, match="the frame of key 'a' differs from its index"):
        verify_segment(mixed, resealed(mixed, index.segment), FINGERPRINT, "segment")


@pytest.mark.parametrize(
    ("version", "message"),
    [
        (3, "format 3, but this program reads up to format 2: upgrade stream-rcf"),
        (1, "format 1 is none of a released program"),
    ],
)
def test_another_format_is_refused(monkeypatch, version, message):
    monkeypatch.setattr(segments, "FORMAT_VERSION", version)
    data, index = build(KEYS)
    monkeypatch.undo()
    with pytest.raises(CheckpointError, match=message):
        verify_segment(data, index.segment, FINGERPRINT, "segment")


def test_what_is_no_segment_at_all_is_said_so():
    data = b"PK\x03\x04" + b"\0" * 100
    with pytest.raises(CheckpointError, match="is not a segment of a checkpoint"):
        verify_segment(data, sealed(data, data[-17:], 1), FINGERPRINT, "segment")


def test_another_fingerprint_is_refused():
    data, index = build(KEYS, "fedcba9876543210")
    with pytest.raises(
        CheckpointError, match="fingerprint fedcba9876543210, but its manifest says 0123456789abcdef"
    ):
        verify_segment(data, index.segment, FINGERPRINT, "segment")


def test_a_key_that_no_reader_would_accept_is_not_written():
    builder = SegmentBuilder(FINGERPRINT)
    with pytest.raises(CheckpointError, match="its name has 65537 bytes"):
        builder.append(SavedKey("k" * 65_537, b"", 0))
    assert len(builder) == 0


@pytest.mark.parametrize("fingerprint", ["", "f" * 33])
def test_a_fingerprint_that_does_not_fit_is_refused(fingerprint):
    with pytest.raises(ValueError, match="1 to 32 characters"):
        SegmentBuilder(fingerprint)
