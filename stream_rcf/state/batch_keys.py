"""The blocks of one batch: in memory all at once, with room made for them before."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from stream_rcf.core.block import BOXES_PER_SAMPLE, KeyBlock, block_bytes
from stream_rcf.core.layout import Capacities
from stream_rcf.core.model import Model
from stream_rcf.state.key_table import KeyTable

# Records of a usual mature key, for each point of one tree: its trees' samples overlap. Only to make room by.
RECORDS_PER_SAMPLE = 10
YOUNG_PARTS = 16  # a key with few events takes one part in so many of what a grown one does
# Steps of forecasts in one batch, 30 to 60 microseconds each of the default forest: 1 to 2 s.
MOST_FORECAST_STEPS = 24_000
BATCH_SHARE = 4  # one part in so many of the memory for keys may be needed by a single batch


def usual_block_bytes(model: Model) -> int:
    """About what a fully grown key takes."""
    records = RECORDS_PER_SAMPLE * model.sample_size + model.shingle_size
    boxes = min(2**model.box_bits, 1 + int(model.trees * model.sample_size * BOXES_PER_SAMPLE))
    return block_bytes(model, Capacities(model.sample_size, records, records // 8, boxes))


def largest_batch(model: Model, limit_bytes: int | None, batch_size: int) -> int:
    """Events that may be scored at once; at least 1.

    With them a batch needs no more than a share of the memory for keys, and no longer than some seconds for forecasts.
    """
    if model.forecast.horizon > 0:
        batch_size = max(1, min(batch_size, MOST_FORECAST_STEPS // model.forecast.horizon))
    if limit_bytes is None:
        return batch_size
    return max(1, min(batch_size, limit_bytes // BATCH_SHARE // usual_block_bytes(model)))


def blocks_of(model: Model, keys: Sequence[str], tables: Sequence[KeyTable]) -> list[KeyBlock]:
    """The block of ``keys[i]`` in ``tables[i]``, all in memory until the next batch, and about to be changed.

    Keys that are away come back together, after others have left for them. All tables share one ``KeyMemory``.
    Raises ``ReloadNeededError`` where a key cannot come back.
    """
    memory = tables[0].memory
    memory.begin_batch()
    by_table: dict[
        KeyTable, dict[str, KeyBlock]
    ] = {}  # each key once: they often come several times in a batch
    missing: dict[KeyTable, dict[str, None]] = {}
    for table, wanted in _distinct(keys, tables).items():
        held = by_table[table] = {}
        for key in wanted:
            block = table.resident(key)
            if block is None:
                missing.setdefault(table, {})[key] = None
            else:
                memory.touched(block)  # it may not leave to make room for the others
                held[key] = block
    if missing:
        if memory.limit_bytes is not None:
            away = sum(table.has_model(key) for table, wanted in missing.items() for key in wanted)
            born = sum(map(len, missing.values())) - away
            grown = usual_block_bytes(model)
            memory.make_room(away * grown + born * grown // YOUNG_PARTS)
        for table, wanted in missing.items():
            table.bring(wanted)
    for table, held in by_table.items():
        for key in (*held, *missing.get(table, ())):
            held[key] = table.touch(key)
    return [by_table[table][key] for key, table in zip(keys, tables, strict=True)]


def _distinct(keys: Sequence[str], tables: Sequence[KeyTable]) -> dict[KeyTable, dict[str, None]]:
    """The keys of each table, each once, in the order of their first events."""
    found: dict[KeyTable, dict[str, None]] = {}
    latest, wanted = None, {}
    for key, table in zip(keys, tables, strict=True):
        if table is not latest:
            latest, wanted = table, found.setdefault(table, {})
        wanted[key] = None
    return found


def batch_done(blocks: Iterable[KeyBlock], tables: Sequence[KeyTable]) -> None:
    """The batch was learned: count what its blocks have grown by, and let keys leave where that was too much."""
    memory = tables[0].memory
    memory.count(set(blocks))
    memory.make_room()
