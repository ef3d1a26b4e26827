"""How long the outputs were late after a fault: pure arithmetic over two time lines."""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from typing import NamedTuple


class Sample(NamedTuple):
    """At ``time`` (monotonic seconds), how many events of each partition there were."""

    time: float
    counts: tuple[int, ...]


class Recovery(NamedTuple):
    """A fault, and from its reference moment the seconds until the service had caught up; None if it never did.

    ``in_peace``: the service had caught up before it, so that the time is this fault's alone.
    """

    kind: str
    seconds: float | None
    in_peace: bool


def recovery_seconds(
    reference: float, produced: Sequence[Sample], published: Sequence[Sample]
) -> float | None:
    """From ``reference`` until every partition has published what had been produced by then.

    Both time lines only grow, and are as exact as their samples are dense.
    """
    index = bisect.bisect_right([sample.time for sample in produced], reference) - 1
    if index < 0:
        return 0.0
    wanted = produced[index].counts
    for sample in published[bisect.bisect_left([s.time for s in published], reference) :]:
        if all(have >= want for have, want in zip(sample.counts, wanted, strict=True)):
            return sample.time - reference
    return None
