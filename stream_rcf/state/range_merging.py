"""Ranges of an object that are close to one another, read as one."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

Range = tuple[int, int]  # start, end (exclusive)


def merge_ranges(ranges: Sequence[Range], gap: int) -> list[Range]:
    """Cover the ranges, none of them empty, by spans with more than ``gap`` bytes between them, in order."""
    spans: list[Range] = []
    for start, end in sorted(ranges):
        if spans and start - spans[-1][1] <= gap:
            spans[-1] = (spans[-1][0], max(end, spans[-1][1]))
        else:
            spans.append((start, end))
    return spans


def cut_range(wanted: Range, spans: Sequence[Range], contents: Sequence[bytes]) -> bytes:
    """The bytes of one of the ranges that ``spans`` cover, out of what the spans hold."""
    start, end = wanted
    number = bisect_right(spans, start, key=lambda span: span[0]) - 1
    first = spans[number][0]
    return contents[number][start - first : end - first]
