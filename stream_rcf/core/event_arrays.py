"""Events as the kernels take them: their numbers side by side."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from stream_rcf.core.rules import EventRules, no_rules


class EventArrays(NamedTuple):
    """``m`` events; the arrays are the kernels' to write in."""

    values: np.ndarray  # (m, dimensions) float64, finite in float32; NaN where a feature is missing
    timestamps: np.ndarray  # (m,) int64, epoch ms
    identities: np.ndarray  # (m,) int64: of the events' ids, NO_ID for none; empty where events have none
    rules: EventRules


def plain_events(values: np.ndarray, timestamps: np.ndarray) -> EventArrays:
    """Events without ids and rules."""
    return EventArrays(values, timestamps, np.empty(0, np.int64), no_rules(values.shape[1]))
