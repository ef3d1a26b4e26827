"""The store of a key: every record that some tree's points need, oldest first, each once.

A point is ``shingle_size`` records side by side, so points that overlap share them. A new record is appended; room is
made, when there is none left, by dropping the records that nothing needs any more and moving the others together. Which
event a record came from is kept as runs of consecutive events.
"""

from __future__ import annotations

import numpy as np

from stream_rcf.core.ascending import last_at_most
from stream_rcf.core.kernel import allocating_kernel, inlined_kernel, kernel
from stream_rcf.core.layout import RUNS, STORED, Block, open_block
from stream_rcf.core.memory import address_of
from stream_rcf.core.model import Model


@inlined_kernel
def append_record(block: Block, model: Model, values: np.ndarray, event: int) -> None:
    """Append the record of event number ``event``, (dimensions,) float64, as float32; -0.0 becomes 0.0.

    The store must have room.
    """
    write_record(block, model, values)
    stored, runs = block.integers[STORED], block.integers[RUNS]
    if runs == 0 or block.run_event[runs - 1] + stored - block.run_first[runs - 1] != event:
        block.run_first[runs] = stored
        block.run_event[runs] = event
        block.integers[RUNS] = runs + 1
    block.integers[STORED] = stored + 1


@inlined_kernel
def write_record(block: Block, model: Model, values: np.ndarray) -> None:
    """Write a record behind the last one without keeping it, to be scored only."""
    start = block.integers[STORED] * model.dimensions
    for i in range(model.dimensions):
        block.store[start + i] = np.float32(values[i]) + np.float32(0.0)


@inlined_kernel
def latest_point(block: Block, model: Model, records: int) -> int:
    """The address of the point that ends with record number ``records - 1``; there are at least ``shingle_size``."""
    return address_of(block.store) + (records - model.shingle_size) * model.dimensions * 4


@inlined_kernel
def record_of(block: Block, tree: int, position: int) -> int:
    """The record in the store where the point of a sample begins."""
    record = int(block.offset[tree, position])
    if block.high_offset.shape[1] > 0:
        record |= int(block.high_offset[tree, position]) << 16
    return record


@inlined_kernel
def set_record(block: Block, tree: int, position: int, record: int) -> None:
    """Let the sample at ``position`` be the point that begins at ``record``."""
    block.offset[tree, position] = record & 0xFFFF
    if block.high_offset.shape[1] > 0:
        block.high_offset[tree, position] = record >> 16


@allocating_kernel
def needed_records(block: Block, model: Model) -> np.ndarray:
    """Whether each record is needed: by a sample's point, or by the points that the next records will complete."""
    stored = block.integers[STORED]
    begun = np.zeros(stored + 1, np.int32)
    for tree in range(model.trees):
        for i in range(block.size[tree]):
            record = record_of(block, tree, i)
            begun[record] += 1
            begun[record + model.shingle_size] -= 1
    needed = np.zeros(stored, np.bool_)
    points = 0
    for record in range(stored):
        points += begun[record]
        needed[record] = points > 0 or record > stored - model.shingle_size
    return needed


@allocating_kernel
def survey_store(address: int, model: Model) -> tuple[int, int]:
    """(records that are needed, runs that they form)."""
    block = open_block(address, model)
    needed = needed_records(block, model)
    records, runs, run = 0, 0, -1
    event, expected = 0, -1
    for record in range(needed.shape[0]):
        while run + 1 < block.integers[RUNS] and block.run_first[run + 1] <= record:
            run += 1
        event = block.run_event[run] + record - block.run_first[run]
        if needed[record]:
            records += 1
            if event != expected:
                runs += 1
            expected = event + 1
    return records, runs


@allocating_kernel
def compact_store(address: int, model: Model) -> None:
    """Drop every record that nothing needs. The runs that remain must fit, see ``survey_store``."""
    block = open_block(address, model)
    needed = needed_records(block, model)
    stored = needed.shape[0]
    moved_to = np.empty(stored, np.int64)
    old_first = block.run_first[: block.integers[RUNS]].copy()
    old_event = block.run_event[: block.integers[RUNS]].copy()
    records, runs, run, expected = 0, 0, -1, -1
    for record in range(stored):
        while run + 1 < old_first.shape[0] and old_first[run + 1] <= record:
            run += 1
        moved_to[record] = records
        if not needed[record]:
            continue
        event = old_event[run] + record - old_first[run]
        if event != expected:
            block.run_first[runs] = records
            block.run_event[runs] = event
            runs += 1
        expected = event + 1
        for i in range(model.dimensions):
            block.store[records * model.dimensions + i] = block.store[record * model.dimensions + i]
        records += 1
    block.integers[STORED] = records
    block.integers[RUNS] = runs
    for tree in range(model.trees):
        for i in range(block.size[tree]):
            set_record(block, tree, i, moved_to[record_of(block, tree, i)])


@kernel
def event_of(block: Block, record: int) -> int:
    """The number of the event, from 0, that a record came from."""
    run = last_at_most(block.run_first, block.integers[RUNS], record)
    return block.run_event[run] + record - block.run_first[run]
