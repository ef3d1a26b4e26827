"""Rules of the settings, as kernels see them: which features may alert in an event, in which direction, how far off.

A feature that may not is left out of the alert, and its part of the forest's score too; so a rule on one feature never
hides another.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from stream_rcf.core.attribution import ABOVE, BELOW, attribute_point
from stream_rcf.core.expectation import expected_value
from stream_rcf.core.kernel import inlined_kernel
from stream_rcf.core.layout import STORED, Block
from stream_rcf.core.memory import load_float
from stream_rcf.core.model import Model
from stream_rcf.core.scratch import Scratch
from stream_rcf.core.store import latest_point
from stream_rcf.core.transforms import value_of

RISES_MUTED, DROPS_MUTED = 1, 2  # bits


class EventRules(NamedTuple):
    """Of a batch of ``m`` events; both empty where there are no rules."""

    muted: np.ndarray  # (m, dimensions) uint8: RISES_MUTED and DROPS_MUTED
    tolerance: np.ndarray  # (m, dimensions, 2) float64: how far above and below what was expected is none


def no_rules(dimensions: int) -> EventRules:
    """Rules that say nothing."""
    return EventRules(np.empty((0, dimensions), np.uint8), np.empty((0, dimensions, 2), np.float64))


@inlined_kernel
def is_held(
    block: Block, model: Model, feature: int, rises: bool, rules: EventRules, event: int, scratch: Scratch
) -> bool:
    """Whether an alert by this feature is covered by a rule."""
    if rules.muted.shape[0] == 0:
        return False
    if rules.muted[event, feature] & (RISES_MUTED if rises else DROPS_MUTED):
        return True
    above, below = rules.tolerance[event, feature, ABOVE], rules.tolerance[event, feature, BELOW]
    if above <= 0.0 and below <= 0.0:
        return False
    point = latest_point(block, model, block.integers[STORED])
    newest = point + 4 * (model.point_dimensions - model.dimensions + feature)
    value = value_of(block, model, feature, load_float(newest), scratch)
    off = value - expected_value(block, model, feature, scratch)
    return -below <= off <= above


@inlined_kernel
def unruled_score(
    block: Block, model: Model, score: float, rules: EventRules, event: int, scratch: Scratch
) -> float:
    """The part of the forest's score that no rule covers, by its attribution to features and directions."""
    if rules.muted.shape[0] == 0:
        return score
    attribute_point(block, model, latest_point(block, model, block.integers[STORED]), scratch)
    left = 0.0
    for feature in range(model.dimensions):
        for direction in (ABOVE, BELOW):
            if is_held(block, model, feature, direction == ABOVE, rules, event, scratch):
                continue
            for i in range(feature, model.point_dimensions, model.dimensions):
                left += scratch.total[i, direction]
    return left
