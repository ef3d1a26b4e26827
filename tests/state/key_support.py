"""What the tests of keys share: a small forest, seeded streams, a place that lends keys out, exact accounts."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence

from stream_rcf.core.model import model_of
from stream_rcf.core.parameters import DetectorParameters, ForestParameters
from stream_rcf.pipeline.events import Event
from stream_rcf.pipeline.score_batch import score_batch
from stream_rcf.state.key_memory import HELD_BYTES, KEY_BYTES, KeyMemory
from stream_rcf.state.key_table import SAVED, KeyTable

PARAMETERS = DetectorParameters(("value",), ForestParameters(trees=4, sample_size=16, shingle_size=2, seed=5))
MODEL = model_of(PARAMETERS)


def stream(count: int, keys: int = 4, seed: int = 3) -> list[Event]:
    generator = random.Random(seed)
    return [
        Event(f"key-{generator.randrange(keys)}", 1000 * i, (generator.gauss(0.0, 1.0),))
        for i in range(count)
    ]


def learn(table: KeyTable, events: Sequence[Event]) -> list[float]:
    return score_batch(PARAMETERS, events, [table] * len(events)).score


def states(table: KeyTable) -> dict[str, bytes]:
    return {key: table.pack(key) for key in list(table.keys())}


def grown_bytes(keys: int = 1, events: int = 300) -> int:
    """What a key of this forest takes when it has seen so many events."""
    table = KeyTable(PARAMETERS)
    past = stream(events, keys=keys)
    for start in range(0, events, 5):  # a large batch of one key would make room for all of it
        learn(table, past[start : start + 5])
    return table.memory.bytes // keys


class Lender:
    """A checkpoint in a dictionary, for ``KeyTable.lend``; keeps what was asked for."""

    def __init__(self, saved: dict[str, bytes]) -> None:
        self.saved = saved
        self.asked: list[str] = []

    def __call__(self, keys: Sequence[str]) -> list[bytes]:
        self.asked += keys
        return [self.saved[key] for key in keys]


def slots_of(tables: Iterable[KeyTable]) -> list[int]:
    """The slots of the spill that keys are in."""
    return sorted(slot for table in tables for slot in table._away.values() if slot != SAVED)


def slots_used(memory: KeyMemory) -> int:
    """Entries that the spill's database holds."""
    if memory._spill is None:
        return 0
    with memory._spill._database.begin(db=memory._spill._slots) as transaction:
        return transaction.stat(memory._spill._slots)["entries"]


def check_accounts(memory: KeyMemory, *tables: KeyTable) -> None:
    """Every byte is counted once, every key is somewhere once, and every slot that is used belongs to a key."""
    resident = [block for table in tables for block in table._blocks.values()]
    away = sum(len(table._away) for table in tables)
    assert memory.bytes == sum(block.bytes + HELD_BYTES for block in resident) + KEY_BYTES * (
        len(resident) + away
    )
    assert all(block.counted_bytes == block.bytes + HELD_BYTES for block in resident)
    assert not any(table._blocks.keys() & table._away.keys() for table in tables)
    slots = slots_of(tables)
    assert len(set(slots)) == len(slots) == slots_used(memory)
