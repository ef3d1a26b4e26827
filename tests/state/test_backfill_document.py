from __future__ import annotations

from dataclasses import replace

import orjson
import pytest

from stream_rcf.errors import CheckpointError
from stream_rcf.state.backfill_document import (
    BackfillDocument,
    backfill_name,
    backfill_number,
    decode_backfill,
    encode_backfill,
)
from stream_rcf.state.manifest import segment_name
from stream_rcf.state.sealed_document import checksum_of
from stream_rcf.state.segments import Segment
from tests.state.support import FINGERPRINT

SEGMENTS = (Segment(segment_name(3, 0), 1000, 10, "ab" * 32, 300, "12" * 32),)
DOCUMENT = BackfillDocument(3, FINGERPRINT, {"forest.trees": "50"}, 1_767_225_600_500, 10, -5, SEGMENTS)
ENTRY = SEGMENTS[0]._asdict()


def decode(data: bytes) -> BackfillDocument:
    return decode_backfill(data, 3, "backfill-3")


def resealed(**changes: object) -> bytes:
    """The document with fields changed and the checksum made right again."""
    document = orjson.loads(encode_backfill(DOCUMENT)) | changes
    del document["checksum"]
    return orjson.dumps(document | {"checksum": checksum_of(document)})


def test_a_document_is_read_back_as_it_was_written():
    assert decode(encode_backfill(DOCUMENT)) == DOCUMENT
    assert decode(encode_backfill(DOCUMENT)).identity == DOCUMENT.identity
    assert DOCUMENT.bytes == 1000


def test_the_identity_tells_any_two_apart():
    others = (
        replace(DOCUMENT, created_at=DOCUMENT.created_at + 1),
        replace(DOCUMENT, number=4),
        replace(DOCUMENT, segments=(SEGMENTS[0]._replace(sha256="cd" * 32),)),
        DOCUMENT,
    )
    assert len({other.identity for other in others}) == 4
    assert all(len(other.identity) == 64 for other in others)


def test_no_flipped_bit_and_no_truncation_gives_other_content():
    data = encode_backfill(DOCUMENT)
    for position in range(len(data)):
        with pytest.raises(CheckpointError, match="backfill-3 is corrupt"):
            decode(data[:position])
        for bit in range(8):
            damaged = bytearray(data)
            damaged[position] ^= 1 << bit
            with pytest.raises(CheckpointError, match="backfill-3"):
                decode(bytes(damaged))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": 2}, "format 2, but this program reads up to format 1: upgrade"),
        ({"number": 4}, "belongs elsewhere: it is backfill 4, not 3"),
        ({"fingerprint": "../x"}, "'fingerprint' is '../x'"),
        ({"settings": []}, "'settings' is not a map of texts"),
        ({"settings": {"forest.trees": 50}}, "'settings' is not a map of texts"),
        ({"created_at": -1}, "'created_at' is -1"),
        ({"latest_event": 0.5}, "'latest_event' is 0.5"),
        ({"keys": True}, "'keys' is True"),
        ({"segments": [ENTRY | {"name": "../../etc/passwd"}]}, "'name' is"),
        ({"segments": [ENTRY] * 2}, "a segment twice"),
    ],
)
def test_a_well_sealed_document_with_wrong_content_is_refused(changes, message):
    with pytest.raises(CheckpointError, match=message):
        decode(resealed(**changes))


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b'{"format":1}', b"\xff", b"[" * 100_000])
def test_other_json_is_refused(data):
    with pytest.raises(CheckpointError, match="backfill-3 is corrupt"):
        decode(data)


def test_file_names_carry_their_number_and_sort_by_it():
    assert sorted([backfill_name(10), backfill_name(9)]) == [backfill_name(9), backfill_name(10)]
    assert backfill_number(backfill_name(10)) == 10
    for name in ("backfill-1.json", backfill_name(1) + ".writing", segment_name(1, 0)):
        assert backfill_number(name) is None
