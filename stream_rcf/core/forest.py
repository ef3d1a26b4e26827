"""``RandomCutForest``: the forest alone, for people who bring their own loop."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from stream_rcf.core.attribution import attribute_point
from stream_rcf.core.block import KeyBlock
from stream_rcf.core.forest_queries import ForestQueries, next_point
from stream_rcf.core.inputs import checked_row, checked_rows
from stream_rcf.core.inspect import sequences_of
from stream_rcf.core.kernel import kernel
from stream_rcf.core.layout import EVENTS_SEEN, STORED, TIME_DECAY, open_block
from stream_rcf.core.model import Model, model_of
from stream_rcf.core.packing import pack, unpack
from stream_rcf.core.parameters import DetectorParameters, ForestParameters
from stream_rcf.core.process import is_ready, learn_shingle
from stream_rcf.core.random_stream import key_seed
from stream_rcf.core.sampling import ORDINARY_WEIGHT, change_decay
from stream_rcf.core.scoring import score_point
from stream_rcf.core.scratch import Scratch, new_scratch
from stream_rcf.core.store import append_record, latest_point
from stream_rcf.core.stretch import process_stretch, stretch_length
from stream_rcf.errors import CheckpointError, UsageError

ROWS_AT_ONCE = 512  # of one call: room is made for so many at a time
PARAMETERS_MAGIC = b"RCFP"  # before the parameters in ``to_bytes``
PARAMETERS_FIELDS = np.dtype(
    [
        ("trees", "<i4"),
        ("sample_size", "<i4"),
        ("dimensions", "<i4"),
        ("shingle_size", "<i4"),
        ("decay", "<f8"),
        ("seed", "<i8"),
        ("initial_accept_fraction", "<f8"),
    ]
)


class RandomCutForest(ForestQueries):
    """A streaming random cut forest with internal shingling (Guha, Mishra, Roy, Schrijvers, ICML 2016).

    Each record is scored against the past and then learned. A point is the last ``shingle_size`` records. The first
    ``max(sample_size // 4, shingle_size)`` records or so score 0: there is nothing to compare them with yet. Afterwards
    a score is above 0; about 1 is ordinary, higher is more anomalous, ``log2(sample_size + 1)`` (8 for 256) the most.

    Everything is a pure function of (parameters, records): the same records give the same bits, in one call or in many,
    on any machine, and through ``to_bytes`` and ``from_bytes``. An instance must not be used by two threads at once.

    ``dimensions``: numbers in a record. ``trees``, ``sample_size``: how many trees, of how many sampled points.
    ``time_decay``: per record, ``None`` for ``1 / (10 * sample_size)``. ``seed``: any signed 64-bit integer.
    ``initial_accept_fraction``: see ``ForestParameters``.
    Values are rounded to float32; NaN, infinities and numbers beyond float32 raise ``UsageError`` and change nothing.
    """

    def __init__(
        self,
        dimensions: int = 1,
        shingle_size: int = 8,
        trees: int = 50,
        sample_size: int = 256,
        time_decay: float | None = None,
        seed: int = 0,
        initial_accept_fraction: float = 1.0,
    ) -> None:
        self.parameters = ForestParameters(
            trees, sample_size, dimensions, shingle_size, time_decay, seed, initial_accept_fraction
        )
        self._model = _model(self.parameters)
        self._scratch = new_scratch(self._model)
        self._block = KeyBlock(self._model, key_seed(seed, ""))

    @property
    def events_seen(self) -> int:
        """Records learned so far."""
        return int(self._block.header()[EVENTS_SEEN])

    @property
    def time_decay(self) -> float:
        """The time decay per record in force: that of ``parameters``, or the last one set."""
        return float(self._block.header()[TIME_DECAY : TIME_DECAY + 1].view(np.float64)[0])

    def set_time_decay(self, value: float) -> None:
        """Forget faster or more slowly from the next record on: ``value`` per record, at least 0 and below 1.

        What was sampled before stays, with the odds it has by now, and from here on ages at the new rate. Saved with
        the rest of the state. Raises ``UsageError``, and changes nothing, for a value outside its range.
        Algorithm reference, section 3.
        """
        if not 0.0 <= value < 1.0:
            raise UsageError(f"time_decay is {value!r}, but must be at least 0 and below 1, per record")
        if value != self.time_decay:  # else nothing need be rounded anew
            change_decay(self._block.address, self._model, float(value))

    def process_many(self, x: Any) -> np.ndarray:
        """Score and then learn each row of ``x`` (n, dimensions), or (n,) for one dimension; scores (n,) float64."""
        rows = checked_rows(x, self._model.dimensions)
        scores = np.empty(len(rows), np.float64)
        for start in range(0, len(rows), ROWS_AT_ONCE):
            part = rows[start : start + ROWS_AT_ONCE]
            self._block.reserve(len(part))
            _process_rows(
                self._block.address, self._model, part, self._scratch, scores[start : start + len(part)]
            )
            self._block.count_headroom()
        return scores

    def score(self, point: Any) -> float:
        """Score of ``point`` (dimensions,) as the next record; nothing changes."""
        return self._number(_score_next, point)

    def update(self, point: Any, weight: float = 1.0) -> None:
        """Learn ``point`` (dimensions,) without scoring it.

        ``weight``: how readily it is sampled; 2 like two equal points, 0 not at all (it only moves the shingle on).
        """
        row = checked_row(point, self._model.dimensions)
        if not 0.0 <= weight < math.inf:
            raise UsageError(f"weight is {weight!r}, but must be a finite number, at least 0")
        self._block.reserve(1)
        _update_next(self._block.address, self._model, row, float(weight), self._scratch)
        self._block.count_headroom()

    def attribution(self, point: Any) -> np.ndarray:
        """Which coordinates make the score of ``point``: (shingle_size * dimensions, 2), oldest record first.

        Column 0 for lying above what was seen, column 1 for below; all sum to the score. Nothing changes.
        """
        self._block.reserve(1)
        if _attribute_next(
            self._block.address, self._model, checked_row(point, self._model.dimensions), self._scratch
        ):
            return self._scratch.total.copy()
        return np.zeros((self._model.point_dimensions, 2), np.float64)

    def sample_sequences(self, tree: int) -> np.ndarray:
        """The numbers of a tree's sampled points, from 0 for the first whole shingle, (size,) int64, in any order."""
        return sequences_of(self._block, tree)

    def __reduce__(self) -> tuple[Callable[[bytes], RandomCutForest], tuple[bytes]]:
        """A copy, or what pickle keeps, is made by way of the saved form: a block's address is its own."""
        return RandomCutForest.from_bytes, (self.to_bytes(),)

    def to_bytes(self) -> bytes:
        """The whole state, parameters included; ``from_bytes`` continues with the same bits."""
        forest = self.parameters
        fields = (
            forest.trees,
            forest.sample_size,
            forest.dimensions,
            forest.shingle_size,
            forest.decay,
            forest.seed,
            forest.initial_accept_fraction,
        )
        return PARAMETERS_MAGIC + np.array([fields], PARAMETERS_FIELDS).tobytes() + pack(self._block)

    @classmethod
    def from_bytes(cls, data: bytes) -> RandomCutForest:
        """The forest that ``to_bytes`` saved. Raises ``CheckpointError`` for anything else."""
        parameters, state = _split_parameters(data)
        forest = cls(
            parameters.dimensions,
            parameters.shingle_size,
            parameters.trees,
            parameters.sample_size,
            parameters.time_decay,
            parameters.seed,
            parameters.initial_accept_fraction,
        )
        forest._block = unpack(_model(parameters), state)
        return forest


def _model(parameters: ForestParameters) -> Model:
    names = tuple(f"feature_{i}" for i in range(parameters.dimensions))
    return model_of(DetectorParameters(names, parameters, likelihood=None))


def _split_parameters(data: bytes) -> tuple[ForestParameters, bytes]:
    end = len(PARAMETERS_MAGIC) + PARAMETERS_FIELDS.itemsize
    if len(data) < end or data[: len(PARAMETERS_MAGIC)] != PARAMETERS_MAGIC:
        raise CheckpointError("these bytes are not a saved RandomCutForest")
    fields = np.frombuffer(data, PARAMETERS_FIELDS, 1, len(PARAMETERS_MAGIC))[0]
    try:
        parameters = ForestParameters(
            int(fields["trees"]),
            int(fields["sample_size"]),
            int(fields["dimensions"]),
            int(fields["shingle_size"]),
            float(fields["decay"]),
            int(fields["seed"]),
            float(fields["initial_accept_fraction"]),
        )
    except UsageError as error:
        raise CheckpointError(f"a saved RandomCutForest is damaged: {error}") from None
    return parameters, data[end:]


@kernel
def _process_rows(address: int, model: Model, rows: np.ndarray, scratch: Scratch, scores: np.ndarray) -> None:
    block = open_block(address, model)
    done = 0
    while done < rows.shape[0]:
        count = stretch_length(block, model, rows.shape[0] - done, scratch)
        if count > 0:
            process_stretch(block, model, rows[done : done + count], scratch, scores[done : done + count])
            done += count
            continue
        append_record(block, model, rows[done], block.integers[EVENTS_SEEN])
        scores[done] = 0.0
        if is_ready(block, model):
            point = latest_point(block, model, block.integers[STORED])
            scores[done] = score_point(block, model, point, scratch)
        learn_shingle(block, model, ORDINARY_WEIGHT, scratch)
        done += 1


@kernel
def _update_next(address: int, model: Model, row: np.ndarray, weight: float, scratch: Scratch) -> None:
    block = open_block(address, model)
    append_record(block, model, row, block.integers[EVENTS_SEEN])
    learn_shingle(block, model, weight, scratch)


@kernel
def _score_next(address: int, model: Model, row: np.ndarray, scratch: Scratch) -> float:
    block = open_block(address, model)
    if not is_ready(block, model):
        return 0.0
    return score_point(block, model, next_point(block, model, row), scratch)


@kernel
def _attribute_next(address: int, model: Model, row: np.ndarray, scratch: Scratch) -> bool:
    block = open_block(address, model)
    if not is_ready(block, model):
        return False
    attribute_point(block, model, next_point(block, model, row), scratch)
    return True
