"""Our forest as it is measured: one key through the library, many keys the service's way."""

from __future__ import annotations

import gc
import os
import time
import tracemalloc
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from stream_rcf import RandomCutForest
from stream_rcf.core.batch import process_blocks
from stream_rcf.core.block import KeyBlock
from stream_rcf.core.layout import Model, model_of
from stream_rcf.core.parameters import DetectorParameters, ForestParameters
from stream_rcf.core.scratch import Scratch, new_scratch
from stream_rcf.state.key_table import KeyTable

BATCH_SIZE = 1000  # events of a kernel call: the service's default
EVENT_MILLISECONDS = 1000  # between two events of a key


class OneForest:
    """A single key, through the public class."""

    def __init__(self, forest: ForestParameters) -> None:
        self._forest = RandomCutForest(
            forest.dimensions, forest.shingle_size, forest.trees, forest.sample_size, None, forest.seed
        )

    def learn(self, records: np.ndarray) -> None:
        """Score and learn ``records`` (rounds, 1, features)."""
        self._forest.process_many(records[:, 0])

    def turn(self, records: np.ndarray, threads: int) -> float:
        """The same with a clock: seconds."""
        if threads != 1:
            raise ValueError(f"one key is the work of one thread, not of {threads}")
        began = time.perf_counter()
        self._forest.process_many(records[:, 0])
        return time.perf_counter() - began

    def saved(self) -> int:
        """Bytes of the saved forest."""
        return len(self._forest.to_bytes())


class ManyKeys:
    """A forest and a threshold for each key, as the service holds and calls them."""

    def __init__(self, parameters: DetectorParameters, keys: int) -> None:
        self._model: Model = model_of(parameters)
        self._scratches: list[Scratch] = [new_scratch(self._model) for _ in range(os.cpu_count() or 1)]
        self._warm_up(parameters)
        self._resident_before, self._traced_before = _resident_bytes(), _traced_bytes()
        self._table = KeyTable(parameters)
        self._names = [f"host-{number}" for number in range(keys)]
        self._clock = 0
        self._pool = ThreadPoolExecutor(len(self._scratches))

    def learn(self, records: np.ndarray) -> None:
        """Learn ``records`` (rounds, keys, features), each key's after one another."""
        for number, name in enumerate(self._names):
            block = self._table.touch(name)
            for start in range(0, len(records), BATCH_SIZE):
                values = records[start : start + BATCH_SIZE, number].astype(np.float64)
                self._process(1, [block] * len(values), values)

    def turn(self, records: np.ndarray, threads: int) -> float:
        """Seconds to process ``records`` (rounds, keys, features), keys in turn, a thousand events at a time."""
        batches = self._batches(records)
        began = time.perf_counter()
        for blocks, values in batches:
            self._process(threads, blocks, values)
        return time.perf_counter() - began

    def _batches(self, records: np.ndarray) -> list[tuple[list[KeyBlock], np.ndarray]]:
        """The events in batches of a thousand: of several rounds, or of a part of the keys."""
        rounds, keys, features = records.shape
        blocks = [self._table.touch(name) for name in self._names]
        together = max(1, BATCH_SIZE // keys)  # rounds of a batch
        return [
            (
                blocks[first : first + BATCH_SIZE] * len(records[start : start + together]),
                records[start : start + together, first : first + BATCH_SIZE]
                .reshape(-1, features)
                .astype(np.float64),
            )
            for start in range(0, rounds, together)
            for first in range(0, keys, BATCH_SIZE)
        ]

    def _process(self, threads: int, blocks: Sequence[KeyBlock], values: np.ndarray) -> None:
        self._clock += EVENT_MILLISECONDS
        timestamps = np.full(len(blocks), self._clock, np.int64)
        run_all = map if threads == 1 else self._pool.map
        process_blocks(self._model, self._scratches[:threads], blocks, values, timestamps, run_all)

    def _warm_up(self, parameters: DetectorParameters) -> None:
        """Load the kernels before memory is measured."""
        block = KeyTable(parameters).touch("warm-up")
        zeros = np.zeros((1, self._model.dimensions), np.float64)
        process_blocks(self._model, self._scratches[:1], [block], zeros, np.zeros(1, np.int64))

    def memory(self) -> int:
        """Bytes per key that Python and numpy have asked for, the objects around the arrays included."""
        gc.collect()
        traced = _traced_bytes() - self._traced_before
        blocks = self._table.memory_bytes
        # Memory that does not come from Python's allocators is not traced, and stands beside it.
        return (traced if traced > blocks else traced + blocks) // len(self._names)

    def resident(self) -> int:
        """Bytes per key by which the process has grown."""
        return (_resident_bytes() - self._resident_before) // len(self._names)

    def saved(self) -> int:
        """Bytes per key of a checkpoint."""
        return sum(len(self._table.pack(name)) for name in self._names) // len(self._names)


def _resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def _traced_bytes() -> int:
    return tracemalloc.get_traced_memory()[0]
