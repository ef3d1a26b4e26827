"""A batch of raw events over many keys becomes its closed windows: between Python objects and the kernel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from stream_rcf.core.block import KeyBlock
from stream_rcf.core.event_arrays import EventArrays
from stream_rcf.core.model import Model
from stream_rcf.core.window_model import WindowPlan
from stream_rcf.core.windows import close_windows, most_rows


class ClosedWindows(NamedTuple):
    """What a batch of ``m`` raw events came to: ``r`` windows, by the event that closed each, then by their time."""

    events: np.ndarray  # (r,) int64: the index of the event that closed it, ascending
    timestamps: np.ndarray  # (r,) int64: its start, epoch ms
    values: np.ndarray  # (r, dimensions) float64: its aggregates; NaN where nothing is known
    refusals: np.ndarray  # (m,) int64: of each event a Reason why it is in no window, or NONE


def windows_of(
    model: Model, plan: WindowPlan, blocks: Sequence[KeyBlock], arrays: EventArrays
) -> ClosedWindows:
    """Add event ``i`` of ``arrays`` to the open windows of ``blocks[i]``, in order, and return those that are closed.

    ``arrays.values`` (m, inputs) are in the order of ``paths_of``. Blocks keep their addresses.
    """
    addresses = np.fromiter((block.address for block in blocks), np.int64, len(blocks))
    order = np.argsort(addresses, kind="stable")
    refusals = np.zeros(len(blocks), np.int64)
    room = len(blocks) + int(most_rows(model.windows))
    found: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    place = 0
    while place < len(order):
        events, times = np.empty(room, np.int64), np.empty(room, np.int64)
        values = np.empty((room, model.dimensions), np.float64)
        place, rows = close_windows(
            model,
            plan,
            addresses,
            order,
            place,
            arrays,
            arrays.values.view(np.int64),
            refusals,
            events,
            times,
            values,
            values.view(np.int64),
        )
        found.append((events[:rows], times[:rows], values[:rows]))
    events, times, values = (np.concatenate(parts) for parts in zip(*found, strict=True))
    by_event = np.argsort(events, kind="stable")
    return ClosedWindows(events[by_event], times[by_event], values[by_event], refusals)
