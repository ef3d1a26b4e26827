"""Transforms of an event's values, and back again: the detector sees the transformed ones, people their own.

A transform uses nothing but the values of its feature up to the present one.
"""

from __future__ import annotations

import numpy as np

from stream_rcf.core.arithmetic import exp, log
from stream_rcf.core.kernel import inlined_kernel, kernel
from stream_rcf.core.layout import EVENTS_SEEN, Block
from stream_rcf.core.model import Model
from stream_rcf.core.preprocessing import Transform
from stream_rcf.core.scratch import Scratch
from stream_rcf.core.seasons import AVERAGE, PREVIOUS, learn_season, local_ms, usual_at
from stream_rcf.core.units import LARGEST_FLOAT32, from_unit, within_float32

_NONE, _LOG, _DIFFERENCE = int(Transform.NONE), int(Transform.LOG), int(Transform.DIFFERENCE)
_TIME_OF_DAY, _TIME_OF_WEEK = int(Transform.SUBTRACT_TIME_OF_DAY), int(Transform.SUBTRACT_TIME_OF_WEEK)

LARGEST_LOG = 88.72283905206835  # log of the largest float32


@kernel
def transform(
    block: Block,
    model: Model,
    values: np.ndarray,
    timestamp: int,
    pause: int,
    follows_gap: bool,
    offset: np.ndarray,
    transformed: np.ndarray,
) -> np.ndarray:
    """What the detector is to see of the event ``values`` (dimensions,): they themselves, or ``transformed``, set here.

    ``offset`` (dimensions,) is set to what was taken off each. ``follows_gap``: there is no event before it to compare
    it with. ``timestamp``: epoch ms, ``pause`` ms after the event before it; of a first event any. To be called once
    for each event, in their order: the past of the features takes the values in.
    """
    if model.pasts == 0:
        return values
    is_first = block.integers[EVENTS_SEEN] == 0
    local = local_ms(model, timestamp)
    rate = max(model.decay, 1.0 / (block.integers[EVENTS_SEEN] + 1.0))  # at first the plain mean
    for feature in range(model.dimensions):
        value, past = np.float64(np.float32(values[feature])), block.past[feature]
        if is_first or (follows_gap and model.transforms[feature] == _DIFFERENCE):
            past[PREVIOUS] = value
        if is_first:
            past[AVERAGE] = value
        how = model.transforms[feature]
        is_seasonal = how >= _TIME_OF_DAY
        usual = usual_at(past, how == _TIME_OF_WEEK, local) if is_seasonal else past[AVERAGE]
        transformed[feature] = within_float32(_transformed(how, value, past[PREVIOUS], usual))
        offset[feature] = value - np.float64(np.float32(transformed[feature]))
        past[PREVIOUS] = value
        if is_seasonal:
            learn_season(past, how == _TIME_OF_WEEK, value, local, pause, block.integers[EVENTS_SEEN])
        else:
            past[AVERAGE] += rate * (value - past[AVERAGE])
    return transformed


@inlined_kernel
def _transformed(how: int, value: float, previous: float, usual: float) -> float:
    if how == _LOG:
        size = log(1.0 + abs(value))
        return -size if value < 0.0 else size
    if how == _DIFFERENCE:
        return value - previous
    return value if how == _NONE else value - usual


@inlined_kernel
def untransformed(model: Model, feature: int, seen: float, scratch: Scratch) -> float:
    """The value that would have been seen as ``seen`` in the place of the latest event's."""
    if model.pasts == 0:
        return seen
    if model.transforms[feature] == _LOG:
        return _from_log(seen)
    return within_float32(seen + scratch.offset[feature])


@inlined_kernel
def _from_log(seen: float) -> float:
    value = min(LARGEST_FLOAT32, exp(min(LARGEST_LOG, abs(seen))) - 1.0)
    return -value if seen < 0.0 else value


@inlined_kernel
def untransform_future(block: Block, model: Model, feature: int, future: np.ndarray) -> None:
    """Turn ``future`` (n,), as it would be seen of a feature in the next n events, into their own values, in place.

    Each counts as having come when the next is turned: differences add up from the latest value, averages follow.
    """
    if model.pasts == 0 or model.transforms[feature] == _NONE:
        return
    how = model.transforms[feature]
    previous, average = block.past[feature, PREVIOUS], block.past[feature, AVERAGE]
    for step in range(future.shape[0]):
        if how == _LOG:
            future[step] = _from_log(future[step])
            continue
        value = within_float32(future[step] + (previous if how == _DIFFERENCE else average))
        rate = max(model.decay, 1.0 / (block.integers[EVENTS_SEEN] + step + 1.0))
        average += rate * (value - average)
        previous = value
        future[step] = value


@inlined_kernel
def value_of(block: Block, model: Model, feature: int, stored: np.float32, scratch: Scratch) -> float:
    """The value, as the event had it, for a number of the store in the place of the latest event's."""
    return untransformed(model, feature, from_unit(block, model, feature, stored), scratch)
