"""Raw events become closed windows: one pass over a batch, before the forest sees anything.

A window of a key closes with the first event of that key whose time is at or past the window's end plus the allowed
lateness; what closes when is told by the times of the key's own events alone, never by a clock, other keys or the cut
into batches. So a key that falls silent has its last window closed by its next event. An event costs a bounded amount
of work, whatever the pause before it.
"""

from __future__ import annotations

import numpy as np

from stream_rcf.core.aggregates import Aggregation
from stream_rcf.core.arrival import NO_ID, refused
from stream_rcf.core.event_arrays import EventArrays
from stream_rcf.core.kernel import inlined_kernel, kernel
from stream_rcf.core.layout import (
    BEGAN_ANEW,
    LATEST_TIMESTAMP,
    NEVER,
    NEXT_ID,
    RECORD_TIMESTAMP,
    Block,
    open_block,
)
from stream_rcf.core.memory import address_of
from stream_rcf.core.model import Model
from stream_rcf.core.quantile_sketch import add_to_sketch, bits_of_percentile
from stream_rcf.core.reasons import Reason
from stream_rcf.core.retirement import is_longer_after
from stream_rcf.core.units import within_float32
from stream_rcf.core.window_model import SKETCH_BINS, WindowModel, WindowPlan
from stream_rcf.core.window_section import (
    COUNT,
    EVER_FILLED,
    HAS_FILLED,
    HIGHEST,
    LAST_FILLED,
    LOWEST,
    SUM,
    VALUES,
    WINDOW,
    Windows,
    open_section,
    section_of,
)

_COUNT, _SUM, _MEAN = int(Aggregation.COUNT), int(Aggregation.SUM), int(Aggregation.MEAN)
_MINIMUM, _MAXIMUM = int(Aggregation.MINIMUM), int(Aggregation.MAXIMUM)
_NONE, _LATE = int(Reason.NONE), int(Reason.LATE_EVENT)


@inlined_kernel
def last_closed(latest: int, shape: WindowModel) -> int:
    """The number of the last window that is closed once an event of time ``latest`` was seen."""
    return (latest - shape.lateness_ms) // shape.length_ms - 1


@inlined_kernel
def most_rows(shape: WindowModel) -> int:
    """As many windows as one event closes at most."""
    return shape.slots + (shape.slots + 1) * shape.empty_windows


@kernel
def _clear_slot(windows: Windows, slot: int) -> None:
    windows.slot[slot, WINDOW] = windows.slot[slot, COUNT] = 0
    windows.number[slot, :, :] = 0.0
    windows.sketch[slot, :, :] = 0


@kernel
def _forget(block: Block, model: Model, windows: Windows) -> None:
    """The key begins anew: what was open is no part of what comes, nor are the ids of its events.

    Its forest does so with the next window that is closed, which lies as far behind the last one. Where there is none
    it is told here: no window of this batch is on its way to the forest then.
    """
    if windows.state[EVER_FILLED] == 0:
        block.integers[RECORD_TIMESTAMP] = BEGAN_ANEW
    windows.state[HAS_FILLED] = windows.state[LAST_FILLED] = 0
    for slot in range(model.windows.slots):
        if windows.slot[slot, COUNT] > 0:
            _clear_slot(windows, slot)
    for place in range(model.remembered_ids):
        block.recent_id[place] = NO_ID
    block.integers[NEXT_ID] = 0


@kernel
def _add(windows: Windows, shape: WindowModel, slot: int, values: np.ndarray, bits: np.ndarray) -> None:
    """Add an event, ``values`` (inputs,) float64 and the same as ``bits``, to the window in ``slot``."""
    windows.slot[slot, COUNT] += 1
    for column in range(shape.inputs):
        value = values[column] + 0.0  # -0.0 becomes 0.0
        if np.isnan(value):
            continue
        number = windows.number[slot, column]
        is_first = number[VALUES] == 0.0
        number[VALUES] += 1.0
        number[SUM] += value
        number[LOWEST] = value if is_first else min(number[LOWEST], value)
        number[HIGHEST] = value if is_first else max(number[HIGHEST], value)
        if column < shape.sketches:
            bins, counts = windows.bin[slot, column], windows.bin_count[slot, column]
            at = 8 * SKETCH_BINS * (slot * shape.sketches + column)
            add_to_sketch(
                windows.sketch[slot, column],
                bins,
                counts,
                address_of(windows.bin) + at,
                address_of(windows.bin_count) + at,
                bits[column],
            )


@kernel
def _write_row(windows: Windows, plan: WindowPlan, slot: int, row: np.ndarray, row_bits: np.ndarray) -> None:
    """The aggregates of the window in ``slot``; NaN where no event had the value."""
    for feature in range(row.shape[0]):
        aggregation, column = plan.aggregation[feature], plan.column[feature]
        if aggregation == _COUNT:
            row[feature] = np.float64(windows.slot[slot, COUNT])
            continue
        number = windows.number[slot, column]
        if aggregation == _SUM:
            row[feature] = within_float32(number[SUM])
        elif number[VALUES] == 0.0:
            row[feature] = np.nan
        elif aggregation == _MEAN:
            row[feature] = min(max(number[SUM] / number[VALUES], number[LOWEST]), number[HIGHEST])
        elif aggregation == _MINIMUM:
            row[feature] = number[LOWEST]
        elif aggregation == _MAXIMUM:
            row[feature] = number[HIGHEST]
        else:
            row_bits[feature] = bits_of_percentile(
                windows.sketch[slot, column],
                windows.bin[slot, column],
                windows.bin_count[slot, column],
                int(number[VALUES]),
                plan.percent[feature],
            )


@inlined_kernel
def _write_empty_row(plan: WindowPlan, row: np.ndarray) -> None:
    """The aggregates of a window without events."""
    for feature in range(row.shape[0]):
        is_zero = plan.aggregation[feature] == _COUNT or plan.aggregation[feature] == _SUM
        row[feature] = 0.0 if is_zero else np.nan


@inlined_kernel
def _next_filled(windows: Windows, shape: WindowModel, after: int, last: int) -> int:
    """The number of the first window with events behind ``after`` and up to ``last``; else the one behind ``last``."""
    found = last + 1
    for slot in range(shape.slots):
        if windows.slot[slot, COUNT] > 0 and windows.slot[slot, WINDOW] > after:
            found = min(found, windows.slot[slot, WINDOW])
    return found


@kernel
def _close(
    windows: Windows,
    shape: WindowModel,
    plan: WindowPlan,
    first: int,
    last: int,
    event: int,
    row: int,
    row_events: np.ndarray,
    row_times: np.ndarray,
    rows: np.ndarray,
    row_bits: np.ndarray,
) -> int:
    """Close the windows numbered ``first`` to ``last`` in their order; the number of the next free row."""
    number = first
    while number <= last:
        slot = number % shape.slots
        if windows.slot[slot, COUNT] > 0 and windows.slot[slot, WINDOW] == number:
            _write_row(windows, plan, slot, rows[row], row_bits[row])
            _clear_slot(windows, slot)
            windows.state[HAS_FILLED] = windows.state[EVER_FILLED] = 1
            windows.state[LAST_FILLED] = number
        elif windows.state[HAS_FILLED] > 0 and number <= windows.state[LAST_FILLED] + shape.empty_windows:
            _write_empty_row(plan, rows[row])
        else:
            number = _next_filled(windows, shape, number, last)
            continue
        row_events[row], row_times[row] = event, number * shape.length_ms
        row += 1
        number += 1
    return row


@kernel
def close_windows(
    model: Model,
    plan: WindowPlan,
    addresses: np.ndarray,
    order: np.ndarray,
    first: int,
    events: EventArrays,
    bits: np.ndarray,
    refusals: np.ndarray,
    row_events: np.ndarray,
    row_times: np.ndarray,
    rows: np.ndarray,
    row_bits: np.ndarray,
) -> tuple[int, int]:
    """Add event ``i`` of ``order`` (m,), from place ``first`` on, to the open windows of the block at ``addresses[i]``.

    ``events.values`` (m, inputs) are raw values, ``bits`` the same memory as int64. Returns how far it came, all the
    way unless the rows ran out of room, and how many it wrote: of each closed window ``row_events`` the event that
    closed it, ``row_times`` its start, ``rows`` (r, dimensions) its aggregates, whose memory as int64 ``row_bits`` is.
    There must be room for ``most_rows``. ``refusals`` (m,): a ``Reason`` for each event that is in no window.
    """
    shape = model.windows
    row, most = 0, most_rows(shape)
    for place in range(first, order.shape[0]):
        if row + most > rows.shape[0]:
            return place, row
        i = order[place]
        block = open_block(addresses[i], model)
        windows = open_section(section_of(addresses[i], model), shape)
        timestamp, latest = events.timestamps[i], block.integers[LATEST_TIMESTAMP]
        number, was_closed = timestamp // shape.length_ms, last_closed(latest, shape)
        is_first = latest == NEVER
        if not is_first and number <= was_closed:
            refusals[i] = _LATE
            continue
        if not is_first and timestamp > latest and model.retire_after_ms > 0:
            start, latest_start = number * shape.length_ms, latest // shape.length_ms * shape.length_ms
            if is_longer_after(start, latest_start, model.retire_after_ms):
                _forget(block, model, windows)
        refusal = refused(
            block, model, timestamp, events.identities[i] if events.identities.shape[0] > 0 else NO_ID
        )
        if refusal != _NONE:
            refusals[i] = refusal
            continue
        if timestamp > latest:
            block.integers[LATEST_TIMESTAMP] = timestamp
            if not is_first:
                row = _close(
                    windows,
                    shape,
                    plan,
                    was_closed + 1,
                    last_closed(timestamp, shape),
                    i,
                    row,
                    row_events,
                    row_times,
                    rows,
                    row_bits,
                )
        slot = number % shape.slots
        windows.slot[slot, WINDOW] = number
        _add(windows, shape, slot, events.values[i], bits[i])
    return order.shape[0], row
