from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from stream_rcf.state.range_merging import cut_range, merge_ranges

CONTENT = bytes(range(200))
RANGES = st.lists(
    st.tuples(st.integers(0, 199), st.integers(1, 50)).map(
        lambda pair: (pair[0], min(pair[0] + pair[1], 200))
    ),
    max_size=12,
)


def test_ranges_closer_than_the_gap_are_one():
    assert merge_ranges([(10, 20), (0, 5), (25, 30)], gap=5) == [(0, 30)]
    assert merge_ranges([(10, 20), (0, 5), (26, 30)], gap=5) == [(0, 20), (26, 30)]
    assert merge_ranges([(0, 20), (5, 10)], gap=0) == [(0, 20)]
    assert merge_ranges([], gap=5) == []


@given(RANGES, st.integers(0, 60))
def test_every_range_is_cut_from_the_spans_as_from_the_whole(ranges, gap):
    spans = merge_ranges(ranges, gap)
    contents = [CONTENT[start:end] for start, end in spans]
    for start, end in ranges:
        assert cut_range((start, end), spans, contents) == CONTENT[start:end]
    for (_, end), (start, _) in pairwise(spans):
        assert start - end > gap
