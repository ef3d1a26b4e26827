"""Our forest as it is measured: one key through the library, many keys the service's way."""

from __future__ import annotations

import gc
import os
import time
import tracemalloc
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from stream_rcf import RandomCutForest
from stream_rcf.core.batch import process_blocks
from stream_rcf.core.model import model_of
from stream_rcf.core.parameters import DetectorParameters, ForestParameters
from stream_rcf.core.scratch import new_scratch
from stream_rcf.service.process_memory import resident_bytes
from stream_rcf.state.key_table import KeyTable

BATCH_SIZE = 1000  # events of a kernel call: the service's default
# Keys that learn by turns: few enough for the processor's cache. A call makes room for the events that it gets, so each
# key gets one event a call, as with the service's many keys.
LEARNED_TOGETHER = 20
EVENT_MILLISECONDS = 1000  # between two batches


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
        self._model = model_of(parameters)
        self._scratches = [new_scratch(self._model) for _ in range(os.cpu_count() or 1)]
        self._pool = ThreadPoolExecutor(len(self._scratches))
        self._clock = 0
        self._warm_up(parameters)
        gc.collect()
        self._resident_before, self._traced_before = resident_bytes(), _traced_bytes()
        self._table = KeyTable(parameters)
        self._names = [f"host-{number}" for number in range(keys)]

    def learn(self, records: np.ndarray) -> None:
        """Learn ``records`` (rounds, keys, features), a few keys after the other."""
        for first in range(0, len(self._names), LEARNED_TOGETHER):
            names = self._names[first : first + LEARNED_TOGETHER]
            for values in records[:, first : first + LEARNED_TOGETHER].astype(np.float64):
                self._process(names, values, 1)

    def turn(self, records: np.ndarray, threads: int) -> float:
        """Seconds to process ``records`` (rounds, keys, features), the keys in turn, in batches of a thousand."""
        rounds, keys, features = records.shape
        names = self._names * rounds
        values = records.reshape(rounds * keys, features).astype(np.float64)
        began = time.perf_counter()
        for start in range(0, len(values), BATCH_SIZE):
            end = start + BATCH_SIZE
            self._process(names[start:end], values[start:end], threads)
        return time.perf_counter() - began

    def _process(self, names: Sequence[str], values: np.ndarray, threads: int) -> None:
        self._clock += EVENT_MILLISECONDS
        blocks = [self._table.touch(name) for name in names]
        timestamps = np.full(len(names), self._clock, np.int64)
        run_all = map if threads == 1 else self._pool.map
        process_blocks(self._model, self._scratches[:threads], blocks, values, timestamps, run_all)

    def _warm_up(self, parameters: DetectorParameters) -> None:
        """Load the kernels and start the threads before memory is measured."""
        self._table = KeyTable(parameters)
        names = [str(i % len(self._scratches)) for i in range(BATCH_SIZE)]
        self._process(names, np.zeros((BATCH_SIZE, self._model.dimensions), np.float64), len(self._scratches))
        del self._table

    def memory(self) -> int:
        """Bytes per key that Python and numpy have asked for, the objects around the arrays included."""
        gc.collect()
        traced, blocks = _traced_bytes() - self._traced_before, self._table.memory_bytes
        if traced < blocks:
            raise RuntimeError(f"only {traced} of the blocks' {blocks} bytes were traced")
        return traced // len(self._names)

    def resident(self) -> int:
        """Bytes per key by which the process has grown."""
        return (resident_bytes() - self._resident_before) // len(self._names)

    def saved(self) -> int:
        """Bytes per key of a checkpoint."""
        return sum(len(self._table.pack(name)) for name in self._names) // len(self._names)


def _traced_bytes() -> int:
    return tracemalloc.get_traced_memory()[0]
