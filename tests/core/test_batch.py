"""Batches over many keys: order within a key, independence between keys, growth of blocks in the middle."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from stream_rcf.core.batch import parts_by_key, process_blocks
from stream_rcf.core.block import KeyBlock, block_bytes
from stream_rcf.core.inspect import views
from stream_rcf.core.layout import EVENTS_SEEN, RUN_CAPACITY, RUNS, SAMPLE_CAPACITY, STORE_CAPACITY, STORED
from stream_rcf.core.model import model_of
from stream_rcf.core.packing import pack
from stream_rcf.core.parameters import DetectorParameters, ForestParameters
from stream_rcf.core.random_stream import key_seed
from stream_rcf.core.scratch import new_scratch

PARAMETERS = DetectorParameters(("a", "b"), ForestParameters(4, 16, 2, 3, 0.03))
MODEL = model_of(PARAMETERS)


def block_of(key: str) -> KeyBlock:
    """The newborn block of a key."""
    return KeyBlock(MODEL, key_seed(0, key))


def interleaved(events: int, keys: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Keys (events,), values (events, 2) and timestamps (events,) of a mixed stream with spikes."""
    random = np.random.default_rng(6)
    values = random.normal(size=(events, 2))
    values[::41] += 9.0
    return random.integers(0, keys, events), values, np.arange(events, dtype=np.int64) * 1000


def run(batch_sizes: list[int], events: int = 600, keys: int = 7) -> tuple[bytes, list[bytes]]:
    """All results and final states of the mixed stream, in batches of these sizes, repeated."""
    which, values, timestamps = interleaved(events, keys)
    blocks = [block_of(f"key-{i}") for i in range(keys)]
    scratch, parts, start, turn = new_scratch(MODEL), [], 0, 0
    while start < events:
        end = min(events, start + batch_sizes[turn % len(batch_sizes)])
        batch = [blocks[i] for i in which[start:end]]
        results = process_blocks(MODEL, [scratch], batch, values[start:end], timestamps[start:end])
        parts += [np.hstack([results.numbers, results.integers, results.details.reshape(end - start, -1)])]
        start, turn = end, turn + 1
    return np.vstack(parts).tobytes(), [pack(block) for block in blocks]


@pytest.mark.parametrize("batch_sizes", [[1], [2, 3, 5], [100], [599], [7, 1, 64]])
def test_any_batching_gives_the_same_bits(batch_sizes: list[int]) -> None:
    assert run(batch_sizes) == run([600])


def test_a_key_does_not_see_its_neighbours() -> None:
    which, values, timestamps = interleaved(600, 7)
    blocks = [block_of(f"key-{i}") for i in range(7)]
    scratch = new_scratch(MODEL)
    together = process_blocks(MODEL, [scratch], [blocks[i] for i in which], values, timestamps)
    for key in range(7):
        mine = which == key
        alone_block = block_of(f"key-{key}")
        alone = process_blocks(
            MODEL, [scratch], [alone_block] * int(mine.sum()), values[mine], timestamps[mine]
        )
        for mixed, single in zip(together[:3], alone[:3], strict=True):
            assert mixed[mine].tobytes() == single.tobytes()
        assert pack(alone_block) == pack(blocks[key])


def test_an_empty_batch_changes_nothing() -> None:
    block = block_of("a")
    before = pack(block)
    results = process_blocks(MODEL, [new_scratch(MODEL)], [], np.empty((0, 2)), np.empty(0, np.int64))
    assert [len(column) for column in results] == [0, 0, 0, 0]
    assert pack(block) == before


def test_blocks_grow_with_their_key_and_never_past_its_room() -> None:
    block, scratch = block_of("a"), new_scratch(MODEL)
    newborn = block.bytes
    values = np.random.default_rng(8).normal(size=(2000, 2))
    for event in range(2000):
        process_blocks(MODEL, [scratch], [block], values[event : event + 1], np.zeros(1, np.int64))
        header = block.header()
        assert views(block).size.max() <= header[SAMPLE_CAPACITY] <= 16
        assert header[STORED] <= header[STORE_CAPACITY]
        assert header[RUNS] <= header[RUN_CAPACITY]
        assert block.bytes == block_bytes(MODEL, block.capacities())
    assert block.bytes > newborn
    assert block.header()[EVENTS_SEEN] == 2000


def test_a_batch_may_grow_a_newborn_block_all_the_way() -> None:
    values = np.random.default_rng(9).normal(size=(500, 2))
    at_once, bit_by_bit = block_of("a"), block_of("a")
    times = np.zeros(500, np.int64)
    process_blocks(MODEL, [new_scratch(MODEL)], [at_once] * 500, values, times)
    for event in range(500):
        process_blocks(MODEL, [new_scratch(MODEL)], [bit_by_bit], values[event : event + 1], times[:1])
    assert pack(at_once) == pack(bit_by_bit)


def test_several_threads_give_the_same_bytes() -> None:
    which, values, timestamps = interleaved(3000, keys=7)[:3]
    states = []
    for threads in (1, 2, 5):
        blocks = [block_of(f"key-{key}") for key in range(7)]
        scratches = [new_scratch(MODEL) for _ in range(threads)]
        with ThreadPoolExecutor(threads) as pool:
            results = process_blocks(
                MODEL, scratches, [blocks[i] for i in which], values, timestamps, pool.map
            )
        states.append([*[column.tobytes() for column in results[:3]], *[pack(block) for block in blocks]])
    assert states[0] == states[1] == states[2]


@pytest.mark.parametrize("most", [1, 2, 3, 8])
def test_parts_cover_all_events_and_never_part_a_key(most: int) -> None:
    for keys in ([], [5], [5] * 100, [1, 1, 2, 3, 3, 3, 9], sorted(k % 11 for k in range(500))):
        addresses = np.array(keys, np.int64)
        parts = parts_by_key(addresses, most)
        assert [i for first, last in parts for i in range(first, last)] == list(range(len(keys)))
        assert len(parts) <= most
        owners = [set(addresses[first:last].tolist()) for first, last in parts]
        assert sum(map(len, owners)) == len(set(keys))
