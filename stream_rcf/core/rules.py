"""Rules and feedback, as kernels see them: which features may alert in an event, in which direction, how far off.

A feature that may not is left out of the alert, and its part of the forest's score too; so a rule on one feature never
hides another. Feedback makes the alerts of a feature in one direction rarer or more frequent.
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
    """Of a batch of ``m`` events; all empty where there are no rules, the last where there is no feedback."""

    muted: np.ndarray  # (m, dimensions) uint8: RISES_MUTED and DROPS_MUTED
    tolerance: np.ndarray  # (m, dimensions, 2) float64: how far above and below what was expected is none
    sensitivity: np.ndarray  # (m, dimensions, 2) float64: by what feedback multiplies what is bearable


def no_sensitivity(dimensions: int) -> np.ndarray:
    """The sensitivity of events without feedback."""
    return np.empty((0, dimensions, 2), np.float64)


def no_rules(dimensions: int) -> EventRules:
    """Rules that say nothing."""
    nothing = no_sensitivity(dimensions)
    return EventRules(np.empty((0, dimensions), np.uint8), nothing, nothing)


@inlined_kernel
def has_rules(rules: EventRules, event: int) -> bool:
    """Whether any rule is about the event: one without is judged alike, whatever rules others of its batch have."""
    if rules.muted.shape[0] == 0:
        return False
    for feature in range(rules.muted.shape[1]):
        if rules.muted[event, feature] != 0:
            return True
        if rules.tolerance[event, feature, ABOVE] > 0.0 or rules.tolerance[event, feature, BELOW] > 0.0:
            return True
    return False


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
    if not has_rules(rules, event):
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


@inlined_kernel
def highest_sensitivity(rules: EventRules, event: int) -> float:
    """The highest of any feature and direction, at least 1."""
    highest = 1.0
    if rules.sensitivity.shape[0] > 0:
        for feature in range(rules.sensitivity.shape[1]):
            for direction in (ABOVE, BELOW):
                highest = max(highest, rules.sensitivity[event, feature, direction])
    return highest


@inlined_kernel
def sensitivity_of(
    block: Block, model: Model, signal: int, rises: bool, rules: EventRules, event: int, scratch: Scratch
) -> float:
    """By what feedback multiplies the probability below which the signal is an alert; 1 where there is none.

    The forest's signal is judged by the feature and direction that its attribution, left in ``scratch.total``, gives
    the most to.
    """
    if rules.sensitivity.shape[0] == 0:
        return 1.0
    if signal < model.dimensions:
        return rules.sensitivity[event, signal, ABOVE if rises else BELOW]
    attribute_point(block, model, latest_point(block, model, block.integers[STORED]), scratch)
    most, sensitivity = -1.0, 1.0
    for feature in range(model.dimensions):
        for direction in (ABOVE, BELOW):
            part = _part_of(model, feature, direction, scratch)
            if part > most:
                most, sensitivity = part, rules.sensitivity[event, feature, direction]
    return sensitivity


@inlined_kernel
def spared_score(model: Model, rules: EventRules, event: int, scratch: Scratch) -> float:
    """The part of the forest's score, by the attribution in ``scratch.total``, that feedback makes no less sensitive.

    There is feedback.
    """
    left = 0.0
    for feature in range(model.dimensions):
        for direction in (ABOVE, BELOW):
            if rules.sensitivity[event, feature, direction] >= 1.0:
                left += _part_of(model, feature, direction, scratch)
    return left


@inlined_kernel
def _part_of(model: Model, feature: int, direction: int, scratch: Scratch) -> float:
    part = 0.0
    for i in range(feature, model.point_dimensions, model.dimensions):
        part += scratch.total[i, direction]
    return part
