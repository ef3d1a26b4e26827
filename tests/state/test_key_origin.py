"""Keys that begin with a model from elsewhere: the same bits as if they had had their past here."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from stream_rcf.core.block import KeyBlock
from stream_rcf.core.packing import unpack
from stream_rcf.errors import CheckpointError
from stream_rcf.state.batch_keys import usual_block_bytes
from stream_rcf.state.key_memory import KeyMemory
from stream_rcf.state.key_table import KeyTable
from tests.state.key_support import MODEL, PARAMETERS, Lender, learn, states, stream

EVENTS = stream(200)
HALF = 100


class Past:
    """An ``Origin`` in a dictionary; keeps what was asked for."""

    def __init__(self, saved: dict[str, bytes]) -> None:
        self.saved = saved
        self.asked: list[str] = []

    def __contains__(self, key: str) -> bool:
        return key in self.saved

    def blocks(self, keys: Sequence[str]) -> dict[str, KeyBlock]:
        self.asked += keys
        return {key: unpack(MODEL, self.saved[key]) for key in keys if key in self.saved}


@pytest.fixture
def twin() -> KeyTable:
    """A table that learned the first half."""
    table = KeyTable(PARAMETERS)
    learn(table, EVENTS[:HALF])
    return table


def test_a_key_goes_on_as_if_its_past_had_been_here(twin):
    past = Past(states(twin))
    table = KeyTable(PARAMETERS)
    table.origin = past
    assert learn(table, EVENTS[HALF:]) == learn(twin, EVENTS[HALF:])
    assert states(table) == states(twin)
    assert sorted(past.asked) == sorted(past.saved), "each once"


def test_keys_that_it_does_not_have_begin_empty(twin):
    past = Past({key: state for key, state in states(twin).items() if key != "key-1"})
    table = KeyTable(PARAMETERS)
    table.origin = past
    learn(table, EVENTS[HALF:])
    alone = KeyTable(PARAMETERS)
    learn(alone, [event for event in EVENTS[HALF:] if event.key == "key-1"])
    assert table.pack("key-1") == alone.pack("key-1")


def test_nothing_is_known_or_saved_of_a_key_before_its_first_event(twin):
    table = KeyTable(PARAMETERS)
    table.origin = Past(states(twin))
    assert table.has_model("key-1")
    assert not table.knows("key-1")
    assert (len(table), list(table.begin_cut().keys)) == (0, [])
    table.end_cut(saved=True)
    learn(table, EVENTS[HALF : HALF + 1])
    assert list(table.begin_cut().keys) == [EVENTS[HALF].key]


def test_a_key_that_the_checkpoint_has_is_not_asked_for(twin):
    past, own = Past(states(twin)), Lender(states(twin))
    table = KeyTable(PARAMETERS)
    table.origin = past
    table.lend(own.saved, own)
    learn(table, EVENTS[HALF:])
    assert past.asked == []
    assert sorted(own.asked) == sorted(own.saved)


def test_a_key_that_cannot_be_had_is_not_begun_from_nothing(twin):
    table = KeyTable(PARAMETERS)
    table.origin = Past({"key-1": b"damaged"})
    with pytest.raises(CheckpointError, match="cut short"):
        table.touch("key-1")
    assert not table.knows("key-1")


def test_room_is_made_for_grown_keys(twin, tmp_path: Path):
    """A key from elsewhere needs more room than one that is born."""
    limit = 6 * usual_block_bytes(MODEL)
    memory = KeyMemory(limit, tmp_path)
    saved = states(twin)["key-1"]
    table = KeyTable(PARAMETERS, memory)
    table.origin = Past({f"key-{n}": saved for n in range(50)})
    for n in range(50):
        learn(table, [EVENTS[n]._replace(key=f"key-{n}")])
        assert memory.bytes <= limit
    assert memory.evictions > 0
    memory.close()
