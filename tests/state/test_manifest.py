from __future__ import annotations

from dataclasses import replace

import orjson
import pytest

from stream_rcf.errors import CheckpointError
from stream_rcf.state.manifest import (
    Manifest,
    Segment,
    decode_manifest,
    encode_manifest,
    manifest_name,
    manifest_number,
    segment_name,
    segment_number,
)
from stream_rcf.state.sealed_document import checksum_of
from tests.state.support import FINGERPRINT, PARTITION

SEGMENTS = (
    Segment(segment_name(4, 0), 1000, 10, "ab" * 32, 300, "12" * 32),
    Segment(segment_name(7, 1), 160, 1, "cd" * 32, 60, "34" * 32),
)
MANIFEST = Manifest(PARTITION, 7, 12_345, FINGERPRINT, 1_767_225_600_500, 6, 10, SEGMENTS, 12)
ENTRY = SEGMENTS[0]._asdict()


def decode(data: bytes) -> Manifest:
    return decode_manifest(data, PARTITION, 7, "manifest-7")


def resealed(**changes: object) -> bytes:
    """The manifest with fields changed and the checksum made right again."""
    document = orjson.loads(encode_manifest(MANIFEST)) | changes
    del document["checksum"]
    return orjson.dumps(document | {"checksum": checksum_of(document)})


def test_a_manifest_is_read_back_as_it_was_written():
    assert decode(encode_manifest(MANIFEST)) == MANIFEST
    first = replace(MANIFEST, previous=None, segments=(), keys=0)
    assert decode(encode_manifest(first)) == first
    assert (MANIFEST.frames, MANIFEST.bytes) == (11, 1160)


def test_only_what_older_programs_do_not_know_makes_them_refuse_a_manifest():
    backfilled = replace(MANIFEST, backfill="ab" * 32)
    assert decode(encode_manifest(backfilled)) == backfilled
    assert orjson.loads(encode_manifest(backfilled))["format"] == 3
    assert orjson.loads(encode_manifest(MANIFEST))["format"] == 2
    for told in (replace(MANIFEST, feedback='{"heard":[1,0]}'), replace(backfilled, feedback="{}")):
        assert decode(encode_manifest(told)) == told
        assert orjson.loads(encode_manifest(told))["format"] == 4


def test_what_alerts_come_to_is_read_back_whatever_the_format():
    for manifest in (MANIFEST, replace(MANIFEST, backfill="ab" * 32), replace(MANIFEST, feedback="{}")):
        told = replace(manifest, alert_digest='{"recent":[]}')
        assert decode(encode_manifest(told)) == told
        version = orjson.loads(encode_manifest(manifest))["format"]
        assert orjson.loads(encode_manifest(told))["format"] == version


def test_truncation_at_every_byte_is_detected():
    data = encode_manifest(MANIFEST)
    for length in range(len(data)):
        with pytest.raises(CheckpointError, match="manifest-7 is corrupt"):
            decode(data[:length])


@pytest.mark.parametrize("addition", [b" ", b"\n", b"}", b"\0"])
def test_bytes_added_at_the_end_are_detected(addition):
    with pytest.raises(CheckpointError, match="manifest-7 is corrupt"):
        decode(encode_manifest(MANIFEST) + addition)


def test_no_flipped_bit_gives_other_content():
    data = encode_manifest(MANIFEST)
    for position in range(len(data)):
        for bit in range(8):
            damaged = bytearray(data)
            damaged[position] ^= 1 << bit
            with pytest.raises(CheckpointError, match="manifest-7"):
                decode(bytes(damaged))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": 5}, "format 5, but this program reads up to format 4: upgrade"),
        ({"format": 4}, "'feedback' is None"),
        ({"format": 4, "feedback": "{}", "backfill": ""}, "'backfill' is ''"),
        ({"format": 3}, "'backfill' is None"),
        ({"alert_digest": None}, "'alert_digest' is None"),
        ({"alert_digest": {}}, "'alert_digest' is {}"),
        ({"format": 3, "backfill": ""}, "'backfill' is ''"),
        ({"format": 1}, "format 1, which an older stream-rcf wrote and this one does not read"),
        ({"format": 0}, "'format' is 0, not an integer of at least 1"),
        ({"offset": -1}, "'offset' is -1"),
        ({"offset": 1.0}, "'offset' is 1.0"),
        ({"keys": True}, "'keys' is True"),
        ({"previous": "6"}, "'previous' is '6'"),
        ({"fingerprint": "../x"}, "'fingerprint' is '../x'"),
        ({"group": 5}, "'group' is 5"),
        ({"segments": {}}, "'segments' is not a list"),
        ({"segments": [1]}, "a segment is not a JSON object"),
        ({"segments": [ENTRY | {"name": "../../etc/passwd"}]}, "'name' is"),
        ({"segments": [ENTRY | {"sha256": "AB" * 32}]}, "'sha256' is"),
        ({"segments": [ENTRY | {"tail_sha256": ""}]}, "'tail_sha256' is"),
        ({"segments": [ENTRY | {"tail_bytes": 1001}]}, "a segment is smaller than its index"),
        ({"segments": [ENTRY | {"frames": -1}]}, "'frames' is -1"),
        ({"segments": [ENTRY] * 2}, "a segment twice"),
        ({"topic_partitions": None}, "'topic_partitions' is None"),
        ({"number": 8}, "belongs elsewhere: it is checkpoint 8"),
        ({"topic": "other"}, r"belongs elsewhere: it is checkpoint 7 of other\[3\]"),
    ],
)
def test_a_well_sealed_manifest_with_wrong_content_is_refused(changes, message):
    with pytest.raises(CheckpointError, match=message):
        decode(resealed(**changes))


@pytest.mark.parametrize("data", [b"", b"[]", b"null", b"{}", b'{"format":2}', b"\xff", b"[" * 100_000])
def test_other_json_is_refused(data):
    with pytest.raises(CheckpointError, match="manifest-7 is corrupt"):
        decode(data)


def test_file_names_carry_their_number_and_sort_by_it():
    assert sorted([manifest_name(10), manifest_name(9)]) == [manifest_name(9), manifest_name(10)]
    assert manifest_number(manifest_name(10)) == segment_number(segment_name(10, 3)) == 10
    assert segment_name(9, 11) < segment_name(10, 2) < segment_name(10, 11)
    for name in (
        "manifest-1.json",
        "manifest-000000000001.json.writing",
        segment_name(1, 0),
        "manifest-\u0660\u0660\u0660\u0660\u0660\u0660\u0660\u0660\u0660\u0660\u0660\u0661.json",
    ):
        assert manifest_number(name) is None
    for name in (manifest_name(1), "segment-000000000001.frames", segment_name(1, 0) + "x"):
        assert segment_number(name) is None


def test_no_two_attempts_at_a_segment_have_the_same_name():
    assert len({segment_name(1, 0) for _ in range(100)}) == 100
