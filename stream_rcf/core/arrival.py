"""Events that do not come as they should: late, twice, after a gap, or without some of their features.

Each costs a bounded amount of work, however long the gap. What a policy does is told by the event and by those of its
key before it alone, never by a clock.
"""

from __future__ import annotations

import numpy as np

from stream_rcf.core.kernel import inlined_kernel
from stream_rcf.core.layout import EVENTS_SEEN, LATEST_TIMESTAMP, NEXT_ID, SHINGLE_WAIT, Block
from stream_rcf.core.model import Model
from stream_rcf.core.reasons import Reason
from stream_rcf.core.retirement import is_longer_after
from stream_rcf.core.seasons import PREVIOUS

NO_ID = 0  # of an event whose source gives none
_NONE, _LATE, _DUPLICATE = int(Reason.NONE), int(Reason.LATE_EVENT), int(Reason.DUPLICATE_EVENT)
_MISSING = int(Reason.MISSING_FEATURES)


@inlined_kernel
def refused(block: Block, model: Model, timestamp: int, identity: int) -> int:
    """Why the event is to be passed over, as a number of ``Reason``; NONE where it is not, and then its id is kept."""
    latest = block.integers[LATEST_TIMESTAMP]
    is_behind = block.integers[EVENTS_SEEN] > 0 and timestamp < latest
    is_checked = model.allowed_lateness_ms >= 0 and is_behind
    if is_checked and is_longer_after(latest, timestamp, model.allowed_lateness_ms):
        return _LATE
    if model.remembered_ids > 0 and identity != NO_ID:
        for place in range(model.remembered_ids):
            if block.recent_id[place] == identity:
                return _DUPLICATE
        note_id(block, model, identity)
    return _NONE


@inlined_kernel
def note_id(block: Block, model: Model, identity: int) -> None:
    """Keep an event's id in the place of the oldest one; none where events have none."""
    if model.remembered_ids > 0 and identity != NO_ID:
        place = block.integers[NEXT_ID]
        block.recent_id[place] = identity
        block.integers[NEXT_ID] = place + 1 if place + 1 < model.remembered_ids else 0


@inlined_kernel
def fill_missing(block: Block, model: Model, values: np.ndarray) -> tuple[int, int]:
    """Put what the record before has in the place of NaN in ``values`` (dimensions,); (how many, a ``Reason``)."""
    missing = 0
    for feature in range(model.dimensions):
        if np.isnan(values[feature]):
            missing += 1
            if block.integers[EVENTS_SEEN] == 0 or model.pasts == 0:
                return missing, _MISSING
            values[feature] = block.past[feature, PREVIOUS]
    return missing, _NONE


@inlined_kernel
def begin_shingle_after_gap(block: Block, model: Model, timestamp: int, latest: int) -> bool:
    """Let no shingle span a pause that is longer than ``max_gap_ms``; whether there was one.

    ``latest``: the time before this event.
    """
    is_after = block.integers[EVENTS_SEEN] > 0 and timestamp > latest
    if model.max_gap_ms > 0 and is_after and is_longer_after(timestamp, latest, model.max_gap_ms):
        block.integers[SHINGLE_WAIT] = model.shingle_size - 1
        return True
    return False
