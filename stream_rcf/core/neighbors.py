"""Near neighbours of a point: the leaves that the cuts of each tree lead it to.

Algorithm reference, section 7. Cheap and approximate: one candidate per tree, and the truly nearest sample may be none
of them.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from stream_rcf.core.block import KeyBlock
from stream_rcf.core.boxes import point_address
from stream_rcf.core.inspect import records_of, views
from stream_rcf.core.kernel import kernel
from stream_rcf.core.layout import RUNS, Block
from stream_rcf.core.memory import load_float
from stream_rcf.core.model import Model
from stream_rcf.core.scratch import Scratch
from stream_rcf.core.walk import first_of, mass_of, walk_to_leaf


class Neighbor(NamedTuple):
    """A sampled point near the one asked about."""

    distance: float  # Euclidean, over all coordinates of the shingle, in the units of the values
    point: np.ndarray  # (shingle_size * dimensions,) float32, oldest record first
    trees: int  # how many of them led to it
    sequences: tuple[
        int, ...
    ]  # its numbers, from 0 for the first whole shingle, ascending; several when it recurred


@kernel
def reach_leaves(
    block: Block, model: Model, point: int, scratch: Scratch, distances: np.ndarray, leaves: np.ndarray
) -> None:
    """For each tree the distance (trees,) float64 to the leaf of the point at address ``point``, and its samples.

    ``leaves`` (trees, 2) int64: the first sample and how many there are. Every tree holds a sample.
    """
    way = scratch.ways[0]
    for tree in range(model.trees):
        leaf = way[walk_to_leaf(block, model, tree, point, way)]
        stored = point_address(block, model, tree, first_of(leaf))
        squares = 0.0
        for i in range(model.point_dimensions):
            gap = np.float64(load_float(point + 4 * i)) - np.float64(load_float(stored + 4 * i))
            squares += gap * gap
        distances[tree] = np.sqrt(squares)
        leaves[tree, 0] = first_of(leaf)
        leaves[tree, 1] = mass_of(leaf)


def merged_neighbors(
    block: KeyBlock, distances: np.ndarray, leaves: np.ndarray, bound: float
) -> list[Neighbor]:
    """The leaves nearer than ``bound``, equal points as one, nearest first; of equally near ones the older."""
    parts, d = views(block), block.model.point_dimensions
    runs = int(parts.integers[RUNS])
    found: dict[bytes, tuple[float, np.ndarray, int, set[int]]] = {}
    for tree in np.flatnonzero(distances < bound).tolist():
        first, mass = leaves[tree].tolist()
        records = records_of(parts, tree)[first : first + mass]
        run = np.searchsorted(parts.run_first[:runs], records, side="right") - 1
        sequences = set((parts.run_event[run] + records - parts.run_first[run]).tolist())
        start = int(records[0]) * block.model.dimensions
        point = parts.store[start : start + d].copy()
        _, _, trees, known = found.get(point.tobytes(), (0.0, point, 0, set()))
        found[point.tobytes()] = (float(distances[tree]), point, trees + 1, known | sequences)
    neighbors = [Neighbor(*entry[:3], tuple(sorted(entry[3]))) for entry in found.values()]
    return sorted(neighbors, key=lambda neighbor: (neighbor.distance, neighbor.sequences))
