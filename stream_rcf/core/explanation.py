"""What an alert says of each feature: its share of the anomaly, its direction, what was expected, within which band."""

from __future__ import annotations

import numpy as np

from stream_rcf.core.arithmetic import log
from stream_rcf.core.attribution import attribute_point, relevant_shares
from stream_rcf.core.expectation import expected_band
from stream_rcf.core.kernel import inlined_kernel, kernel
from stream_rcf.core.layout import STORED, Block
from stream_rcf.core.memory import address_of
from stream_rcf.core.model import Model
from stream_rcf.core.scratch import Scratch
from stream_rcf.core.store import latest_point
from stream_rcf.core.tails import RARE
from stream_rcf.core.transforms import value_of

# Columns of the details of an anomaly, by feature.
SHARE, DIRECTION, EXPECTED, LOWER, UPPER = 0, 1, 2, 3, 4
DETAILS = 5


@kernel
def explain(block: Block, model: Model, is_anomaly: bool, scratch: Scratch, details: np.ndarray) -> None:
    """Set ``details`` (dimensions, DETAILS) of the latest record, which was scored.

    Shares sum to 1. The direction is 1 where the value lies above what was expected, else -1. Four in five of what the
    forest, or for single records the feature's own past, holds possible lie within the band.
    """
    if is_anomaly and _is_of_a_feature(model, scratch):
        _share_by_rarity(model, scratch, details)
    else:
        attribute_point(block, model, latest_point(block, model, block.integers[STORED]), scratch)
        relevant_shares(scratch.total, model.dimensions, details[:, SHARE])
    for feature in range(model.dimensions):
        expected, lower, upper = expected_band(block, model, feature, scratch)
        details[feature, EXPECTED], details[feature, LOWER], details[feature, UPPER] = expected, lower, upper
    latest = (latest_point(block, model, block.integers[STORED]) - address_of(block.store)) // 4
    for feature in range(model.dimensions):
        stored = block.store[latest + model.point_dimensions - model.dimensions + feature]
        value = value_of(block, model, feature, stored, scratch)
        details[feature, DIRECTION] = 1.0 if value >= details[feature, EXPECTED] else -1.0


@inlined_kernel
def _is_of_a_feature(model: Model, scratch: Scratch) -> bool:
    """Whether some feature by itself made the alert, rather than the forest or the threshold."""
    if model.channels > 0 and model.alert_budget > 0.0:
        for feature in range(model.dimensions):
            if scratch.is_alert[feature]:
                return True
    return False


@inlined_kernel
def _share_by_rarity(model: Model, scratch: Scratch, details: np.ndarray) -> None:
    """Shares by how unlikely each feature is by itself; none for what happens once in a hundred events."""
    total = 0.0
    for feature in range(model.dimensions):
        rarity = max(1e-300, scratch.rarity[feature])
        details[feature, SHARE] = max(0.0, log(RARE / rarity))
        total += details[feature, SHARE]
    for feature in range(model.dimensions):
        details[feature, SHARE] /= total
