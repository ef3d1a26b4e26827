"""What a forest can be asked besides a score. Asking changes nothing that a later answer would show."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from stream_rcf.core.block import KeyBlock
from stream_rcf.core.density import OF_ALL, Density, density_of, interpolate_point, no_density
from stream_rcf.core.displacement import codisp_of, displacement_of
from stream_rcf.core.extrapolation import Extrapolation, extrapolate_records
from stream_rcf.core.imputation import Imputation, completed, impute_point
from stream_rcf.core.inputs import checked_row
from stream_rcf.core.kernel import kernel
from stream_rcf.core.layout import EVENTS_SEEN, STORED, Block, open_block
from stream_rcf.core.memory import view_at
from stream_rcf.core.model import Model
from stream_rcf.core.neighbors import Neighbor, merged_neighbors, reach_leaves
from stream_rcf.core.process import is_ready
from stream_rcf.core.scratch import Scratch
from stream_rcf.core.store import latest_point, write_record
from stream_rcf.errors import UsageError


class ForestQueries:
    """The questions of ``RandomCutForest``. Each takes the next record; the point asked about is the shingle it ends.

    Raises ``UsageError`` for a record of another length, and for values that are not finite 32-bit numbers.
    """

    _model: Model
    _scratch: Scratch
    _block: KeyBlock

    def displacement(self, point: Any) -> float:
        """How many sampled points ``point`` (dimensions,), as the next record, would push down a level in one tree.

        Expected value, mean over trees, in sampled points: from 1, deep among its like, to ``sample_size``, cut off by
        the first cut. 0 while there is no score yet. Algorithm reference, section 5.1, the form of the Java library.
        """
        return self._number(_displace_next, point)

    def codisp(self, point: Any) -> float:
        """Collusive displacement of ``point`` (dimensions,) as the next record: ``rrcf``'s score.

        Of all groups that hold the point, the most sampled points outside that a group displaces for each of its own;
        expected value, mean over trees. From 0, when all samples equal the point, to ``sample_size``; an outlier that
        comes in a clump counts less than one alone, but is not masked by its like. 0 while there is no score yet.
        Guha, Mishra, Roy and Schrijvers, ICML 2016, section 3.
        """
        return self._number(_codisp_next, point)

    def density(self, point: Any) -> Density:
        """How thick, and how far, the sample lies around ``point`` (dimensions,) as the next record, by direction.

        See ``Density`` for shapes and units. All 0 while there is no score yet. Of samples that are not full the
        density is that of what they hold (the reference waits). Algorithm reference, section 7.
        """
        row = checked_row(point, self._model.dimensions)
        self._block.reserve(1)
        if not _interpolate_next(self._block.address, self._model, row, self._scratch):
            return no_density(self._model.point_dimensions)
        return density_of(self._scratch.amounts[OF_ALL])

    def near_neighbors(self, point: Any, distance: float = math.inf) -> list[Neighbor]:
        """Sampled points nearer than ``distance`` to ``point`` (dimensions,) as the next record, nearest first.

        Each tree offers the one leaf that its cuts lead to, so at most ``trees`` come back, and the nearest sample of
        all may be missing; equal points come once, with how many trees offered them. ``distance`` is Euclidean over
        the whole shingle, in the units of the values. Empty while there is no score yet. Raises ``UsageError`` for a
        distance that is not above 0. Algorithm reference, section 7.
        """
        if not distance > 0.0:
            raise UsageError(f"distance is {distance!r}, but must be above 0")
        row = checked_row(point, self._model.dimensions)
        self._block.reserve(1)
        distances = np.empty(self._model.trees, np.float64)
        leaves = np.empty((self._model.trees, 2), np.int64)
        if not _reach_next(self._block.address, self._model, row, self._scratch, distances, leaves):
            return []
        return merged_neighbors(self._block, distances, leaves, float(distance))

    def impute(self, point: Any, missing: Sequence[int], centrality: float = 1.0) -> Imputation:
        """What the ``missing`` features of ``point`` (dimensions,), as the next record, most plausibly are.

        ``missing``: their indexes, from 0; what ``point`` holds there is ignored, and may be NaN. ``centrality``: 1 for
        the most typical values; towards 0 ever more by chance among all that the known features allow (the same each
        time). See ``Imputation``: medians over the trees, with the 10th and 90th percentiles; the missing ones are NaN
        while there is no score yet. Algorithm reference, section 8.
        Raises ``UsageError`` when more than half of the shingle's coordinates are missing, and for an index or a
        centrality outside its range.
        """
        features = self._features(missing)
        if not 0.0 <= centrality <= 1.0:
            raise UsageError(f"centrality is {centrality!r}, but must be from 0 to 1")
        model = self._model
        known = np.array(point, np.float64).reshape(-1)
        if known.shape[0] == model.dimensions:
            known[features] = 0.0
        row = checked_row(known, model.dimensions)
        candidates = np.full((model.trees, len(features)), np.nan, np.float32)
        if len(features):
            coordinates = features + model.point_dimensions - model.dimensions
            self._block.reserve(1)
            _impute_next(
                self._block.address, model, row, coordinates, float(centrality), self._scratch, candidates
            )
        return completed(row, features, candidates)

    def extrapolate(self, horizon: int) -> Extrapolation:
        """The ``horizon`` (at least 1) records to come, each imputed from the ones before it.

        See ``Extrapolation``: (horizon, dimensions) medians with the 10th and 90th percentiles over the trees; all NaN
        while there is no score yet. Raises ``UsageError`` for a ``shingle_size`` below 2: a whole record is missing
        each time, and at most half of a shingle may be. Algorithm reference, section 8.
        """
        model = self._model
        if horizon < 1:
            raise UsageError(f"horizon is {horizon!r}, but must be at least 1 record")
        self._features(range(model.dimensions))
        self._block.reserve(1)
        shingle = np.empty(model.point_dimensions, np.float32)
        if not _copy_next(self._block.address, model, shingle):
            return Extrapolation(*(np.full((horizon, model.dimensions), np.nan) for _ in range(3)))
        return extrapolate_records(self._block.address, model, shingle, horizon, self._scratch)

    def _features(self, missing: Sequence[int]) -> np.ndarray:
        """The indexes as (m,) int64, once they are known to be in range, different, and few enough."""
        model, features = self._model, [operator.index(feature) for feature in missing]
        if len(set(features)) < len(features) or not all(0 <= i < model.dimensions for i in features):
            raise UsageError(f"missing is {features}, but must be different indexes below {model.dimensions}")
        if 2 * len(features) > model.point_dimensions:
            raise UsageError(
                f"{len(features)} of the shingle's {model.point_dimensions} coordinates are missing, "
                "but at most half may be"
            )
        return np.array(features, np.int64)

    def _number(self, ask: Callable[[int, Model, np.ndarray, Scratch], float], point: Any) -> float:
        row = checked_row(point, self._model.dimensions)
        self._block.reserve(1)
        return float(ask(self._block.address, self._model, row, self._scratch))


@kernel
def next_point(block: Block, model: Model, row: np.ndarray) -> int:
    """The address of the shingle that ``row`` (dimensions,) float64 would end; the store must have room for it."""
    write_record(block, model, row)
    return latest_point(block, model, block.integers[STORED] + 1)


@kernel
def _displace_next(address: int, model: Model, row: np.ndarray, scratch: Scratch) -> float:
    block = open_block(address, model)
    if not is_ready(block, model):
        return 0.0
    return displacement_of(block, model, next_point(block, model, row), scratch)


@kernel
def _codisp_next(address: int, model: Model, row: np.ndarray, scratch: Scratch) -> float:
    block = open_block(address, model)
    if not is_ready(block, model):
        return 0.0
    return codisp_of(block, model, next_point(block, model, row), scratch)


@kernel
def _interpolate_next(address: int, model: Model, row: np.ndarray, scratch: Scratch) -> bool:
    block = open_block(address, model)
    if not is_ready(block, model):
        return False
    interpolate_point(block, model, next_point(block, model, row), scratch)
    return True


@kernel
def _reach_next(
    address: int, model: Model, row: np.ndarray, scratch: Scratch, distances: np.ndarray, leaves: np.ndarray
) -> bool:
    block = open_block(address, model)
    if not is_ready(block, model):
        return False
    reach_leaves(block, model, next_point(block, model, row), scratch, distances, leaves)
    return True


@kernel
def _impute_next(
    address: int,
    model: Model,
    row: np.ndarray,
    missing: np.ndarray,
    centrality: float,
    scratch: Scratch,
    candidates: np.ndarray,
) -> bool:
    block = open_block(address, model)
    if not is_ready(block, model):
        return False
    point = view_at(next_point(block, model, row), (model.point_dimensions,), np.float32)
    sequence = block.integers[EVENTS_SEEN] + 1 - model.shingle_size
    impute_point(block, model, point, missing, sequence, centrality, scratch, candidates)
    return True


@kernel
def _copy_next(address: int, model: Model, shingle: np.ndarray) -> bool:
    """Copy the records that the next shingle begins with; its last record is left as it is."""
    block = open_block(address, model)
    if not is_ready(block, model):
        return False
    kept = model.point_dimensions - model.dimensions
    start = block.integers[STORED] * model.dimensions - kept
    for i in range(kept):
        shingle[i] = block.store[start + i]
    return True
