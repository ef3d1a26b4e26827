"""A key at one moment, which another thread packs while the key goes on."""

from __future__ import annotations

import pytest

from stream_rcf.core.block import KeyBlock
from stream_rcf.core.packing import pack
from stream_rcf.core.parameters import DetectorParameters, ForestParameters
from stream_rcf.pipeline.score_batch import score_batch
from stream_rcf.state.copy_memory import UNIT_BYTES, CopyMemory
from stream_rcf.state.key_table import KeyTable
from stream_rcf.state.snapshot import KeySnapshot, PackedKey
from tests.state.key_support import PARAMETERS, learn, stream


def grown() -> tuple[KeyTable, KeyBlock]:
    table = KeyTable(PARAMETERS)
    learn(table, stream(100, keys=1))
    block = table.resident("key-0")
    assert block is not None
    return table, block


def test_a_copy_keeps_its_moment_byte_for_byte_and_its_size() -> None:
    """Its bytes are counted when it is handed over and when it is done: packing, which compacts, changes neither."""
    table, block = grown()
    snapshot = KeySnapshot(block, CopyMemory())
    expected, size = pack(block, quick=True), snapshot.size
    assert size == table.memory_bytes
    learn(table, stream(100, keys=1, seed=7))
    assert snapshot.pack() == expected
    assert snapshot.size == size
    assert table.pack("key-0") != expected


def test_the_memory_of_a_packed_copy_serves_the_next_and_the_bytes_are_right() -> None:
    parameters = DetectorParameters(("value",), ForestParameters(trees=40, sample_size=128, shingle_size=4))
    table = KeyTable(parameters)
    for event in stream(600, keys=1):
        score_batch(parameters, [event], [table])
    block = table.resident("key-0")
    assert block is not None
    assert block.bytes > UNIT_BYTES
    copies = CopyMemory()
    for event in stream(50, keys=1, seed=8):
        snapshot = KeySnapshot(block, copies)
        expected = pack(block, quick=True)
        score_batch(parameters, [event], [table])
        assert snapshot.pack() == expected
        assert copies.kept_bytes > 0
    with pytest.raises(AssertionError, match="packed once"):
        snapshot.pack()


def test_what_is_packed_already_is_handed_on() -> None:
    snapshot = PackedKey(b"state", last_event=17)
    assert (snapshot.pack(), snapshot.size, snapshot.last_event) == (b"state", 5, 17)
