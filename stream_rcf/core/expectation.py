"""What was expected in the place of the latest record: the median over the trees, and a band, by feature.

The record is imputed as a whole from the rest of its shingle (imputation.py). Single records have no rest: there the
feature's own past says what is usual.
"""

from __future__ import annotations

import numpy as np

from stream_rcf.core.imputation import LOWER_PERCENT, MEDIAN_PERCENT, UPPER_PERCENT, impute_point
from stream_rcf.core.kernel import inlined_kernel, kernel
from stream_rcf.core.layout import BASELINE_SIZE, EVENTS_SEEN, STORED, Block
from stream_rcf.core.memory import address_of
from stream_rcf.core.model import SCALES, Model
from stream_rcf.core.scratch import Scratch
from stream_rcf.core.store import latest_point
from stream_rcf.core.transforms import untransformed, value_of


@inlined_kernel
def forget_expectation(scratch: Scratch) -> None:
    """Another record is the latest now."""
    scratch.expected_for[0] = 0


@inlined_kernel
def expect_record(block: Block, model: Model, scratch: Scratch) -> None:
    """Set ``scratch.candidates`` (dimensions, trees): what each tree would put there, in ascending order."""
    if scratch.expected_for[0] == 0:
        scratch.expected_for[0] = 1
        _impute_latest(block, model, scratch)


@kernel
def _impute_latest(block: Block, model: Model, scratch: Scratch) -> None:
    start = (latest_point(block, model, block.integers[STORED]) - address_of(block.store)) // 4
    point = block.store[start : start + model.point_dimensions]
    sequence = block.integers[EVENTS_SEEN] + 1 - model.shingle_size
    impute_point(block, model, point, scratch.newest, sequence, 1.0, scratch, scratch.imputed)
    order_candidates(model, scratch)


@inlined_kernel
def order_candidates(model: Model, scratch: Scratch) -> None:
    """Set ``scratch.candidates`` to what is in ``scratch.imputed``."""
    for feature in range(model.dimensions):
        for tree in range(model.trees):
            scratch.candidates[feature, tree] = scratch.imputed[tree, feature]
        _sort(scratch.candidates[feature], model.trees)


@inlined_kernel
def expected_band(block: Block, model: Model, feature: int, scratch: Scratch) -> tuple[float, float, float]:
    """(median, 10th, 90th percentile), as the event would have had them."""
    if model.shingle_size > 1 or model.channels == 0:
        expect_record(block, model, scratch)
        middle, lower, upper = _percentiles(scratch.candidates[feature], model.trees)
        return (
            value_of(block, model, feature, middle, scratch),
            value_of(block, model, feature, lower, scratch),
            value_of(block, model, feature, upper, scratch),
        )
    sample = block.usual[feature * len(SCALES)]
    middle, lower, upper = _percentiles(sample, int(block.baseline[BASELINE_SIZE]))
    return (
        untransformed(model, feature, np.float64(middle), scratch),
        untransformed(model, feature, np.float64(lower), scratch),
        untransformed(model, feature, np.float64(upper), scratch),
    )


@inlined_kernel
def expected_value(block: Block, model: Model, feature: int, scratch: Scratch) -> float:
    """The median."""
    value, _, _ = expected_band(block, model, feature, scratch)
    return value


@inlined_kernel
def median(ordered: np.ndarray, count: int) -> np.float32:
    """The least of the first ``count`` values, which are in ascending order, that half of them do not exceed."""
    return ordered[(count * MEDIAN_PERCENT + 99) // 100 - 1]


@inlined_kernel
def _percentiles(ordered: np.ndarray, count: int) -> tuple[np.float32, np.float32, np.float32]:
    return (
        median(ordered, count),
        ordered[(count * LOWER_PERCENT + 99) // 100 - 1],
        ordered[(count * UPPER_PERCENT + 99) // 100 - 1],
    )


@inlined_kernel
def _sort(values: np.ndarray, count: int) -> None:
    """Ascending, in place: some fifty values, once in an alert."""
    for i in range(1, count):
        value = values[i]
        place = i
        while place > 0 and values[place - 1] > value:
            values[place] = values[place - 1]
            place -= 1
        values[place] = value
