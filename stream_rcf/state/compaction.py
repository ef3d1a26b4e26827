"""Which segments to write anew, so that a checkpoint stays small and of few objects. Pure, no I/O.

A segment is never changed: keys saved again elsewhere leave their old frames dead in it. A rewrite copies what is still
live into the checkpoint that is being written, and the segment is named no more.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

SMALL_BYTES = 8 * 2**20  # segments below this are merged when they are many
MOST_SEGMENTS = 32  # more make opening a checkpoint slow: each costs a request
# Copied in one checkpoint beside what changed: some seconds of an object store's time, and never all of a large state.
BUDGET_BYTES = 128 * 2**20


class SegmentUse(NamedTuple):
    """How much of a segment still counts."""

    bytes: int  # of all its frames, with all that belongs to them
    live_bytes: int  # of those whose key was not saved again since


def to_rewrite(segments: Sequence[SegmentUse], budget_bytes: int = BUDGET_BYTES) -> list[int]:
    """Positions of the segments to rewrite, in order: dead ones, those less than half alive, and small ones when many.

    At most about ``budget_bytes`` of live bytes are copied, and at least one segment is, where one qualifies.
    """
    dead = [i for i, use in enumerate(segments) if use.live_bytes == 0]
    wasteful = [i for i, use in enumerate(segments) if 0 < use.live_bytes * 2 < use.bytes]
    wasteful.sort(key=lambda i: segments[i].live_bytes / segments[i].bytes)
    small: list[int] = []
    if len(segments) - len(dead) > MOST_SEGMENTS:
        small = [i for i, use in enumerate(segments) if use.bytes < SMALL_BYTES and use.live_bytes > 0]
        small.sort(key=lambda i: segments[i].live_bytes)
    chosen = set(dead)
    copied = 0
    for i in dict.fromkeys([*wasteful, *small]):
        if copied and copied + segments[i].live_bytes > budget_bytes:
            break
        copied += segments[i].live_bytes
        chosen.add(i)
    return sorted(chosen)
