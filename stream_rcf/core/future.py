"""The records to come as a key's forest expects them after its latest event, told in the events' own terms.

The same as ``RandomCutForest.extrapolate`` (extrapolation.py), in one call; units and transforms are undone.
"""

from __future__ import annotations

import numpy as np

from stream_rcf.core.expectation import median, order_candidates
from stream_rcf.core.imputation import impute_point
from stream_rcf.core.kernel import kernel
from stream_rcf.core.layout import EVENTS_SEEN, SHINGLE_WAIT, STORED, Block, open_block
from stream_rcf.core.model import Model
from stream_rcf.core.process import is_ready
from stream_rcf.core.scratch import Scratch
from stream_rcf.core.transforms import untransform_future
from stream_rcf.core.units import from_unit


@kernel
def expect_future(
    address: int, model: Model, scratch: Scratch, shingle: np.ndarray, by_feature: np.ndarray
) -> bool:
    """Set ``by_feature`` (dimensions, horizon) float64, and return True; False where nothing can be said.

    That is while there is no score yet, and after a gap until the next shingle would not span it. ``shingle``
    (shingle_size * dimensions,) float32 is for use here. The key's state does not change.
    """
    block = open_block(address, model)
    if not is_ready(block, model) or block.integers[SHINGLE_WAIT] > 0:
        return False
    kept = model.point_dimensions - model.dimensions
    start = block.integers[STORED] * model.dimensions - kept
    for i in range(kept):
        shingle[i] = block.store[start + i]
    for step in range(by_feature.shape[1]):
        _expect_next(block, model, scratch, shingle, step, by_feature)
    for feature in range(model.dimensions):
        untransform_future(block, model, feature, by_feature[feature])
    return True


@kernel
def _expect_next(
    block: Block, model: Model, scratch: Scratch, shingle: np.ndarray, step: int, by_feature: np.ndarray
) -> None:
    """Impute the record after those in ``shingle``, and move that on by it."""
    sequence = block.integers[EVENTS_SEEN] + 1 - model.shingle_size + step
    impute_point(block, model, shingle, scratch.newest, sequence, 1.0, scratch, scratch.imputed)
    order_candidates(model, scratch)
    kept = model.point_dimensions - model.dimensions
    for feature in range(model.dimensions):
        shingle[kept + feature] = median(scratch.candidates[feature], model.trees)
        by_feature[feature, step] = from_unit(block, model, feature, shingle[kept + feature])
    for i in range(kept):
        shingle[i] = shingle[i + model.dimensions]
