"""Trees of real kernels without a sampler in front: tests insert and delete what they like."""

from __future__ import annotations

from typing import Any

import numpy as np

from stream_rcf.core.block import KeyBlock
from stream_rcf.core.inspect import sequences_of, tree_structure, views
from stream_rcf.core.lanes import LANES
from stream_rcf.core.layout import RUNS, STORED, Block, Capacities
from stream_rcf.core.model import model_of
from stream_rcf.core.parameters import DetectorParameters, ForestParameters
from stream_rcf.core.random_stream import key_seed
from stream_rcf.core.scratch import new_scratch
from stream_rcf.core.store import survey_store
from tests.core import direct_kernels, direct_queries
from tests.oracle.comparison import nested

ROOM = 64  # records beyond those that full trees need


class DirectTrees:
    """`trees` empty trees with room for `capacity` points each, and for the boxes of all their nodes."""

    def __init__(self, trees: int, dimensions: int, capacity: int = 32, seed: int = 0) -> None:
        names = tuple(f"feature_{i}" for i in range(dimensions))
        forest = ForestParameters(trees, capacity, dimensions, shingle_size=1, seed=seed)
        self.model = model_of(DetectorParameters(names, forest))
        self.seed = np.uint64(key_seed(seed, ""))
        boxes = min(2**self.model.box_bits, trees * capacity + 1)
        self.block = KeyBlock(
            self.model, int(self.seed), Capacities(capacity, trees * capacity + ROOM, ROOM, boxes)
        )
        self.scratch = new_scratch(self.model)
        self.events = 0
        self.draws = 0

    @property
    def parts(self) -> Block:
        """Views of the block, valid until the next insertion."""
        return views(self.block)

    def insert(self, tree: int, point: Any, priority: int = 0) -> int:
        """Insert a new record as a point, and return its number, which `delete` and `share` take."""
        self.block.reserve(1)
        direct_kernels.append(self.block.address, self.model, np.array(point, np.float64), self.events)
        self.events += 1
        self.share(tree, self.events - 1, priority)
        self.block.count_headroom()
        return self.events - 1

    def share(self, tree: int, number: int, priority: int = 0) -> None:
        """Insert the record that another tree holds under this number."""
        record = self.record(number)
        direct_kernels.insert(
            self.block.address, self.model, tree, record, priority, self.seed, self.draws, self.scratch
        )
        self.draws += 1

    def delete(self, tree: int, number: int) -> None:
        """Take the point that `insert` gave this number out of the tree."""
        (position,) = np.flatnonzero(sequences_of(self.block, tree) == number)
        direct_kernels.delete(self.block.address, self.model, tree, int(position), self.scratch)

    def record(self, number: int) -> int:
        """Where in the store the record of this number stands now."""
        parts = self.parts
        runs = int(parts.integers[RUNS])
        run = int(np.searchsorted(parts.run_event[:runs], number, side="right")) - 1
        record = int(parts.run_first[run]) + number - int(parts.run_event[run])
        end = int(parts.run_first[run + 1]) if run + 1 < runs else int(parts.integers[STORED])
        assert record < end, f"record {number} is no longer stored"
        return record

    def needed_records(self) -> int:
        """How many records the trees need."""
        return int(survey_store(self.block.address, self.model)[0])

    def score(self, tree: int, point: Any) -> float:
        """The score of a point in one tree."""
        return float(
            direct_kernels.score(self.block.address, self.model, tree, self.lanes(point), self.scratch)
        )

    def attribution(self, tree: int, point: Any) -> np.ndarray:
        """Shares of the score by coordinate and direction, (dimensions, 2)."""
        direct_kernels.attribute(self.block.address, self.model, tree, self.lanes(point), self.scratch)
        return self.scratch.shares.copy()

    def expected(self, tree: int, point: Any) -> tuple[float, float]:
        """Expected displacement and CoDisp of a point in one tree."""
        return direct_queries.displacements(
            self.block.address, self.model, tree, self.lanes(point), self.scratch
        )

    def lanes(self, point: Any) -> np.ndarray:
        """A point as kernels read it: whole lanes, with something behind the last coordinate that must not count."""
        array = np.full(LANES * self.model.chunks, 1e30, np.float32)
        array[: self.model.dimensions] = point
        return array

    def structure(self, tree: int) -> Any:
        """The tree as nested tuples, see `tests.oracle.comparison.nested`; None while it is empty."""
        return nested(tree_structure(self.block, tree))
