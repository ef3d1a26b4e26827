"""Lets the state of keys go that were idle for long: their names and times are kept, and nothing else is needed.

An idle key begins anew with its next event in any case (``core/retirement.py``), so this changes no output, but for an
event that is itself more than ``retire_after_ms`` late: keys are let go after twice that time. It is done right before
a cut, so that memory and checkpoint agree on it.
"""

from __future__ import annotations

from statistics import median_low

from stream_rcf.core.packing import pack
from stream_rcf.core.retirement import retired_block
from stream_rcf.state.key_table import KeyTable
from stream_rcf.state.saved_keys import SavedKeys

# Keys that tell the present time of the events by their median: a few whose clocks are wrong must not.
ASKED_KEYS = 101
MOST_AT_ONCE = 250  # keys of a partition before one cut: some 10 ms
MARGIN_BYTES = 64  # of a state that is let go already, for what its numbers take


def let_go_of_idle(table: KeyTable, saved: SavedKeys, now: float) -> int:
    """Let go of keys that are idle by the time of the events and by ``now``, epoch seconds; returns how many.

    ``saved`` is the newest checkpoint of the table. Nothing is done while keys do not retire.
    """
    retire_after_ms = table.parameters.retire_after_ms
    times = table.recent_times(ASKED_KEYS) if retire_after_ms else []
    if not times:
        return 0
    before = min(median_low(times), int(1000 * now)) - 2 * retire_after_ms
    nothing = len(pack(retired_block(table.model, 0, 0), quick=True)) + MARGIN_BYTES
    idle = saved.idle(before, nothing, MOST_AT_ONCE)
    return sum(table.let_go(key, last_event) for key, last_event in idle)
