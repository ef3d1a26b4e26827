"""The numbers that shape a key's open windows, in the form that kernels take; and which aggregate each feature is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from stream_rcf.core.aggregates import (
    IS_ZERO_WHEN_EMPTY,
    Aggregation,
    WindowParameters,
    aggregates_of,
    paths_of,
)

SKETCH_BINS = 256  # 4 kB; see quantile_sketch.py for what that is good for
STATE_WORDS, SLOT_WORDS, NUMBER_WORDS, SKETCH_WORDS = 3, 2, 4, 4  # see window_section.py
SECTION_ALIGNMENT = 64  # bytes: a cache line


class WindowModel(NamedTuple):
    """All 0 where every event is a record."""

    length_ms: int
    lateness_ms: int
    empty_windows: int  # that are records after one with events; 0 where no feature is 0 then
    slots: int  # windows open at once
    inputs: int  # values of a raw event
    sketches: int  # of them, the first so many are seen by percentiles
    bytes: int  # of the section at the end of a key's block


NO_WINDOWS = WindowModel(0, 0, 0, 0, 0, 0, 0)


class WindowPlan(NamedTuple):
    """What each of ``d`` features is."""

    aggregation: np.ndarray  # (d,) int64
    column: np.ndarray  # (d,) int64: the value of an event that it is of; -1 for COUNT
    percent: np.ndarray  # (d,) int64


def window_model(windows: WindowParameters, features: Sequence[str], lateness_ms: int) -> WindowModel:
    """The kernels' form of ``windows`` over ``features``."""
    aggregates = aggregates_of(features)
    sketched = {one.path for one in aggregates if one.aggregation is Aggregation.PERCENTILE}
    has_zero = any(one.aggregation in IS_ZERO_WHEN_EMPTY for one in aggregates)
    slots, inputs = windows.open_windows(lateness_ms), len(paths_of(features))
    words_of_slot = SLOT_WORDS + NUMBER_WORDS * inputs + (SKETCH_WORDS + 2 * SKETCH_BINS) * len(sketched)
    size = 8 * (STATE_WORDS + slots * words_of_slot)
    return WindowModel(
        windows.window_ms,
        lateness_ms,
        windows.empty_windows if has_zero else 0,
        slots,
        inputs,
        len(sketched),
        -(-size // SECTION_ALIGNMENT) * SECTION_ALIGNMENT,
    )


def window_plan(features: Sequence[str]) -> WindowPlan:
    """What each feature is, as arrays."""
    columns = {path: column for column, path in enumerate(paths_of(features))}
    aggregates = aggregates_of(features)
    return WindowPlan(
        np.array([int(one.aggregation) for one in aggregates], np.int64),
        np.array([columns.get(one.path, -1) for one in aggregates], np.int64),
        np.array([one.percent for one in aggregates], np.int64),
    )
